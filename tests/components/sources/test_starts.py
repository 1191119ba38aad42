"""A start is laid into a workspace by hash, like raw data, and used only while each of its bytes is its own."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from components.recipes.shipped import read_shipped
from components.sources import starts
from components.sources.starts import FACTS, SCHEMA, lay_start, open_start
from components.storage.file_hashes import file_sha256
from components.storage.workspace import Workspace

TRAINED = read_shipped("tiny-scratch").start


def write_start(folder: Path, name: str = "small-1") -> str:
    """A start of two files; its hash."""
    folder.mkdir(parents=True)
    (folder / "ema.safetensors").write_bytes(b"weights")
    facts = {"schema": SCHEMA, "name": name, "files": {"ema.safetensors": file_sha256(folder / "ema.safetensors")}}
    (folder / FACTS).write_text(json.dumps(facts))
    return file_sha256(folder / FACTS)


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """Settings that name a start which the package holds."""
    monkeypatch.setattr(starts, "_SHIPPED", tmp_path / "package")
    return replace(TRAINED, source="shipped:small-1", sha256=write_start(tmp_path / "package" / "small-1"))


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    return Workspace(tmp_path / "workspace")


def test_a_start_is_laid_once_and_what_is_missing_restored(workspace, settings):
    assert len(lay_start(workspace, settings)) == 2
    weights = workspace.starts / "small-1" / "ema.safetensors"
    before = weights.stat().st_mtime_ns
    assert lay_start(workspace, settings) == [] and weights.stat().st_mtime_ns == before
    weights.unlink()
    assert lay_start(workspace, settings) == ["delivered start/small-1/ema.safetensors"]
    assert open_start(workspace, settings.shipped, settings.sha256).name == "small-1"


def test_a_changed_byte_is_named_and_not_used(workspace, settings):
    lay_start(workspace, settings)
    (workspace.starts / "small-1" / "ema.safetensors").write_bytes(b"others")
    with pytest.raises(ValueError, match=r"small-1/ema.safetensors is not the start's own; remove it"):
        lay_start(workspace, settings)


def test_another_start_of_the_same_name_is_refused(workspace, settings):
    lay_start(workspace, settings)
    with pytest.raises(ValueError, match=r"another start than the recipe's: its start.json has sha256 .*is 0{64}"):
        open_start(workspace, "small-1", "0" * 64)


def test_a_start_that_nobody_has_is_refused_with_the_nearest(workspace, settings):
    with pytest.raises(ValueError, match=r"there is no start 'small-2' .*did you mean 'small-1'\?"):
        lay_start(workspace, replace(settings, source="shipped:small-2"))


def test_a_run_that_trains_its_own_start_finds_the_folder_empty(workspace):
    assert lay_start(workspace, TRAINED) == []
    assert list(workspace.starts.iterdir()) == []
