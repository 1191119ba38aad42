"""The code that a workspace's results were made with, as code.json records it."""

from components.storage.atomic import read_object
from components.storage.workspace import Workspace


def recorded_code(workspace: Workspace, component: str) -> str:
    """Hash of the component's code; empty where no stage `code` has run, as in a test of one stage alone."""
    path = workspace.root / "code.json"
    return str(read_object(path).get(component, "")) if path.is_file() else ""
