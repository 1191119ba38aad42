"""Groups are as full as the waiting samples allow, nothing is lost, and nothing waits for long."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.training.packer import WAITING, Packer, fullest


@given(lengths=st.lists(st.integers(1, 30), min_size=1, max_size=9), more=st.integers(0, 40))
@settings(max_examples=200, deadline=None)
def test_no_choice_with_the_first_is_fuller(lengths: list[int], more: int) -> None:
    room = lengths[0] + more
    chosen = fullest(lengths, room)
    behind = range(1, len(lengths))
    sums = [sum(lengths[i] for i in (0, *some)) for n in range(len(lengths)) for some in combinations(behind, n)]
    assert sum(lengths[i] for i in chosen) == max(total for total in sums if total <= room)
    assert chosen == sorted(set(chosen)) and chosen[0] == 0


def test_of_equally_full_choices_the_earlier_is_taken() -> None:
    assert fullest([3, 4, 4, 7, 1], 7) == [0, 1]
    assert fullest([3, 9, 2, 2, 4], 7) == [0, 2, 3]


@given(lengths=st.lists(st.integers(2, 50), min_size=200, max_size=400))
@settings(max_examples=20, deadline=None)
def test_everything_comes_out_once_and_the_oldest_is_in_the_next_group(lengths: list[int]) -> None:
    packer, rest, taken = Packer[int](50), iter(enumerate(lengths)), list[int]()
    for number, length in rest:
        packer.add(number, length)
        while not packer.wants_more:
            oldest = packer.waiting[0][0]
            group = packer.take()
            assert group[0] == oldest and sum(lengths[n] for n in group) <= 50
            taken += group
    waiting = [number for number, _ in packer.waiting]
    assert len(waiting) <= WAITING and sorted(taken + waiting) == list(range(len(lengths)))


def test_a_sample_over_the_room_is_refused() -> None:
    with pytest.raises(ValueError, match="sample a is 51 tokens, over the room of 50"):
        Packer[str](50).add("a", 51)
