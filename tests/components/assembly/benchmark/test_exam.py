"""A later exam contains the earlier one; an item leaves by name and reason only, and never changes while it stays."""

import shutil
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from components.assembly.benchmark.exam import NONE, exam_id, grown, read_exam, write_exam
from components.assembly.benchmark.freezing import forget_patient, freeze_exam
from components.assembly.benchmark.item import item_hash
from components.recipes.shipped import read_shipped
from components.records.benchmark import BenchmarkItem
from components.records.vocabulary import HELD_OUT, Modality, Split
from components.storage.workspace import Workspace


def item(record: str, form: str = "choice", prompt: str = "Which modality?") -> BenchmarkItem:
    return BenchmarkItem(
        item_id=f"vqa/test/modality-{form}/{record}-{prompt}",
        benchmark="vqa",
        split=Split.TEST,
        task="vqa",
        question_type="modality",
        answer_type=form,  # type: ignore[arg-type]
        options=("CT", "MRI"),
        modality=Modality.CT,
        anatomy="brain",
        patient_key=f"patient of {record}",
        record_id=record,
        prompt_id="p@1",
        prompt=prompt,
        reference="CT",
        image=record.encode(),
        reference_image=None,
    )


def gone(identity: str) -> str:
    return f"{identity} is gone"


FIRST = grown(NONE, [item("a"), item("b")], {"a", "b", "c"}, gone)


def test_the_first_version_asks_everything_and_nothing_new_makes_no_other() -> None:
    assert (FIRST.version, [one.record_id for one in FIRST.items]) == (1, ["a", "b"])
    assert grown(FIRST, [item("a"), item("b")], {"a", "b", "c"}, gone) is FIRST
    reworded = [replace(one, item_id=f"{one.item_id}2", prompt="What is it?") for one in FIRST.items]
    assert grown(FIRST, [*reworded, item("c")], {"a", "b", "c"}, gone) is FIRST, "they were looked at before"


def test_new_records_and_new_kinds_of_questions_come_in_and_what_was_frozen_stays_as_it_was() -> None:
    changed = replace(item("a"), reference="MRI", image=b"stored anew")
    second = grown(FIRST, [changed, item("b", "open"), item("d")], {"a", "b", "c", "d"}, gone)
    assert set(FIRST.items) < set(second.items) and changed not in second.items
    assert {(one.record_id, one.answer_type) for one in second.items} == {
        *(("a", "choice"), ("b", "choice"), ("b", "open"), ("d", "choice"))
    }
    assert (second.version, second.lost) == (2, {}) and sorted(second.since.values()) == [1, 1, 2, 2]
    assert [one["version"] for one in second.versions] == [1, 2] and second.versions[-1]["id"] == second.id
    assert second.id != FIRST.id == exam_id(reversed(FIRST.items))


def test_an_item_leaves_by_name_and_reason_and_comes_back_as_a_new_one() -> None:
    second = grown(FIRST, [item("b")], {"b", "c"}, gone)
    assert (second.version, dict(second.lost)) == (2, {item("a").item_id: "a is gone"})
    assert second.items == (item("b"),)
    third = grown(second, [item("a"), item("b")], {"a", "b", "c"}, gone)
    assert third.items == FIRST.items and third.lost == {} and third.since[item("a").item_id] == 3


def test_what_is_read_is_what_was_written_and_a_changed_item_is_named(tmp_path) -> None:
    folder = tmp_path / "exam"
    assert read_exam(folder) is NONE
    write_exam(folder, FIRST, 2**20)
    assert read_exam(folder) == FIRST
    file = next(folder.glob("*.parquet"))
    table = pq.read_table(file)
    answers = ["MRI", *table["reference"].to_pylist()[1:]]
    place = table.schema.get_field_index("reference")
    pq.write_table(table.set_column(place, table.schema.field(place), [answers]), file)
    with pytest.raises(ValueError, match=r"item vqa/test/modality-choice/a-.* is not what it was when it was frozen"):
        read_exam(folder)


def test_a_patient_who_is_removed_leaves_the_frozen_exam_with_its_bytes(
    assemble_corpus, settings, corpus, tmp_path
) -> None:
    root = assemble_corpus(name="first").parents[1]
    workspace, recipe = Workspace(root), read_shipped("tiny-scratch")
    first = freeze_exam(workspace, recipe)
    assert (first.version, first.items) == (1, read_exam(workspace.exam).items)
    assert {one.split for one in first.items} == set(HELD_OUT)
    key = next(one.patient_key for one in first.items if one.record_id.startswith("ct/"))
    frozen = shutil.copytree(workspace.exam, tmp_path / "frozen")
    gone = forget_patient(workspace, recipe, {key, "a former key"})
    at_once = read_exam(workspace.exam)
    assert set(gone) == set(at_once.lost) and not [one for one in at_once.items if one.patient_key == key]
    assert key.encode() not in b"".join(path.read_bytes() for path in workspace.exam.iterdir())
    assert forget_patient(workspace, recipe, {key}) == []
    shutil.rmtree(workspace.exam)
    shutil.copytree(frozen, workspace.exam)
    assemble_corpus(corpus, replace(settings, excluded_patients=(key,)), name="first")
    second = freeze_exam(workspace, recipe)
    assert second == at_once, "the next judged run finds what was done at once"
    left = [one for one in first.items if one.patient_key == key]
    assert dict(second.lost) == {one.item_id: "its record is filtered: excluded-patient" for one in left}
    assert {item_hash(one) for one in second.items} == {item_hash(one) for one in first.items if one not in left}
    stored = b"".join(path.read_bytes() for path in workspace.exam.iterdir())
    assert left and key.encode() not in stored
