"""What a version was trained on, why that may be unknown, and which items of the exam it gives away."""

from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.assembly.benchmark.exam import NONE, grown
from components.records.vocabulary import Split
from components.registry import trained
from components.registry.catalogue import Version
from components.registry.started import Begun
from components.registry.trained import IMPORTED, Trained, told_items, trained_on, unfair_items
from components.storage.workspace import Workspace
from tests.components.evaluation.material import benchmark, item, make_dataset

COLUMNS = ("id", "patient_key", "split", "bin", "other")
VERSION = Version(number=3, aliases=(), tags={"unimed.dataset_id": "d" * 32}, run_id="", source="", created_at_ms=0)


def decisions(path, *rows: tuple[str, ...]):
    """A file of decisions: (record, patient, split, bin, the other record)."""
    pq.write_table(pa.Table.from_pylist([dict(zip(COLUMNS, row, strict=True)) for row in rows]), path)
    return path


@pytest.fixture
def workspace(tmp_path):
    made = Workspace(tmp_path)
    make_dataset(made.dataset, benchmark())
    return made


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """recorded(start's source, files) lays the record of the version down, and the files into its cache."""

    def lay(source: str, *files):
        monkeypatch.setattr(trained, "begun_with", lambda *_: Begun(source))
        monkeypatch.setattr(trained, "record_folder", lambda *_: tmp_path)
        monkeypatch.setattr(trained, "decision_files", lambda *_: list(files))

    return lay


def test_what_trained_is_known_by_records_and_patients(workspace, recorded, tmp_path):
    kept = decisions(
        tmp_path / "d.parquet",
        ("a/1", "p1", "train", "kept", ""),
        ("a/2", "p2", "train", "duplicate", "a/1"),
        ("a/3", "p3", "test", "heldout", ""),
    )
    recorded("train", kept)
    assert trained_on(workspace, None, VERSION) == Trained(patients=frozenset({"p1"}), records=frozenset({"a/1"}))


def test_the_patients_of_a_start_of_ours_count_as_trained_on(workspace, recorded, tmp_path, monkeypatch):
    recorded("shipped:first", decisions(tmp_path / "d.parquet", ("a/1", "p1", "train", "kept", "")))
    monkeypatch.setattr(trained, "known_start", lambda *_: "a start")
    monkeypatch.setattr(trained, "start_patients", lambda *_: {"p7": 3})
    assert trained_on(workspace, None, VERSION).patients == {"p1", "p7"}


def test_imported_weights_and_a_data_set_that_is_not_here_are_told_apart(workspace, recorded):
    recorded("/weights/published")
    assert trained_on(workspace, None, VERSION).unknown == IMPORTED
    recorded("train")
    assert (
        "its data set dddddddddddd is not in the local DVC cache; `dvc pull`"
        in trained_on(workspace, None, VERSION).unknown
    )


def test_an_item_leaves_for_both_sides_when_one_was_trained_on_its_patient():
    items = [item(number, patient_key=f"p{number}") for number in range(3)]
    items.append(replace(items[0], item_id="vqa/slab", split=Split.WITHIN_SUBJECT))
    exam = grown(NONE, items, {one.record_id for one in items}, str)
    first, second = Trained(patients=frozenset({"p0", "p1"})), Trained(patients=frozenset({"p1"}))
    assert unfair_items(exam, {"challenger": first, "champion": second}) == {
        "vqa/000": "its patient trained the challenger",
        "vqa/001": "its patient trained the challenger and the champion",
    }
    assert unfair_items(exam, {"challenger": Trained(unknown="imported")}) == {}, "nobody knows whom it has seen"


def test_what_is_found_since_to_give_an_item_away_is_known_of_the_side_that_was_trained_on_it(workspace):
    items = [item(number, record_id=f"a/held-{number}") for number in range(4)]
    exam = grown(NONE, items, {one.record_id for one in items}, str)
    decisions(
        workspace.dataset / "decisions-00000.parquet",
        ("a/1", "p1", "train", "contaminating", "a/held-0"),
        ("a/2", "p2", "train", "contaminating", "a/copy"),
        ("a/3", "p3", "train", "contaminating", "a/held-2"),
        ("a/copy", "p4", "test", "duplicate", "a/held-1"),
        ("a/4", "p5", "train", "kept", ""),
    )
    former = Trained(records=frozenset({"a/1", "a/2", "a/4"}))
    assert told_items(workspace, exam, former) == {"vqa/000", "vqa/001"}, "a copy stands for the record that is asked"
    assert told_items(workspace, exam, Trained(records=frozenset({"a/4"}))) == frozenset()
