"""Texts that say nearly the same, and texts that share a long run of words. Found exactly, from groups of words; no sketch.

Two texts are near when they have most of their word groups in common, or differ in a word or two. Such texts share at
least one of their rarest groups, so that only texts that share one are compared (prefix filtering). All texts are hashed at
once, as one array.
"""
# Shapes: T = texts, W = words of all texts, G = word groups of all texts, P = pairs.

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from components.assembly.selection.deciding import deciding

GROUP = 2
"""Words that are compared as one: one changed word of twenty leaves nine tenths of them."""
SHARE = 0.7
"""Share of all their word groups (Jaccard) that near texts have in common."""
CHANGED = 2
"""Words that are exchanged, put in or left out between near texts that have fewer groups in common, at most..."""
CHANGED_OF = 4
"""...and at most one in so many: two of eight."""
RUN = 13
"""Words in a row that two texts do not have in common by chance (the length that GPT-3's authors decontaminated by)."""
FEW = 5
"""Distinct images of which a run of words, or nearly one text, is said at most where it gives one of them away: said of
more, it is how such things are worded (its authors ignored runs that more than ten documents share)."""
LONGEST_LIST = 64
"""Texts that share a rare group and are compared with each other: each with so many after it."""
_CHUNK = 1 << 22
"""Word groups, or pairs of texts, that are worked on at once."""
_LETTERS = 1 << 18
"""Characters that are hashed at once: what a processor's cache holds."""
_PART = 1 << 24
"""Characters of texts that are compared with each other at once."""
_BASE = 0x9E3779B97F4A7C15
_INVERSE = pow(_BASE, -1, 1 << 64)


class Groups(NamedTuple):
    """Each text's word groups, in its order; one that it repeats comes again. Shapes: (G,)."""

    owner: NDArray[np.int64]
    """Which text; ascending."""
    hash: NDArray[np.uint64]


def word_groups(texts: Sequence[str], size: int, *, shorter: bool = False) -> Groups:
    """The groups of `size` words that follow each other. Words stand between single blanks.

    A text of fewer words has no group, or with `shorter` one of all its words.
    """
    parts = [_groups(texts[start:stop], size, shorter, start) for start, stop in _slices(texts)]
    if not parts:
        return Groups(np.zeros(0, np.int64), np.zeros(0, np.uint64))
    return Groups(*(np.concatenate(column) for column in zip(*parts, strict=True)))


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


def shared_runs(told: Mapping[str, Collection[str]], among: Sequence[str]) -> dict[str, str]:
    """Text -> the first of `among` with which it shares RUN words in a row; texts that share none are left out, and runs
    that are said of more than FEW images do not count. `told`: each text, those of `among` too, with its images."""
    held = word_groups(among, RUN)
    hashes, first = np.unique(held.hash, return_index=True)
    owners = held.owner[first]
    if not len(hashes):
        return {}
    texts = sorted(told)
    is_wording = np.zeros(len(hashes), bool)
    images: dict[int, set[str]] = defaultdict(set)
    holding: dict[int, list[int]] = defaultdict(list)
    for start, stop in _slices(texts):
        mine = _groups(texts[start:stop], RUN, False, start)
        at = np.minimum(np.searchsorted(hashes, mine.hash), len(hashes) - 1)
        hits = (hashes[at] == mine.hash) & ~is_wording[at]
        for run, text in zip(at[hits].tolist(), mine.owner[hits].tolist(), strict=True):
            if is_wording[run]:
                continue
            images[run].update(told[texts[text]])
            holding[run].append(text)
            if len(images[run]) > FEW:
                is_wording[run] = True
                del images[run], holding[run]
    found: dict[str, int] = {}
    for run, holders in holding.items():
        for text in holders:
            found[texts[text]] = min(found.get(texts[text], len(among)), int(owners[run]))
    return {text: among[other] for text, other in found.items()}


def is_said_of_few(texts: Iterable[str], told: Mapping[str, Collection[str]]) -> bool:
    """Whether the texts together are said of at most FEW distinct images."""
    return len({image for text in texts for image in told.get(text, ())}) <= FEW


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


def _slices(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Ranges of texts of about _LETTERS characters."""
    start = size = 0
    for number, text in enumerate(texts):
        size += len(text)
        if size >= _LETTERS:
            yield start, number + 1
            start, size = number + 1, 0
    if start < len(texts):
        yield start, len(texts)


def _groups(texts: Sequence[str], size: int, shorter: bool, first_text: int) -> Groups:
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
    return Groups(owner[whole] + first_text, hashes[whole])


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
