"""What a version's start was trained on is found by name and hash, and leaves the comparison for both sides."""

from dataclasses import replace
from pathlib import Path

import pytest

from components.assembly.benchmark.exam import Exam
from components.assembly.dataset import Dataset
from components.assembly.selection.started import KNOWN
from components.recipes.shipped import read_shipped
from components.registry import started
from components.registry.started import Begun, begun_with, items_known, start_said
from components.storage.keys import patient_key, public_secret
from components.storage.workspace import Workspace
from tests.components.assembly.conftest import assemble_validated, make_corpus, write_validated
from tests.components.assembly.selection.test_started import NAME, lay

SOURCES = ("mri", "ct", "tissue", "scan")
CT_TWO = patient_key(public_secret("ct"), "ct-two")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Begun]:
    """A workspace that trains its own start, and another one that somebody's version began with."""
    workspace = Workspace(tmp_path_factory.mktemp("workspace"))
    write_validated(workspace, make_corpus())
    assemble_validated(workspace.root, start=read_shipped("tiny-scratch").start)
    settings = lay(workspace, ["ct/ct-two", "mri/mean-T1-axial-04"])
    return workspace, Begun(settings.source, settings.sha256)


def exam_of(workspace: Workspace) -> Exam:
    return Exam(version=1, items=tuple(Dataset(workspace.dataset).exam()), since={}, lost={})


def test_what_one_sides_start_was_trained_on_leaves_for_both(made):
    workspace, begun = made
    tiny = read_shipped("tiny-scratch")
    recipe = replace(tiny, sources=dict.fromkeys(SOURCES, next(iter(tiny.sources.values()))))
    exam = exam_of(workspace)
    known = items_known(workspace, recipe, exam, {"challenger": Begun("train"), "champion": begun})
    wanted = {i.item_id for i in exam.items if i.patient_key == CT_TWO or i.record_id == "mri/mean-T1-axial-04"}
    assert known.keys() == wanted and 0 < len(wanted) < len(exam.items)
    assert set(known.values()) == {f"{KNOWN}: {NAME}, champion's"}
    assert items_known(workspace, recipe, exam, {"challenger": Begun("train")}) == {}


def test_whether_a_start_was_trained_on_a_patient_is_said_and_what_nobody_knows_too(made, tmp_path):
    workspace, begun = made
    assert start_said(workspace, begun, {CT_TWO}) == f"its start {NAME} was trained on 8 of this patient's images"
    assert "trained on none of this patient's images" in start_said(workspace, begun, {"0" * 24})
    assert "is unknown" in start_said(Workspace(tmp_path), begun, {CT_TWO})
    assert "is unknown" in start_said(workspace, Begun(begun.source, "0" * 64), {CT_TWO}), "another start of that name"
    assert start_said(workspace, Begun("train"), {CT_TWO}) == ""


def test_a_version_of_a_release_that_knew_no_starts_began_with_its_own(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(started, "record_folder", lambda *_: tmp_path)
    (tmp_path / "params.yaml").write_text("recipe: tiny\n")
    assert begun_with(None, None) == Begun("train")  # type: ignore[arg-type]
    (tmp_path / "params.yaml").write_text(f"start:\n  source: shipped:tiny-1\n  sha256: {'a' * 64}\n")
    assert begun_with(None, None) == Begun("shipped:tiny-1", "a" * 64)  # type: ignore[arg-type]
