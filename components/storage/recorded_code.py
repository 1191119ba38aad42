"""The code that a workspace's results were made with, as code.json records it."""

from components.storage.atomic import read_object
from components.storage.keys import digest
from components.storage.made_with import SECTION
from components.storage.workspace import Workspace


def recorded_code(workspace: Workspace, component: str) -> str:
    """Hash of the component's code and of the packages that it is run with; empty where no stage `code` has run, as in a
    test of one stage alone."""
    path = workspace.root / "code.json"
    found = read_object(path) if path.is_file() else {}
    return digest([found[component], found.get(SECTION, {}).get(component)]) if component in found else ""
