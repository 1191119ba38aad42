"""Long runs of words that texts share, and what of them is only how such things are worded."""
# Shapes: H = distinct hashes, W = words of a slice of texts.

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from components.assembly.selection.word_groups import groups_of, slices, word_groups

RUN = 13
"""Words in a row that two texts do not have in common by chance (the length that GPT-3's authors decontaminated by)."""
FEW = 5
"""Distinct images of which a run of words, or nearly one text, is said at most where it gives one of them away: said of
more, it is how such things are worded (its authors ignored runs that more than ten documents share)."""
PHRASE = 6
"""Words in a row that are wording, where more than FEW images have them said of them..."""
OWN = 7
"""...and words outside such phrases that a run of RUN needs to give an image away, and a text to be told by its words."""

Told = Mapping[str, Collection[str]]
"""Each text with the images that it is said of."""


class Wording:
    """The runs and phrases of some texts, and which of them are said of more than a few images by all."""

    def __init__(self, told: Told, among: Sequence[str]) -> None:
        """`told` holds the texts of `among` too."""
        self._told, self._among = told, among
        self._texts = sorted(told)
        runs = word_groups(among, RUN)
        self._runs, first = np.unique(runs.hash, return_index=True)
        self._owners = runs.owner[first]
        self._phrases = np.unique(word_groups(among, PHRASE).hash)
        self._common_phrases = self._phrases[_common(self._phrases, PHRASE, self._texts, told)[0]]
        self._common_runs, self._holding = _common(self._runs, RUN, self._texts, told)

    def own_texts(self) -> list[str]:
        """The texts of `among` that have OWN words beside phrases that many images share."""
        return [text for text, own in self._own(self._among) if own.sum() >= OWN]

    def shared_runs(self) -> dict[str, str]:
        """Text -> the first of `among` with which it shares RUN words in a row that few images have said of them, OWN of
        them outside phrases of many; texts that share none are left out."""
        found: dict[str, int] = {}
        holders = sorted({text for texts in self._holding.values() for text in texts})
        candidates = [self._texts[text] for text in holders]
        for text, own in self._own(candidates):
            runs = groups_of([text], RUN)
            before = np.concatenate([[0], np.cumsum(own)])
            at = np.minimum(np.searchsorted(self._runs, runs.hash), len(self._runs) - 1)
            counts = (self._runs[at] == runs.hash) & ~self._common_runs[at]
            counts &= before[runs.first + RUN] - before[runs.first] >= OWN
            if counts.any():
                found[text] = int(self._owners[at[counts]].min())
        return {text: self._among[other] for text, other in found.items()}

    def _own(self, texts: Sequence[str]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        """Each text, and which of its words stand in no phrase of many images. Shape: (W,)."""
        for text in texts:
            phrases = groups_of([text], PHRASE)
            own = np.ones(text.count(" ") + 1, bool)
            for start in phrases.first[np.isin(phrases.hash, self._common_phrases)].tolist():
                own[start : start + PHRASE] = False
            yield text, own


def is_said_of_few(texts: Iterable[str], told: Told) -> bool:
    """Whether the texts together are said of at most FEW distinct images."""
    return len({image for text in texts for image in told.get(text, ())}) <= FEW


def _common(
    hashes: NDArray[np.uint64], size: int, texts: Sequence[str], told: Told
) -> tuple[NDArray[np.bool_], dict[int, list[int]]]:
    """Which of the sorted hashes are of groups said of more than FEW images, and of the others which texts hold them.
    Shape: (H,)."""
    is_common = np.zeros(len(hashes), bool)
    images: dict[int, set[str]] = defaultdict(set)
    holding: dict[int, list[int]] = defaultdict(list)
    for start, stop in slices(texts) if len(hashes) else ():
        mine = groups_of(texts[start:stop], size, first_text=start)
        at = np.minimum(np.searchsorted(hashes, mine.hash), len(hashes) - 1)
        hits = (hashes[at] == mine.hash) & ~is_common[at]
        for group, text in zip(at[hits].tolist(), mine.owner[hits].tolist(), strict=True):
            if is_common[group]:
                continue
            images[group].update(told[texts[int(text)]])
            holding[group].append(int(text))
            if len(images[group]) > FEW:
                is_common[group] = True
                del images[group], holding[group]
    return is_common, holding
