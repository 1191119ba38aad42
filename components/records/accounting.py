"""Every raw record ends in exactly one bin; the sums are checked wherever they are made."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from components.records.vocabulary import Bin


@dataclass(kw_only=True, slots=True)
class Account:
    """The bins of one source, with a reason for each record that was not kept."""

    source: str
    raw: int = 0
    bins: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def count(self, where: Bin, reason: str = "") -> None:
        """Put one raw record into a bin."""
        self.raw += 1
        self.bins[where] += 1
        if reason:
            self.reasons[f"{where}: {reason}"] += 1

    def to_json(self) -> dict[str, object]:
        """{raw, kept, filtered, quarantined, duplicate, contaminating, heldout, reasons}; raises if it does not add up."""
        total = sum(self.bins.values())
        if total != self.raw:
            raise ValueError(f"source {self.source}: {self.raw} raw records but {total} in bins; a record got lost")
        return {"raw": self.raw, **{b.value: self.bins[b] for b in Bin}, "reasons": dict(sorted(self.reasons.items()))}


def total(accounts: Mapping[str, Mapping[str, object]]) -> dict[str, int]:
    """The sum over sources of each bin and of raw."""
    names = ("raw", *(b.value for b in Bin))
    return {name: sum(int(account[name]) for account in accounts.values()) for name in names}  # type: ignore[call-overload]
