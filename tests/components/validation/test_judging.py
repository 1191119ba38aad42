from dataclasses import replace

import numpy as np
import pytest

from components.records.record import LeftOut, Unreadable
from components.records.schema import RECORD_SCHEMA
from components.sources.delivery_folder import UNREAD
from components.storage.keys import patient_key, public_secret
from components.validation.decisions import CuratorDecision
from components.validation.judging import judge

BLANK = np.full((50, 60), 9, np.uint8)


def broken(name: str) -> Unreadable:
    return Unreadable(id=f"s/{name}", source="s", file=name, reason="empty file", detail="no bytes")


def run(items, settings, decisions=(), accepted=None):
    return judge("s", items, settings, decisions={d.id: d for d in decisions}, accepted=accepted or {})


def test_every_item_ends_in_exactly_one_bin_and_rows_hold_no_readable_subject(make, settings):
    judged = run([make("b"), broken("x.png"), make("a", BLANK), make("c")], settings)
    assert [row["id"] for row in judged.rows] == ["s/b", "s/c"]
    assert [(row["id"], row["reason"], row["suite"]) for row in judged.quarantine] == [
        ("s/a", "blank image", "unimed.records@1"),
        ("s/x.png", "empty file", "unimed.reading@1"),
    ]
    assert judged.accounting["raw"] == 4
    assert judged.accounting["kept"] == judged.accounting["quarantined"] == 2
    assert judged.accounting["reasons"] == {"quarantined: blank image": 1, "quarantined: empty file": 1}
    assert set(judged.rows[0]) == set(RECORD_SCHEMA.names)
    assert judged.rows[0]["patient_key"] == patient_key(public_secret("s"), "ann")
    assert "ann" not in {str(value) for value in judged.rows[0].values()}
    assert (judged.rows[0]["width"], judged.rows[0]["height"]) == (60, 50)


def test_order_of_reading_does_not_matter(make, settings):
    items = [make("b"), broken("x.png"), make("a", BLANK), make("c"), broken("d.png")]
    first, second = run(items, settings), run(items[::-1], settings)
    assert first == second


def test_a_file_of_which_a_part_was_not_read_stops_its_source_however_many_records_it_gave(make, settings):
    rest = replace(broken("x.jsonl:rest"), reason=UNREAD, detail="the rest of x.jsonl was not read", is_rest=True)
    verdict = run([*(make(f"{n:03d}") for n in range(60)), rest], settings).accounting["verdict"]
    assert verdict["verdict"] == "stop" and "the rest of x.jsonl was not read" in verdict["message"]


def test_what_is_no_image_by_nature_is_filtered_and_counts_against_no_limit(make, settings):
    outs = [LeftOut(id=f"s/{n}", source="s", file=f"{n}", reason="structured report", detail="no image") for n in "cba"]
    judged = run([make("x"), make("y"), *outs, broken("z.png")], settings)
    assert [row["id"] for row in judged.left_out] == ["s/a", "s/b", "s/c"]
    assert [row["reason"] for row in judged.quarantine] == ["empty file"]
    assert {name: judged.accounting[name] for name in ("raw", "kept", "quarantined", "filtered")} == {
        "raw": 6, "kept": 2, "quarantined": 1, "filtered": 3,
    }  # fmt: skip
    assert judged.accounting["reasons"] == {"filtered: structured report": 3, "quarantined: empty file": 1}
    assert judged.accounting["verdict"]["verdict"] == "accept"
    # They do not hide a bad delivery behind their number either.
    share = run([make("x"), *outs, broken("z.png"), broken("u.png")], settings).accounting["verdict"]
    assert share["verdict"] == "stop" and "2 of 3 records quarantined" in share["message"]
    empty = run(outs, settings).accounting["verdict"]
    assert empty["verdict"] == "stop" and "all 3 records are left out: filtered: structured report" in empty["message"]


def test_curator_may_keep_what_the_suite_refuses_and_refuse_what_it_keeps(make, settings):
    decisions = [
        CuratorDecision(id="s/a", decision="accept", by="kim", reason="a black frame is what we want"),
        CuratorDecision(id="s/b", decision="reject", by="kim", reason="wrong patient"),
    ]
    judged = run([make("a", BLANK), make("b"), make("c")], settings, decisions)
    assert [row["id"] for row in judged.rows] == ["s/a", "s/c"]
    (row,) = judged.quarantine
    assert row["reason"] == "rejected"
    assert row["detail"] == "rejected by kim: wrong patient"


def test_patients_of_whom_all_is_refused_are_named_by_key(make, settings):
    decisions = [CuratorDecision(id="s/d", decision="reject", by="kim", reason="wrong patient")]
    items = [
        make("a", BLANK, subject="ann"),
        make("b", subject="ann"),
        make("c", BLANK, subject="ben"),
        make("d", subject="eve"),
    ]
    judged = run(items, settings, decisions)
    assert [row["id"] for row in judged.quarantine] == ["s/a", "s/c", "s/d"]
    assert judged.refused_patients == sorted(patient_key(public_secret("s"), name) for name in ("ben", "eve"))
    assert run([make("a"), make("b")], settings).refused_patients == []


def test_two_records_of_one_id_cannot_be_accepted(make, settings):
    decision = CuratorDecision(id="s/a", decision="accept", by="kim", reason="?")
    judged = run([make("a"), make("a"), make("b")], settings, [decision])
    assert [row["id"] for row in judged.rows] == ["s/b"]


@pytest.mark.parametrize(("bad", "verdict"), [(1, "accept"), (2, "accept"), (3, "stop")])
def test_stop_only_above_the_limit(make, settings, bad, verdict):
    items = [make("a"), make("b"), *(broken(f"{n}.png") for n in range(bad))]
    found = run(items, settings).accounting["verdict"]
    assert found["verdict"] == verdict
    assert found["quarantined_share"] == round(bad / (bad + 2), 6)
    assert found["limit"] == 0.5
    if verdict == "stop":
        assert found["suite"] == "unimed.reading@1"
        assert "3 of 5 records quarantined (60.0%), the limit is 50.0%; most often: empty file (3)" in found["message"]


def test_source_without_a_record_stops(settings):
    assert run([], settings).accounting["verdict"]["verdict"] == "stop"


def test_delivery_that_drifts_from_the_accepted_one_is_held(make, settings):
    items = [make(name) for name in "abcd"]
    accepted = run(items, settings).profile
    assert run(items, settings, accepted=accepted).accounting["verdict"]["verdict"] == "accept"
    fewer = run(items[:1], settings, accepted=accepted).accounting["verdict"]
    assert fewer["verdict"] == "hold"
    assert "records 1, accepted 4 (0.75)" in fewer["message"] and "unimed data accept s" in fewer["message"]
    dark = [make(name, np.random.default_rng(1).integers(0, 9, (50, 60), dtype=np.uint8)) for name in "abcd"]
    assert "images.mean median" in run(dark, settings, accepted=accepted).accounting["verdict"]["message"]
    other = [make(name, anatomy="abdomen") for name in "abcd"]
    told = run(other, settings, accepted=accepted).accounting["verdict"]["message"]
    assert "anatomy abdomen 4, accepted chest 4 (1.00)" in told


def test_profile_counts_what_was_kept(make, settings):
    facts = {"organs": "liver;spleen"}
    found = run([make("a", facts=facts), make("b", facts=facts), make("c", BLANK)], settings).profile
    assert found["records"] == 2
    assert found["subjects"] == 1
    assert found["facts"]["organs"] == {"liver": 2, "spleen": 2}
    assert found["images"]["width"] == [60.0] * 21


def test_one_id_of_several_people_is_held_until_somebody_accepts_it(make, settings):
    def of(name, *person):
        return replace(make(name), subject="anonymous", person=person)

    one = [of("a", "n1", "b1", "f"), of("b", "n1", "", "f"), of("c", "", "b1", "")]
    assert run(one, settings).accounting["verdict"]["verdict"] == "accept"
    several = [*one, of("d", "n1", "b2", "f"), replace(make("e"), subject="ben", person=("n2", "b2", "m"))]
    judged = run(several, settings)
    verdict = judged.accounting["verdict"]
    assert verdict["verdict"] == "hold" and "1 of its patient ids" in verdict["message"]
    assert run(several, settings, accepted=judged.profile).accounting["verdict"]["verdict"] == "accept"


def test_an_older_release_s_profile_holds_nothing_that_this_release_changed_and_says_what_it_did_not_compare(
    make, settings
):
    items = [make(name) for name in "abcd"]
    older = {name: value for name, value in run(items, settings).profile.items() if name != "version"}
    found = run(items[:1], settings, accepted=older).accounting["verdict"]
    assert found["verdict"] == "accept"
    assert "an older release, so that these were not compared: facts.absent_findings" in found["message"]
    assert ", records (`unimed data accept s`" in found["message"]
