"""What code.json says of a component."""

from pathlib import Path

from components.storage.atomic import write_json
from components.storage.recorded_code import recorded_code
from components.storage.workspace import Workspace


def test_code_is_known_once_the_stage_has_recorded_it_and_is_another_with_other_packages(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)

    def recorded(component: str, **packages: str) -> str:
        value = {"training": "0a1b", "adapters": {"nifti": "ff"}, "made_with": {"training": packages, "judge": {}}}
        write_json(tmp_path / "code.json", value)
        return recorded_code(workspace, component)

    assert recorded_code(workspace, "training") == ""
    found = recorded("training", torch="2.12.0")
    assert found and found == recorded("training", torch="2.12.0") != recorded("training", torch="2.13.0")
    assert recorded("judge") == ""


def test_code_that_an_older_release_recorded_is_known(tmp_path: Path) -> None:
    write_json(tmp_path / "code.json", {"training": "0a1b"})
    assert recorded_code(Workspace(tmp_path), "training")
