"""Killed at any of its writes and started again, assembly gives the bytes of an unbroken run."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from components.assembly import stage
from components.assembly.sealing.seal import seal
from components.assembly.stage import assemble
from components.context import StageContext
from components.recipes.shipped import read_shipped
from components.storage.atomic import TEMPORARY, read_json, write_json
from components.storage.progress import Progress
from components.storage.workspace import Workspace
from tests.components.assembly.conftest import SETTINGS, make_corpus, write_validated
from tests.faults.writes import Moment, kill_at, moments, one_of_each

FEW = replace(SETTINGS, max_shard_bytes=20_000, question_turns=40, caption_samples=8, drawing_samples=8, edit_samples=8)
CHUNK_RECORDS = 8


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


class Assembly:
    """A small corpus in several chunks, and what an unbroken run makes of it. Chunks of another assembly lie about."""

    def __init__(self, root: Path, sealed: list[int]) -> None:
        self._sealed = sealed
        self._workspace = Workspace(root)
        few = {source: records[::9] for source, records in make_corpus().items()}
        write_validated(self._workspace, few)
        recipe = read_shipped("tiny-scratch")
        any_source = next(iter(recipe.sources.values()))
        self._recipe = replace(recipe, sources=dict.fromkeys(few, any_source), assembly=FEW, seed=1)
        self._chunks = self._workspace.private / "assembly"
        self._watched = (self._workspace.dataset.parent, self._chunks)
        self.run()
        self._unbroken, self._count = files(self._workspace.dataset), sum(sealed)

    def run(self) -> None:
        progress = Progress.start(self._workspace.progress, "assemble")
        assemble(StageContext(workspace=self._workspace, recipe=self._recipe, item="", progress=progress))

    def moments(self) -> list[Moment]:
        self._begin_anew()
        return moments(self.run, self._watched)

    def check(self, moment: Moment) -> None:
        """Killed at the moment, there is the whole data set or none; after one more start there is nothing but it, and
        no chunk was sealed twice."""
        self._begin_anew()
        kill_at(moment, self.run, self._watched)
        if self._workspace.dataset.exists():
            assert files(self._workspace.dataset) == self._unbroken, f"half a data set after {moment}"
        described = self._chunks.glob(f"[!{TEMPORARY[0]}]*/[!{TEMPORARY[0]}]*/chunk.json")
        kept = sum(read_json(path)["records"] for path in described if path.parts[-3] != "other")
        self._sealed.clear()
        self.run()
        assert files(self._workspace.dataset) == self._unbroken, f"another data set after {moment}"
        assert not list(self._chunks.iterdir()), f"chunks are left after {moment}"
        assert kept + sum(self._sealed) == self._count, f"chunks are sealed twice after {moment}"

    def _begin_anew(self) -> None:
        """Without anything that it made, as DVC removes a stage's output before it runs it."""
        for folder in (self._chunks, *self._workspace.dataset.parent.glob("*unimed")):
            shutil.rmtree(folder, ignore_errors=True)
        for name in ("other", f"{TEMPORARY}removed"):
            write_json(self._chunks / name / "000000" / "chunk.json", {"records": 5, "shards": {}})


@pytest.fixture
def sealed(monkeypatch):
    """The records of each chunk that is sealed in this process."""
    found: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # what a killed process has written is there without it
    monkeypatch.setattr(stage, "CHUNK_RECORDS", CHUNK_RECORDS)
    monkeypatch.setattr(stage, "seal", lambda job, seen: found.append(len(job.entries)) or seal(job, seen))
    return found


def test_killed_at_a_write_of_any_kind_the_next_start_gives_the_same_bytes(tmp_path, sealed):
    assembly = Assembly(tmp_path, sealed)
    assert len(sealed) > 2
    for moment in one_of_each(assembly.moments()):
        assembly.check(moment)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_killed_at_any_write_the_next_start_gives_the_same_bytes(tmp_path, sealed):
    assembly = Assembly(tmp_path, sealed)
    for moment in assembly.moments():
        assembly.check(moment)
