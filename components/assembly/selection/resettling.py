"""What another namespace of a source's patients does to the recipe's lists and to the sides on which patients stand."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from components.assembly.selection.splits import SplitPlan
from components.recipes.assembly import AssemblySettings
from components.records.vocabulary import Split
from components.sources.former_keys import Change

Seen = tuple[str, Split | None]
"""A patient's key and the split that a record of it was delivered for, if any."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """A patient who stands on another side than before."""

    old: str
    new: str
    before: str
    after: str


def changes_of(source: str, keys: Iterable[tuple[str, str]], others: Iterable[str]) -> list[Change]:
    """What is written down of (old, new) keys of a source: keys that already stood for the patient in another source of the
    namespace first, so that their side counts too."""
    pairs = sorted({(old, new) for old, new in keys if old != new})
    there = {new for _, new in pairs} & set(others)
    return [Change(source, key, key) for key in sorted(there)] + [Change(source, old, new) for old, new in pairs]


def relisted(
    settings: AssemblySettings, source: str, changes: Iterable[Change], staying: Iterable[str]
) -> AssemblySettings:
    """The settings with new keys in the place of old ones among the excluded patients and those of the source that stand
    on a side by name. An old key that still stands for the patient in a source that does not change is `staying` and is listed too."""
    new, left = defaultdict[str, list[str]](list), set(staying)
    for change in changes:
        if change.old != change.new:
            new[change.old].append(change.new)

    def keys(listed: Iterable[str]) -> tuple[str, ...]:
        found = (key for old in listed for key in ([old] if old in left else []) + (new.get(old) or [old]))
        return tuple(dict.fromkeys(found))

    def side(named: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
        return {name: keys(listed) if name == source else tuple(listed) for name, listed in named.items()}

    splits = settings.splits
    return replace(
        settings,
        excluded_patients=keys(settings.excluded_patients),
        splits=replace(splits, test=side(splits.test), val=side(splits.val)),
    )


def moves(
    own: Iterable[tuple[str, str, Split | None]],
    others: Iterable[Seen],
    before: SplitPlan,
    after: SplitPlan,
) -> list[Move]:
    """Every patient of the changed source, and of those in its new namespace, who stands on another side now."""
    merged: dict[str, dict[str, set[Split]]] = defaultdict(lambda: defaultdict(set))
    for old, new, split in own:
        merged[new][old] |= {split} if split else set()
    for key, split in others:
        if key in merged:
            merged[key][key] |= {split} if split else set()
    found = []
    for new, keys in sorted(merged.items()):
        delivered = {split for splits in keys.values() for split in splits}
        there = _side(after, new, delivered)
        for old, splits in sorted(keys.items()):
            here = _side(before, old, splits)
            if here is not there:
                found.append(Move(old=old, new=new, before=here.value, after=there.value))
    return found


def _side(plan: SplitPlan, key: str, delivered: set[Split]) -> Split:
    """Where the patient as a whole stands: held out where any of the records is."""
    return Split.TEST if Split.TEST in delivered else min(delivered, default=plan.side_of(key))
