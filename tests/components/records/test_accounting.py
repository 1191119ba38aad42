"""Every raw record ends in exactly one bin."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.records.accounting import Account, total
from components.records.vocabulary import Bin

ENDS = st.lists(st.tuples(st.sampled_from(list(Bin)), st.sampled_from(["", "not an image", "guard-band"])), max_size=40)


@given(ENDS)
def test_the_bins_of_a_source_add_up_to_what_was_raw(ends):
    account = Account(source="scans")
    for where, reason in ends:
        account.count(where, reason)
    told = account.to_json()
    assert told["raw"] == len(ends) == sum(int(told[b.value]) for b in Bin)  # type: ignore[call-overload]
    for where in Bin:
        assert told[where.value] == sum(end == where for end, _ in ends)
    reasons = told["reasons"]
    assert isinstance(reasons, dict) and list(reasons) == sorted(reasons)
    assert sum(reasons.values()) == sum(bool(reason) for _, reason in ends)


def test_one_reason_in_two_bins_is_two_reasons():
    account = Account(source="scans")
    account.count(Bin.FILTERED, "small")
    account.count(Bin.QUARANTINED, "small")
    account.count(Bin.FILTERED, "small")
    account.count(Bin.KEPT)
    assert account.to_json()["reasons"] == {"filtered: small": 2, "quarantined: small": 1}


@pytest.mark.parametrize("change", [1, -1])
def test_a_record_that_got_lost_is_an_error_that_names_its_source(change):
    account = Account(source="scans")
    account.count(Bin.KEPT)
    account.raw += change
    with pytest.raises(ValueError, match=rf"source scans: {1 + change} raw records but 1 in bins; a record got lost"):
        account.to_json()


def test_the_total_is_the_sum_over_sources():
    accounts = {}
    for source, kept, heldout in (("a", 3, 0), ("b", 1, 2)):
        account = Account(source=source)
        for where in (Bin.KEPT,) * kept + (Bin.HELDOUT,) * heldout:
            account.count(where)
        accounts[source] = account.to_json()
    summed = total(accounts)
    assert (summed["raw"], summed["kept"], summed["heldout"], summed["duplicate"]) == (6, 4, 2, 0)
    assert set(summed) == {"raw", *(b.value for b in Bin)}
    assert set(total({}).values()) == {0}
