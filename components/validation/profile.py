"""What a delivery looks like in numbers, for comparison with the accepted one."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from components.records.record import Record
from components.validation.vocabulary import FREE_FACTS, LIST_FACTS

VERSION = 2
"""Of the columns, as this release fills them; a profile without one is of the first."""
SINCE = {
    "records": 2,
    **{f"images.{name}": 2 for name in ("width", "height", "mean", "deviation")},
    **{
        f"facts.{name}": 2
        for name in ("contrast", "findings", "absent_findings", "laterality", "level", "stain", "view")
    },
}
"""Column -> the version since which it is filled as now, where that is not the first: frames are stepped in clips alone,
pixels are square and windowed anew, labels were given other words. To change how a column is filled is to raise VERSION
and to say so here."""


def profile(records: Sequence[Record]) -> dict[str, object]:
    """Counts of each vocabulary column and quantiles of each image number, over the kept records."""
    numbers = {
        name: [float(getattr(record.image, name)) for record in records if record.image]
        for name in ("width", "height", "mean", "deviation")
    }
    facts: dict[str, Counter[str]] = {}
    for record in records:
        for name, value in record.facts.items():
            values = value.split(";") if name in LIST_FACTS else ["given"] if name in FREE_FACTS else [value]
            facts.setdefault(name, Counter()).update(v for v in values if v)
    shared = shared_ids(records)
    return {
        "version": VERSION,
        "records": len(records),
        "subjects": len({record.subject for record in records}),
        **({"shared_ids": shared} if shared else {}),
        "modality": _counts(record.modality.value for record in records),
        "anatomy": _counts(record.anatomy for record in records),
        "facts": {name: dict(sorted(counter.items())) for name, counter in sorted(facts.items())},
        "targets": _counts(name for record in records for name in record.targets),
        "turns": _counts(turn.kind.value for record in records for turn in record.turns),
        "images": {name: _quantiles(values) for name, values in numbers.items()},
    }


def shared_ids(records: Iterable[Record]) -> int:
    """How many subjects are more than one person: their records differ in name, date of birth or sex."""
    said: dict[str, tuple[set[str], ...]] = {}
    for record in records:
        if record.person:
            known = said.setdefault(record.subject, tuple(set() for _ in record.person))
            for values, value in zip(known, record.person, strict=True):
                values.update([value] if value else [])
    return sum(any(len(values) > 1 for values in known) for known in said.values())


def _counts(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def _quantiles(values: list[float]) -> list[float]:
    """Minimum, every twentieth, maximum; the middle one is the median."""
    return [round(float(q), 3) for q in np.quantile(values, np.linspace(0, 1, 21))] if values else []
