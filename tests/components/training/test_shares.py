"""Draws come in exact shares, after any number of them, whatever the weights."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.training.shares import Shares

WEIGHTS = st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=12)


def names(weights: list[float]) -> dict[str, float]:
    return {f"s{n}": weight for n, weight in enumerate(weights)}


@given(weights=WEIGHTS, seed=st.text(max_size=3))
@settings(max_examples=60, deadline=None)
def test_no_stream_is_a_whole_draw_ahead_or_behind_after_any_number_of_draws(weights: list[float], seed: str) -> None:
    shares, whole = Shares(names(weights), seed), sum(weights)
    for draw in range(1, 400):
        shares.next()
        assert sum(shares.counts.values()) == draw
        for name, weight in names(weights).items():
            assert abs(shares.counts[name] - draw * weight / whole) < 1


@given(weights=WEIGHTS, cut=st.integers(0, 150))
@settings(max_examples=40, deadline=None)
def test_what_goes_on_from_the_counts_draws_the_same(weights: list[float], cut: int) -> None:
    unbroken, cut_off = Shares(names(weights), "1"), Shares(names(weights), "1")
    expected = [unbroken.next() for _ in range(200)]
    begun = [cut_off.next() for _ in range(cut)]
    going_on = Shares(names(weights), "1")
    going_on.restore(cut_off.counts)
    assert begun + [going_on.next() for _ in range(200 - cut)] == expected


def test_the_seed_says_who_of_two_equals_goes_first() -> None:
    found = {"".join(Shares(names([1, 1, 1]), str(seed)).next() for _ in range(1)) for seed in range(20)}
    assert found == {"s0", "s1", "s2"}


@pytest.mark.parametrize("weights", [{}, {"a": 0.0, "b": 1.0}])
def test_streams_without_a_weight_are_refused(weights: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="shares need weights above 0"):
        Shares(weights, "1")
