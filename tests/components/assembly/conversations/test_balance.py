"""Keyed choices are exact where they can be and depend on nothing but their key."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from components.assembly.conversations.balance import (
    UNCAPPED,
    Caps,
    by_key,
    by_weight,
    draw,
    draw_by_family,
    pick,
    round_robin,
    shares,
    spread,
)

WEIGHTS = st.dictionaries(st.text(max_size=3), st.floats(0.01, 9), min_size=1, max_size=6)


@given(st.integers(0, 500), WEIGHTS)
def test_shares_add_up_and_are_within_one_of_exact(count: int, weights: dict[str, float]) -> None:
    whole = sum(weights.values())
    for found in (shares(count, weights), spread(count, weights, dict.fromkeys(weights, count), "key")):
        assert sum(found.values()) == count
        assert all(abs(found.get(name, 0) - count * weight / whole) < 1 + 1e-6 for name, weight in weights.items())


@given(st.integers(0, 500), WEIGHTS, st.integers(0, 90))
def test_what_one_cannot_take_goes_to_the_others(count: int, weights: dict[str, float], limit: int) -> None:
    most = {name: limit + place for place, name in enumerate(sorted(weights))}
    for found in (shares(count, weights, most), spread(count, weights, most, "key")):
        assert sum(found.values()) == min(count, sum(most.values()))
        assert all(0 <= number <= most[name] for name, number in found.items())


def test_shares_without_weight_give_nothing() -> None:
    assert shares(7, {"a": 0.0}) == {"a": 0}
    assert shares(7, {}) == {}


def test_of_many_equal_names_the_key_chooses() -> None:
    weights = {f"{number:04d}": 1.0 for number in range(1000)}
    first, second = (set(spread(50, weights, dict.fromkeys(weights, 9), key)) for key in ("a", "b"))
    assert len(first) == len(second) == 50 and len(first & second) < 25


def test_names_of_more_weight_stand_earlier_as_often_as_it_says() -> None:
    first = Counter(by_weight("ab", {"a": 3.0, "b": 1.0}, k)[0] for k in range(4000))
    assert 0.72 < first["a"] / 4000 < 0.78
    assert pick("xyz", 5) == pick("xyz", 5)


def test_by_key_keeps_the_relative_order_of_those_who_stay() -> None:
    everyone = by_key(range(50), "k")
    assert [n for n in everyone if n % 3] == by_key((n for n in range(50) if n % 3), "k")
    assert everyone != by_key(range(50), "other")


def test_an_image_and_a_patient_are_drawn_no_more_often_than_their_caps() -> None:
    groups = {"one": ["a"], "many": [f"b{k}" for k in range(40)], "few": ["c0", "c1"]}
    drawn = draw(groups, 500, Caps(image=3, patient=50), "k", text=str)
    assert Counter(name[0] for name in drawn) == {"a": 3, "b": 50, "c": 6}
    assert max(Counter(drawn).values()) == 3
    assert len(draw(groups, 500, UNCAPPED, "k", text=str)) == 500


def test_families_are_drawn_by_the_square_root_of_their_size(make_entry) -> None:
    entries = [make_entry(f"a{k}", f"p{k % 4}") for k in range(100)]
    entries += [make_entry(f"b{k}", "q", anatomy="knee") for k in range(4)]
    drawn = draw_by_family(entries, 120, "caption")
    assert Counter(entry.anatomy for entry in drawn) == {"brain": 100, "knee": 20}
    assert set(Counter(e.id for e in drawn if e.anatomy == "brain").values()) == {1}
    assert set(Counter(e.id for e in drawn if e.anatomy == "knee").values()) == {5}
    assert draw_by_family(entries[::-1], 120, "caption") == drawn
    capped = Counter(e.anatomy for e in draw_by_family(entries, 120, "caption", caps=Caps(image=2, patient=900)))
    assert capped == {"brain": 112, "knee": 8}, "what a small family may not take goes to the others"


def test_round_robin_takes_one_of_each_until_all_are_used() -> None:
    assert list(round_robin({"b": [1, 2, 3], "a": [9]})) == [9, 1, 2, 3]
    assert list(round_robin({})) == []
