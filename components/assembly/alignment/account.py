"""What the quality filter on captions did, source by source, as the manifest states it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from components.assembly.alignment.filter import UNSCORED, Scorer, has_caption
from components.assembly.selection.bins import MISALIGNED
from components.assembly.selection.decision import Decision
from components.records.vocabulary import HELD_OUT


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceAlignment:
    """One source's captions and reports outside the held-out side, counted in records."""

    captioned: int
    scored: int
    """Those that came to the filter and of which the scorer can say something."""
    kept: int
    """Those of the scored that the filter left; later rules may still take them out."""
    threshold: float | None
    """The lowest score among them; None without any."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AlignmentAccount:
    """Which scorer ranked, how much of each source it kept, down to which score."""

    scorer: str
    note: str
    """What a reader of the data set must know of the scorer."""
    keep: float
    sources: Mapping[str, SourceAlignment]
    """Of those that bring captions or reports; empty without a scorer."""

    def to_json(self) -> dict[str, object]:
        """{scorer, keep, sources}."""
        sources = {name: asdict(found) for name, found in self.sources.items()}
        return {"scorer": self.scorer, "keep": self.keep, "sources": sources}

    def notices(self) -> list[str]:
        """A sentence for each source that the scorer could say nothing of."""
        return [
            f"none of the {found.captioned} captioned records of {name} has an alignment score ({self.scorer}); "
            "they were not filtered by it"
            for name, found in self.sources.items()
            if not found.scored
        ]


def account_alignment(decisions: Iterable[Decision], keep: float, scorer: Scorer) -> AlignmentAccount:
    """What became of the captioned records of each source."""
    if scorer is UNSCORED:
        return AlignmentAccount(scorer=scorer.name, note=scorer.note, keep=1.0, sources={})
    captioned: dict[str, list[Decision]] = defaultdict(list)
    for decision in decisions:
        if has_caption(decision.entry) and decision.entry.split not in HELD_OUT:
            captioned[decision.entry.source].append(decision)
    sources = {name: _of_source(found) for name, found in sorted(captioned.items())}
    return AlignmentAccount(scorer=scorer.name, note=scorer.note, keep=keep, sources=sources)


def _of_source(decisions: list[Decision]) -> SourceAlignment:
    scored = [(d.alignment, d.reason != MISALIGNED) for d in decisions if d.alignment is not None]
    kept = [score for score, stays in scored if stays]
    return SourceAlignment(
        captioned=len(decisions), scored=len(scored), kept=len(kept), threshold=min(kept, default=None)
    )
