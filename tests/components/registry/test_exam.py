"""Who opened the exam, and which items are fair to both sides."""

from dataclasses import replace

from components.assembly.benchmark.exam import NONE, grown
from components.records.vocabulary import Split
from components.registry.exam import unfair_items
from components.registry.openings import WHO, WHY, open_exam, openings
from tests.components.evaluation.material import item


def test_an_opening_says_who_and_why_and_the_first_stands_first(workspace, monkeypatch):
    assert openings(workspace) == []
    open_exam(workspace, "exam-1", 1, "a" * 64)
    monkeypatch.setenv(WHO, "gate")
    monkeypatch.setenv(WHY, "version 2 is judged")
    open_exam(workspace, "exam-2", 2, "b" * 64)
    first, second = openings(workspace)
    assert (first.exam, first.version, first.weights_sha256, first.why) == ("exam-1", 1, "a" * 64, "by hand")
    assert (second.who, second.why) == ("gate", "version 2 is judged") and first.at <= second.at
    assert openings(workspace, "exam-2") == [second]


def test_an_item_leaves_for_both_sides_when_one_was_trained_on_its_patient():
    items = [item(number, patient_key=f"p{number}") for number in range(3)]
    items.append(replace(items[0], item_id="vqa/slab", split=Split.WITHIN_SUBJECT))
    exam = grown(NONE, items, {one.record_id for one in items}, str)
    assert unfair_items(exam, {"p0", "p1"}, {"p1"}) == {
        "vqa/000": "its patient trained the challenger",
        "vqa/001": "its patient trained the challenger and the champion",
    }
    assert unfair_items(exam, None, None) == {}, "nobody knows whom imported weights have seen"
