"""Planted identifiers reach no byte that a whole retrain leaves behind: workspace, DVC's cache and remote, MLflow's store,
logs, pages, export."""

import re
from pathlib import Path
from typing import Any

import pytest
from dvc.config import Config

from components.storage.workspace import Workspace
from components.storage.yaml_files import dump_yaml, load_yaml
from tests.fixtures.keep_workspace import SMALLER
from tests.fixtures.micro import make_workspace, run_unimed
from tests.fixtures.planted_identifiers import SOURCES, deliver
from tests.fixtures.planted_names import SECRETS
from tests.fixtures.planted_search import found, pictures, shows_painted

_BROKEN_OFF = ("tables/list.json",)
"""What stops its source, as it should: nobody knows what follows in it."""


def planted_workspace(folder: Path) -> Workspace:
    """A micro workspace with the planted sources beside public photographs, a remote and MLflow's own store."""
    workspace = make_workspace(folder / "workspace", **SMALLER)
    deliver(workspace)
    for name in _BROKEN_OFF:
        (workspace.raw / name).unlink()
    params = load_yaml(workspace.params)
    private = {
        source: {
            "path": f"data/raw/{source}",
            "format": kind,
            "stop_above": 1.0,
            "options": {} if kind in ("dicom", "nifti") else {"private": True},
        }
        for source, (kind, _) in SOURCES.items()
    }
    params["sources"] = {"fundus": params["sources"]["fundus"], **private}
    params["assembly"]["splits"] |= {"test": {"fundus": ["chase-12r"]}, "slabs": [], "test_share": 0.1}
    workspace.params.write_text(dump_yaml(params))
    edited: Any = Config(str(workspace.root / ".dvc"), validate=False).edit("repo")
    with edited as settings:
        settings["core"]["remote"], settings["remote"] = "store", {"store": {"url": str(folder / "remote")}}
    return workspace


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_no_planted_identifier_is_left_anywhere_by_a_retrain(tmp_path):
    workspace = planted_workspace(tmp_path)
    places = {"TMPDIR": str(tmp_path / "temporary"), "UNIMED_USER": "curator"}
    Path(places["TMPDIR"]).mkdir()
    said = [run_unimed("retrain", cwd=workspace.root, **places)]
    for source in SOURCES:
        said.append(run_unimed("data", "review", source, cwd=workspace.root, **places))
    said.append(run_unimed("data", "stats", cwd=workspace.root, **places))
    said.append(run_unimed("lineage", "1", cwd=workspace.root, **places))
    said.append(run_unimed("data", "export", str(tmp_path / "export"), cwd=workspace.root, **places))
    written = [
        path
        for path in sorted(tmp_path.rglob("*"))
        if path.is_file() and not path.is_symlink() and workspace.raw not in path.parents
    ]
    shown = {str(path.relative_to(tmp_path)) for path in written}
    for part in (
        "workspace/.unimed/mlflow.db",
        "workspace/data/unimed/report.html",
        "workspace/evaluation/report.html",
    ):
        assert part in shown
    for part in (
        r"remote/files/md5/",
        r"workspace/\.dvc/cache/",
        r"workspace/\.unimed/.*\.log$",
        r"export/train\.jsonl",
    ):
        assert [name for name in shown if re.match(part, name)], f"nothing lies in {part}, so nothing could show"
    assert len(SECRETS) >= 280
    assert found(tmp_path, written, "\n".join(said)) == {}
    assert not [path for path in written if any(map(shows_painted, pictures(path)))]
