"""The quality filter on captions and reports: of each source, only the top share by image-text alignment trains."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Protocol

from components.assembly.alignment.label_consistency import LabelConsistency
from components.assembly.alignment.published import PublishedAlignment
from components.assembly.conversations.delivered import TOLD
from components.assembly.corpus import Entry
from components.recipes.assembly import AlignmentSettings
from components.storage.keys import keyed_hash


class Scorer(Protocol):
    """Says how well the texts of a source's records fit their images."""

    name: str
    """What it computes, as the manifest states it."""
    note: str
    """What a reader of the data set must know of it, in a sentence."""

    def scores(self, source: str, entries: Sequence[Entry]) -> list[float | None]:
        """A score in [0, 1] for each entry, in their order; None where nothing can be said."""
        ...


class Unscored:
    """No scorer: every record stays."""

    name = "none"
    note = "no image-text alignment score was computed, so no caption or report was left out by one"

    def scores(self, source: str, entries: Sequence[Entry]) -> list[float | None]:
        """None for each."""
        return [None] * len(entries)


UNSCORED = Unscored()


@dataclass(frozen=True, slots=True)
class Ranking:
    """What the filter found."""

    scores: Mapping[str, float]
    """Record id -> score."""
    dropped: frozenset[str]
    """Ids of the records below their source's top share."""


def open_scorer(settings: AlignmentSettings, folder: Path, sources: Iterable[str]) -> Scorer:
    """The recipe's scorer. Raises ValueError for a file of scores in `folder` that cannot be what it should be."""
    match settings.scorer:
        case "none":
            return UNSCORED
        case "labels":
            return LabelConsistency()
        case "published":
            return PublishedAlignment(folder, sources)


def has_caption(entry: Entry) -> bool:
    """Whether the source itself tells what an image shows. Our own captions say what the labels say: no use to score."""
    return entry.has_image and any(turn.kind in TOLD for turn in entry.turns)


def rank(entries: Iterable[Entry], keep: float, scorer: Scorer) -> Ranking:
    """Score the captioned entries source by source and drop those below the top share `keep` of the scored ones.

    At least that share stays. Of equal scores a keyed hash of the id decides, so the order of the entries does not count.
    """
    by_source: dict[str, list[Entry]] = defaultdict(list)
    for entry in sorted(entries, key=lambda entry: entry.id):
        if has_caption(entry):
            by_source[entry.source].append(entry)
    scores: dict[str, float] = {}
    dropped: set[str] = set()
    for source, captioned in sorted(by_source.items()):
        pairs = zip(captioned, scorer.scores(source, captioned), strict=True)
        scored = {entry.id: score for entry, score in pairs if score is not None}
        best = sorted(scored, key=lambda identity: (-scored[identity], keyed_hash("alignment", identity)))
        scores |= scored
        dropped |= set(best[ceil(keep * len(best)) :])
    return Ranking(scores, frozenset(dropped))
