"""Keyed choices are exact where they can be and depend on nothing but their key."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from components.assembly.conversations.balance import Weights, by_key, draw_by_family, pick, round_robin, shares


@given(st.integers(0, 500), st.dictionaries(st.text(max_size=3), st.floats(0.01, 9), min_size=1, max_size=6))
def test_shares_add_up_and_are_within_one_of_exact(count: int, weights: dict[str, float]) -> None:
    found = shares(count, weights)
    assert sum(found.values()) == count
    whole = sum(weights.values())
    assert all(abs(found[name] - count * weight / whole) < 1 + 1e-6 for name, weight in weights.items())


def test_shares_without_weight_give_nothing() -> None:
    assert shares(7, {"a": 0.0}) == {"a": 0}
    assert shares(7, {}) == {}


def test_weighted_draws_follow_the_weights() -> None:
    drawn = Counter(Weights({"a": 3.0, "b": 1.0}).pick(k) for k in range(4000))
    assert 0.72 < drawn["a"] / 4000 < 0.78
    assert pick("xyz", 5) == pick("xyz", 5)


def test_by_key_keeps_the_relative_order_of_those_who_stay() -> None:
    everyone = by_key(range(50), "k")
    assert [n for n in everyone if n % 3] == by_key((n for n in range(50) if n % 3), "k")
    assert everyone != by_key(range(50), "other")


def test_families_are_drawn_by_the_square_root_of_their_size(make_entry) -> None:
    entries = [make_entry(f"a{k}", f"p{k % 4}") for k in range(100)]
    entries += [make_entry(f"b{k}", "q", anatomy="knee") for k in range(4)]
    drawn = draw_by_family(entries, 120, "caption")
    assert Counter(entry.anatomy for entry in drawn) == {"brain": 100, "knee": 20}
    assert set(Counter(e.id for e in drawn if e.anatomy == "brain").values()) == {1}
    assert set(Counter(e.id for e in drawn if e.anatomy == "knee").values()) == {5}
    assert draw_by_family(entries[::-1], 120, "caption") == drawn


def test_round_robin_takes_one_of_each_until_all_are_used() -> None:
    assert list(round_robin({"b": [1, 2, 3], "a": [9]})) == [9, 1, 2, 3]
    assert list(round_robin({})) == []
