"""Where one record ends, and why."""

from dataclasses import dataclass

from components.assembly.corpus import Entry
from components.records.vocabulary import Bin


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """Where one record ends, why, and which other record is the reason."""

    entry: Entry
    """With its split, and what its copies know beyond it."""
    bin: Bin
    reason: str = ""
    """The rule, as the accounting counts it."""
    other: str = ""
    """The id of the record that it repeats, contradicts or would give away."""
    detail: str = ""
    """Of labels that contradict each other: both, in words."""
    alignment: float | None = None
    """The score by which its captions were ranked, in [0, 1]."""
