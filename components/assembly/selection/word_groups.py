"""Groups of words that follow each other, hashed: all texts at once, as one array."""
# Shapes: W = words of all texts, G = word groups of all texts.

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_LETTERS = 1 << 18
"""Characters that are hashed at once: what a processor's cache holds."""
_BASE = 0x9E3779B97F4A7C15
_INVERSE = pow(_BASE, -1, 1 << 64)


class Groups(NamedTuple):
    """Each text's word groups, in its order; one that it repeats comes again. Shapes: (G,)."""

    owner: NDArray[np.int64]
    """Which text; ascending."""
    hash: NDArray[np.uint64]
    first: NDArray[np.int64]
    """Which word of its slice of texts it begins with."""


def word_groups(texts: Sequence[str], size: int, *, shorter: bool = False) -> Groups:
    """The groups of `size` words that follow each other. Words stand between single blanks.

    A text of fewer words has no group, or with `shorter` one of all its words.
    """
    parts = [groups_of(texts[start:stop], size, shorter=shorter, first_text=start) for start, stop in slices(texts)]
    if not parts:
        return Groups(np.zeros(0, np.int64), np.zeros(0, np.uint64), np.zeros(0, np.int64))
    return Groups(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def slices(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Ranges of texts of about _LETTERS characters: what is hashed at once."""
    start = size = 0
    for number, text in enumerate(texts):
        size += len(text)
        if size >= _LETTERS:
            yield start, number + 1
            start, size = number + 1, 0
    if start < len(texts):
        yield start, len(texts)


def groups_of(texts: Sequence[str], size: int, *, shorter: bool = False, first_text: int = 0) -> Groups:
    """The groups of a slice of texts, which begins with this one."""
    owner, words = _words(texts)
    words = _mixed(words)
    hashes = np.zeros(len(words), np.uint64)
    whole = np.ones(len(words), bool)
    for offset in range(size):
        there = np.arange(offset, len(words) + offset)
        whole = there < len(words)
        there = np.minimum(there, len(words) - 1)
        whole &= owner[there] == owner
        hashes = np.where(whole, hashes * np.uint64(_BASE) + words[there], hashes)
    if shorter:
        whole |= np.diff(owner, prepend=-1) > 0
    return Groups(owner[whole] + first_text, hashes[whole], np.flatnonzero(whole))


def _words(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Each word's text and hash. Shapes: (W,), (W,). A word is a number in base _BASE, modulo 2**64."""
    letters = np.frombuffer(("\n".join(texts) + "\n").encode(), np.uint8)
    ends = np.flatnonzero(letters == ord("\n"))
    blank = (letters == ord("\n")) | (letters == ord(" "))
    edges = np.flatnonzero(np.diff(blank, prepend=True))
    start, stop = edges[::2], edges[1::2]
    powers, inverses = _powers(1 << len(letters).bit_length())
    sums = np.zeros(len(letters) + 1, np.uint64)
    np.cumsum(letters * powers[: len(letters)], out=sums[1:])
    return np.searchsorted(ends, start), (sums[stop] - sums[start]) * inverses[start]


@lru_cache(maxsize=4)
def _powers(count: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """_BASE to the powers 0 to `count` - 1, and the inverse of each, modulo 2**64."""
    found = []
    for base in (_BASE, _INVERSE):
        factors = np.full(count, base, np.uint64)
        factors[0] = 1
        found.append(np.cumprod(factors))
    return found[0], found[1]


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Every bit of the result depends on every bit of the value (the finaliser of splitmix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
