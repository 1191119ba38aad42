"""Texts that say nearly the same. Found exactly, from groups of words; no sketch.

Two texts are near when they have most of their word groups in common, or differ in a word or two. Such texts share at
least one of their rarest groups, so that only texts that share one are compared (prefix filtering). All texts are hashed at
once, as one array.
"""
# Shapes: T = texts, W = words of all texts, G = word groups of all texts, P = pairs.

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from components.assembly.selection.deciding import deciding
from components.assembly.selection.word_groups import word_groups

GROUP = 2
"""Words that are compared as one: one changed word of twenty leaves nine tenths of them."""
SHARE = 0.7
"""Share of all their word groups (Jaccard) that near texts have in common."""
CHANGED = 2
"""Words that are exchanged, put in or left out between near texts that have fewer groups in common, at most..."""
CHANGED_OF = 4
"""...and at most one in so many: two of eight."""
LONGEST_LIST = 64
"""Texts that share a rare group and are compared with each other: each with so many after it."""
_CHUNK = 1 << 22
"""Word groups, or pairs of texts, that are worked on at once."""
_PART = 1 << 24
"""Characters of texts that are compared with each other at once."""


def near_pairs(texts: Sequence[str]) -> list[tuple[int, int]]:
    """Positions first < second of distinct texts that are near and have the same deciding words."""
    parts = _parts(texts)
    return sorted(
        (part[one], part[other]) for part in parts for one, other in _near_pairs([texts[place] for place in part])
    )


def _parts(texts: Sequence[str]) -> list[Sequence[int]]:
    """The positions of all texts in parts of about _PART characters: texts with the same deciding words are in one part."""
    count = 1 + sum(map(len, texts)) // _PART
    if count == 1:
        return [range(len(texts))]
    parts: list[list[int]] = [[] for _ in range(count)]
    for place, text in enumerate(texts):
        parts[crc32(repr(deciding(text)).encode()) % count].append(place)
    return list(parts)


def _near_pairs(texts: Sequence[str]) -> list[tuple[int, int]]:
    groups = word_groups(texts, GROUP, shorter=True)
    _, group, count = np.unique(groups.hash, return_inverse=True, return_counts=True)
    rarity = np.empty(len(count), np.int64)
    rarity[np.argsort(count, kind="stable")] = np.arange(len(count))
    # (text, group by rarity) as one number each, distinct and ascending: a group is looked up in a text by it.
    keys = np.sort(groups.owner * len(count) + rarity[group])
    keys = keys[np.diff(keys, prepend=-1) > 0]
    owner, rare = _split(keys, len(count))
    sizes = np.bincount(owner, minlength=len(texts))
    # A text shares one of its rarest with every text that is near to it; each changed word takes two groups away.
    place = np.arange(len(keys)) - (np.cumsum(sizes) - sizes)[owner]
    first = place <= np.maximum(sizes - np.ceil(SHARE * sizes).astype(np.int64), 2 * CHANGED)[owner]
    by_group = np.sort(rare[first] * len(texts) + owner[first])
    rare, owner = _split(by_group, len(texts))
    near: set[tuple[int, int]] = set()
    for pairs in _sharing(owner, rare, sizes):
        common = _common(pairs, keys, sizes, len(count))
        smaller, larger = np.sort(sizes[pairs], axis=1).T
        most = common >= SHARE * (smaller + larger - common)
        near |= {(int(one), int(other)) for one, other in pairs[most]}
        little = pairs[~most & (common >= larger - 2 * CHANGED)]
        near |= {(int(one), int(other)) for one, other in little if _differ_little(texts[int(one)], texts[int(other)])}
    return [(one, other) for one, other in near if deciding(texts[one]) == deciding(texts[other])]


def are_near(one: str, other: str) -> bool:
    """Whether two texts are near and have the same deciding words: what `near_pairs` finds, asked of one pair."""
    if deciding(one) != deciding(other):
        return False
    words, others = one.split(), other.split()
    groups, groups_other = (set(pairwise(said)) or {tuple(said)} for said in (words, others))
    common = len(groups & groups_other)
    return common >= SHARE * len(groups | groups_other) or _differ_little(one, other)


class NearTexts:
    """Which of some texts are near each other."""

    def __init__(self, texts: Iterable[str]) -> None:
        known = sorted(set(texts) - {""})
        self._near: dict[str, list[str]] = {}
        for one, other in near_pairs(known):
            self._near.setdefault(known[one], []).append(known[other])
            self._near.setdefault(known[other], []).append(known[one])

    def of(self, text: str) -> tuple[str, ...]:
        """The text itself and those that are near it; nothing for an empty one."""
        return (text, *self._near.get(text, ())) if text else ()


def _differ_little(one: str, other: str) -> bool:
    """Whether the texts differ in so few words as CHANGED and CHANGED_OF allow."""
    words, others = one.split(), other.split()
    return _differ_in(words, others, min(CHANGED, len(words) // CHANGED_OF, len(others) // CHANGED_OF))


def _differ_in(words: list[str], others: list[str], most: int) -> bool:
    """Whether at most so many words are exchanged, put in or left out."""
    same = next((at for at, (one, other) in enumerate(zip(words, others, strict=False)) if one != other), None)
    if same is None:
        return abs(len(words) - len(others)) <= most
    steps = ((1, 1), (1, 0), (0, 1)) if most else ()
    return any(_differ_in(words[same + one :], others[same + other :], most - 1) for one, other in steps)


def _sharing(
    owner: NDArray[np.int64], rare: NDArray[np.int64], sizes: NDArray[np.int64]
) -> Iterator[NDArray[np.int64]]:
    """Pairs of texts that share a rare group and whose sizes allow them to be near, a bounded number at a time.
    Shape: (P, 2); distinct within one array."""
    for low in range(0, len(rare), _CHUNK // LONGEST_LIST):
        found: list[NDArray[np.int64]] = []
        start = np.arange(low, min(len(rare), low + _CHUNK // LONGEST_LIST))
        for step in range(1, LONGEST_LIST + 1):
            start = start[start + step < len(rare)]
            start = start[rare[start] == rare[start + step]]
            if not len(start):
                break
            one, other = owner[start], owner[start + step]
            smaller, larger = np.minimum(sizes[one], sizes[other]), np.maximum(sizes[one], sizes[other])
            fits = (smaller >= SHARE * larger) | (larger - smaller <= 2 * CHANGED)
            found.append(one[fits] * len(sizes) + other[fits])
        if found:
            yield np.stack(_split(np.unique(np.concatenate(found)), len(sizes)), axis=1)


def _split(numbers: NDArray[np.int64], base: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Quotient and remainder; numpy's // by one number is several times quicker than its divmod."""
    quotient = numbers // max(1, base)
    return quotient, numbers - quotient * max(1, base)


def _common(
    pairs: NDArray[np.int64], keys: NDArray[np.int64], sizes: NDArray[np.int64], distinct: int
) -> NDArray[np.int64]:
    """Word groups in common, of each pair. Shape: (P,)."""
    starts = np.cumsum(sizes) - sizes
    common = np.zeros(len(pairs), np.int64)
    one, other = pairs.T
    # So many pairs at a time that their groups together stay within a chunk.
    ends = np.cumsum(sizes[one])
    edges = np.searchsorted(ends, np.arange(0, (ends[-1] if len(ends) else 0) + _CHUNK, _CHUNK), side="right")
    for low, high in pairwise(edges):
        mine = sizes[one[low:high]]
        pair = np.repeat(np.arange(low, high), mine)
        at = np.arange(len(pair)) - np.repeat(np.cumsum(mine) - mine, mine) + starts[one[pair]]
        wanted = other[pair] * distinct + keys[at] % distinct
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        common[low:high] = np.bincount(pair[keys[place] == wanted] - low, minlength=high - low)
    return common
