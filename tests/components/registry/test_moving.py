"""A workspace that is moved or copied: refused by name, mended on request, and never a writer into its original."""

import shutil
from pathlib import Path

import pytest

from components.registry.catalogue import checkpoint_of, record_folder, resolve
from components.registry.identity import registry_of
from components.registry.moving import settle_here
from components.registry.promotion import decide
from components.registry.tracking import connect
from components.registry.verification import verify
from components.registry.versions import models, register
from components.storage.home import Elsewhere, check_home, read_home
from components.storage.workspace import Workspace


@pytest.fixture
def lived(workspace) -> Workspace:
    """A workspace with a champion."""
    decide(workspace, register(workspace), "gate")
    return workspace


def at(path: Path, monkeypatch) -> Workspace:
    """The workspace there, as another process finds it: MLflow leaves its address in the environment of this one."""
    monkeypatch.chdir(path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("UNIMED_WORKSPACE", str(path))
    return Workspace(path)


def files(workspace: Workspace) -> dict[str, int]:
    return {
        str(path): path.stat().st_mtime_ns
        for path in workspace.root.rglob("*")
        if path.is_file() and path.name != "retrain.lock"
    }


def test_a_moved_workspace_is_refused_and_whole_again_after_the_repair(lived, monkeypatch):
    before = read_home(lived)
    target = lived.root.with_name(f"{lived.root.name} elsewhere")  # the old path is the beginning of the new one
    lived.root.rename(target)
    moved = at(target, monkeypatch)
    with pytest.raises(Elsewhere, match=r"was moved from .* `unimed doctor --repair`"):
        connect(moved)
    assert len(settle_here(moved)) == 2
    tracking = connect(moved)
    version = resolve(moved, "champion", tracking)
    assert record_folder(tracking, version).is_relative_to(target)
    assert all(path.resolve().is_relative_to(target) for path in checkpoint_of(moved, tracking, version).iterdir())
    assert [check for check in verify(moved, "champion") if not check.ok] == []
    assert before is not None and read_home(moved) is not None and read_home(moved).id == before.id
    assert settle_here(moved) == []
    assert not lived.root.exists(), "nothing is written to where it was"


def test_a_copy_gets_an_identity_of_its_own_and_never_writes_into_its_original(lived, retrain, monkeypatch):
    target = lived.root.with_name("a copy")
    shutil.copytree(lived.root, target, symlinks=True)
    copy = at(target, monkeypatch)
    with pytest.raises(Elsewhere, match=r"is a copy of .* gives the copy an identity of its own"):
        models(copy)
    untouched = files(lived)
    settle_here(copy)
    assert read_home(copy).id != read_home(lived).id
    retrain(copy, "weights 2")
    assert register(copy).number == 2
    assert [check for check in verify(copy, "2") if not check.ok] == []
    assert files(lived) == untouched
    check_home(at(lived.root, monkeypatch))
    assert [row["version"] for row in models(lived)] == [1]


def test_a_copy_whose_original_cannot_be_seen_counts_as_moved_says_so_and_is_one_on_request(lived, monkeypatch):
    before, registry = read_home(lived), registry_of(lived)
    targets = [lived.root.with_name(name) for name in ("moved", "copied")]
    for target in targets:
        shutil.copytree(lived.root, target, symlinks=True)
    lived.root.rename(lived.root.with_name("on another machine"))
    moved = at(targets[0], monkeypatch)
    with pytest.raises(
        Elsewhere, match=r"was moved from .* cannot be seen from here, this one is a copy of it: add --copy"
    ):
        connect(moved)
    said = settle_here(moved)
    assert "its identity stays what it was" in said[0] and "add --copy" in said[0]
    assert read_home(moved).id == before.id and registry_of(moved).id == registry.id
    copy = at(targets[1], monkeypatch)
    assert "an identity of its own" in settle_here(copy, as_copy=True)[0]
    assert read_home(copy).id != before.id and registry_of(copy).id != registry.id
    assert [check for check in verify(copy, "champion") if not check.ok] == []


def test_a_copy_at_the_same_path_of_another_machine_gets_an_identity_on_request(lived):
    before, registry = read_home(lived), registry_of(lived)
    assert settle_here(lived) == []
    assert settle_here(lived, as_copy=True) == ["this copy has an identity of its own"]
    assert read_home(lived).id != before.id and registry_of(lived).id != registry.id
    assert [check for check in verify(lived, "champion") if not check.ok] == []


def test_a_workspace_of_a_release_without_identities_is_known_by_where_mlflow_keeps_its_artifacts(lived, monkeypatch):
    (lived.private / "home.json").unlink()
    target = lived.root.with_name("moved")
    lived.root.rename(target)
    moved = at(target, monkeypatch)
    with pytest.raises(Elsewhere, match="was moved from"):
        check_home(moved)
    settle_here(moved)
    assert [check for check in verify(moved, "champion") if not check.ok] == []
