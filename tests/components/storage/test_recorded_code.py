"""What code.json says of a component."""

from pathlib import Path

from components.storage.atomic import write_json
from components.storage.recorded_code import recorded_code
from components.storage.workspace import Workspace


def test_code_is_known_once_the_stage_has_recorded_it(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert recorded_code(workspace, "training") == ""
    write_json(tmp_path / "code.json", {"training": "0a1b", "adapters": {"nifti": "ff"}})
    assert recorded_code(workspace, "training") == "0a1b"
    assert recorded_code(workspace, "judge") == ""
