"""Packed sequences as full as the waiting samples allow."""

from collections.abc import Sequence
from typing import Generic, TypeVar

WAITING = 64
"""Samples that wait at least: more fill better and delay a sample longer."""

T = TypeVar("T")


class Packer(Generic[T]):
    """Takes samples with their lengths and hands them out as groups that fit into `room` tokens.

    The sample that waits longest is in the next group, so none waits for more than as many groups as samples wait.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self.waiting: list[tuple[T, int]] = []
        """In the order they came, with their lengths."""
        self._tokens = 0

    @property
    def wants_more(self) -> bool:
        """Whether too few wait to choose among."""
        return len(self.waiting) < WAITING or self._tokens < 2 * self._room

    def add(self, sample: T, length: int) -> None:
        """Raises ValueError for a sample that is longer than the room."""
        if length > self._room:
            raise ValueError(
                f"sample {sample} is {length} tokens, over the room of {self._room} of a packed sequence; "
                "raise training.tokens_per_sequence, or the stage's own"
            )
        self.waiting.append((sample, length))
        self._tokens += length

    def take(self) -> tuple[T, ...]:
        """The next group, in the order they came."""
        chosen = fullest([length for _, length in self.waiting], self._room)
        taken = [self.waiting[place] for place in chosen]
        gone = set(chosen)
        self.waiting = [entry for place, entry in enumerate(self.waiting) if place not in gone]
        self._tokens -= sum(length for _, length in taken)
        return tuple(sample for sample, _ in taken)


def fullest(lengths: Sequence[int], room: int) -> list[int]:
    """Places of the first length and of those that with it come nearest to the room; earlier ones where there is a choice."""
    left = room - lengths[0]
    within = (1 << (left + 1)) - 1
    sums = [1]
    """Bit s of the n-th: whether some of the first n lengths behind lengths[0] have the sum s."""
    for length in lengths[1:]:
        if sums[-1] >> left:
            break
        sums.append((sums[-1] | sums[-1] << length) & within)
    left = sums[-1].bit_length() - 1
    chosen: list[int] = []
    for place in range(len(sums) - 1, 0, -1):
        if not sums[place - 1] >> left & 1:
            chosen.append(place)
            left -= lengths[place]
    return [0, *reversed(chosen)]
