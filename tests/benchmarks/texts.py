"""Texts with near copies among them, and who finds the copies: our search, and rensa's sketches with their search."""

from itertools import pairwise
from types import ModuleType

import numpy as np

from components.assembly.selection.near_texts import near_pairs

WORDS = 20_000
COPIES = 0.1
_LETTERS = str.maketrans("0123456789", "abcdefghij")
PERMUTATIONS, BANDS, THRESHOLD = 128, 32, 0.7


def make_texts(count: int) -> tuple[list[str], int]:
    """Texts of 20 to 60 words as often as words are in a language (Zipf), the last tenth copies with one word changed;
    and how many copies."""
    draw = np.random.default_rng(0)
    weights = 1 / np.arange(1, WORDS + 1)
    copies = int(COPIES * count)
    texts = [draw.choice(WORDS, size, p=weights / weights.sum()) for size in draw.integers(20, 60, count - copies)]
    for text in texts[:copies]:
        changed = text.copy()
        changed[draw.integers(len(changed))] = WORDS
        texts.append(changed)
    spelt = np.array([f"{word:05d}".translate(_LETTERS) for word in range(WORDS + 1)])  # a number would decide
    return [" ".join(spelt[text]) for text in texts], copies


def ours(texts: list[str]) -> int:
    """How many texts are near an earlier one."""
    return len({other for _, other in near_pairs(texts)})


def rensa(library: ModuleType, texts: list[str]) -> int:
    """How many texts rensa flags: sketches of the same word pairs, then its quickest search."""
    pairs = []
    for text in texts:
        words = text.split()
        pairs.append([f"{one} {other}" for one, other in pairwise(words)])
    sketches = library.RMinHash.digest_matrix_from_token_sets(pairs, num_perm=PERMUTATIONS, seed=1)
    search = library.RMinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS, num_bands=BANDS)
    return sum(search.query_duplicate_flags_matrix_one_shot(sketches))
