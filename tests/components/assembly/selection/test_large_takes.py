"""A rule that takes more than a fifth of a source says so."""

from components.assembly.selection.decision import Decision
from components.assembly.selection.large_takes import large_takes
from components.records.vocabulary import Bin


def test_a_rule_that_takes_more_than_a_fifth_of_a_source_is_named_with_its_count(make_entry) -> None:
    def ends(where: Bin, reason: str, count: int, source: str) -> list[Decision]:
        entry = make_entry(reason, source=source)
        return [Decision(entry=entry, bin=where, reason=reason)] * count

    decisions = [
        *ends(Bin.KEPT, "", 70, "web"),
        *ends(Bin.CONTAMINATING, "patient has held-out images", 21, "web"),
        *ends(Bin.FILTERED, "redacted", 9, "web"),
        *ends(Bin.HELDOUT, "", 8, "ct"),
        *ends(Bin.DUPLICATE, "same pixels", 2, "ct"),
    ]
    (told,) = large_takes(decisions)
    assert told == (
        "the rule contaminating: 'patient has held-out images' takes 21 of 100 records of web (21%); "
        "look at them with `unimed data review web`"
    )
