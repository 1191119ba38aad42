"""Rules that take a large part of a source: what a curator should look at before believing it."""

from collections import Counter
from collections.abc import Iterable

from components.assembly.selection.decision import Decision
from components.records.vocabulary import Bin

LARGE = 0.2
"""Share of a source's validated records that one rule takes without saying so."""


def large_takes(decisions: Iterable[Decision]) -> list[str]:
    """One sentence for each rule that takes more than LARGE of a source, by source, the largest first."""
    sizes, taken = Counter[str](), Counter[tuple[str, Bin, str]]()
    for decision in decisions:
        sizes[decision.entry.source] += 1
        if decision.bin not in (Bin.KEPT, Bin.HELDOUT):
            taken[decision.entry.source, decision.bin, decision.reason] += 1
    large = [(*rule, count) for rule, count in taken.items() if count > LARGE * sizes[rule[0]]]
    return [
        f"the rule {where}: {reason!r} takes {count} of {sizes[source]} records of {source} ({count / sizes[source]:.0%}); "
        f"look at them with `unimed data review {source}`"
        for source, where, reason, count in sorted(large, key=lambda found: (found[0], -found[3], found[2]))
    ]
