""".unimed is its owner's alone, new or of an earlier release."""

from components.storage.private import is_open, make_private
from components.storage.workspace import Workspace


def test_the_folder_is_made_closed_whatever_the_umask(tmp_path):
    workspace = Workspace(tmp_path)
    assert not is_open(workspace)
    make_private(workspace)
    assert workspace.private.stat().st_mode & 0o777 == 0o700


def test_one_that_was_open_is_closed_and_what_lies_in_it_stays(tmp_path):
    workspace = Workspace(tmp_path)
    workspace.private.mkdir(mode=0o755)
    (workspace.private / "mlflow.db").write_text("runs")
    assert is_open(workspace)
    make_private(workspace)
    assert not is_open(workspace) and (workspace.private / "mlflow.db").read_text() == "runs"
