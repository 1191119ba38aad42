"""A real small workspace for the registry: trivial stages under real DVC, real MLflow on SQLite, a hand-made checkpoint."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from components.assembly.benchmark.exam import NONE
from components.registry import gate
from components.registry.promotion import decide
from components.registry.versions import register
from components.storage.workspace import Workspace
from tests.fixtures.registry_workspace import make_workspace, run


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Path:
    """A finished workspace with a migrated, empty mlflow.db: copied for each test, which saves it three seconds."""
    root = tmp_path_factory.mktemp("registry") / "workspace"
    before, path = Path.cwd(), os.environ.get("PATH", "")
    try:
        workspace = make_workspace(root)
    finally:
        os.chdir(before)
        os.environ["PATH"] = path
        os.environ.pop("UNIMED_WORKSPACE", None)
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    from mlflow import MlflowClient

    MlflowClient(f"sqlite:///{workspace.private / 'mlflow.db'}").search_experiments()
    return root


@pytest.fixture
def workspace(made, tmp_path, monkeypatch) -> Workspace:
    """A finished workspace of the test's own, in a folder with a space and an umlaut in its name."""
    root = tmp_path / "wörk space"
    shutil.copytree(made, root, symlinks=True)
    _enter(root, tmp_path, monkeypatch)
    return Workspace(root)


@pytest.fixture(scope="session")
def three_made(made, tmp_path_factory) -> Path:
    """A workspace with versions 1, 2 and 3, of which 1 is champion; `three` restores it, paths inside stay valid."""
    folder = tmp_path_factory.mktemp("three")
    root = folder / "now"
    shutil.copytree(made, root, symlinks=True)
    with pytest.MonkeyPatch.context() as patch:
        _enter(root, folder, patch)
        workspace = Workspace(root)
        decide(workspace, register(workspace), "gate")
        for number in (2, 3):
            (root / "weights.txt").write_text(f"weights {number}")
            run(workspace)
            register(workspace)
    shutil.copytree(root, folder / "as made", symlinks=True)
    return root


@pytest.fixture
def three(three_made, tmp_path, monkeypatch) -> Workspace:
    """Versions 1, 2, 3 of a finished workspace; 1 is champion, 3 is what the workspace holds."""
    _restore(three_made, three_made.with_name("as made"))
    _enter(three_made, tmp_path, monkeypatch)
    return Workspace(three_made)


def _restore(root: Path, saved: Path) -> None:
    """Bring every file back; mlflow.db through SQLite, since this process holds open connections to it."""
    database = Path(".unimed") / "mlflow.db"
    for path in sorted(root.rglob("*"), reverse=True):
        if path.is_file() and path != root / database:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    shutil.copytree(saved, root, dirs_exist_ok=True, ignore=shutil.ignore_patterns(database.name))
    with closing(sqlite3.connect(saved / database)) as source, closing(sqlite3.connect(root / database)) as target:
        source.backup(target)


def _enter(root: Path, home: Path, patch: pytest.MonkeyPatch) -> None:
    patch.chdir(root)
    patch.setenv("PATH", os.environ["PATH"])
    patch.setenv("SHELL", "/bin/sh")
    patch.setenv("UNIMED_WORKSPACE", str(root))
    patch.setenv("XDG_CACHE_HOME", str(home / "home-cache"))
    for name in ("MLFLOW_TRACKING_URI", "UNIMED_DATABASE_URL", "UNIMED_PARENT_RUN"):
        patch.delenv(name, raising=False)
    # Its stages make no items: what a version scored on the exam is what its evaluation says.
    patch.setattr(gate, "freeze_exam", lambda *_: NONE)
    patch.setattr(gate, "exam_scores", lambda workspace, *_, why: workspace.evaluation / "scores")


@pytest.fixture
def retrain():
    """Change weights and accuracy of a workspace and bring it up to date."""

    def change(workspace: Workspace, weights: str, accuracy: float = 0.8) -> None:
        (workspace.root / "weights.txt").write_text(weights)
        (workspace.root / "accuracy.txt").write_text(str(accuracy))
        run(workspace)

    return change
