"""Whether decision log and MLflow's store are of one moment: a pure reading of both."""

from collections.abc import Iterable, Mapping

from components.registry.decisions import BrokenLog, Decision, champion_of
from components.registry.version import CHAMPION, Version

ANCHOR = "unimed.log_head"
"""Version tag `sequence:hash` of the newest decision about the version, written when all else is done."""
FIX = (
    "one of the two was restored alone; bring both back from one backup (`unimed registry restore FOLDER`), or, where there "
    "is none, `unimed promote V` settles it, in your name"
)


class OlderStore(ValueError):
    """MLflow's store is of an earlier moment than the decision log."""


def anchor_of(version: Version) -> int:
    """Sequence of the newest decision that MLflow knows about the version; 0 for none."""
    return int(version.tags.get(ANCHOR, "").partition(":")[0] or 0)


def meant(decision: Decision, versions: Mapping[int, Version]) -> Version | None:
    """The version that the decision is about; None where it is about none, and where that one is gone, though another may
    have its number: the registered model was deleted and made anew."""
    found = versions.get(decision.version or 0)
    return found if found is not None and found.weights_sha256 == decision.weights_sha256 else None


def check_anchors(log: list[Decision], versions: Iterable[Version]) -> None:
    """Raise BrokenLog when one of the versions is anchored to a decision that the log does not have, or has otherwise."""
    for version in versions:
        sequence, _, digest = version.tags.get(ANCHOR, "").partition(":")
        if not sequence:
            continue
        place = int(sequence)
        if place > len(log) or log[place - 1].hash != digest:
            raise BrokenLog(
                f"version {version.number} is anchored to decision {place} ({digest[:12]}), which the decision log "
                f"({len(log)} entries) does not have: it was rewritten, is another database, or is older than MLflow's "
                "store; restore both from one backup first (`unimed registry restore FOLDER`)"
            )


def check_pair(log: list[Decision], versions: Iterable[Version]) -> None:
    """Raise OlderStore when the store does not know what the log decided before its newest entry.

    The newest may be unfinished: the next command carries it out. A champion that is gone is no sign by itself, since people
    delete versions; that the alias stands on an earlier one is.
    """
    present = {version.number: version for version in versions}
    newest = {entry.version: entry for entry in log[:-1] if entry.version is not None}
    for number, entry in newest.items():
        version = meant(entry, present)
        if version is None:
            continue
        if (anchor := anchor_of(version)) < entry.sequence:
            raise OlderStore(
                f"version {number} in MLflow knows {f'decision {anchor}' if anchor else 'no decision'}, the log has decision "
                f"{entry.sequence} ({entry.action}) about it: MLflow's store is older than the log; {FIX}"
            )
    champion = champion_of(log)
    bearer = next((version.number for version in present.values() if CHAMPION in version.aliases), None)
    if champion is not None and champion not in present and bearer is not None:
        raise OlderStore(
            f"the champion of the log, version {champion}, is not in MLflow, and the alias stands on version {bearer}: "
            f"MLflow's store is older than the log; {FIX}"
        )


def gone(log: list[Decision], versions: Mapping[int, Version]) -> list[int]:
    """The champion of the log, if it is not registered any more, and every number that the log knows of other weights than
    bear it now: the registered model was deleted and made anew, and its numbers begin again."""
    newest = {entry.version: entry for entry in log}
    anew = [
        number
        for number, version in versions.items()
        if number in newest and not newest[number].is_gone and newest[number].weights_sha256 != version.weights_sha256
    ]
    champion = champion_of(log)
    return anew if champion is None or champion in versions else [champion, *anew]


def mismatch(log: list[Decision], versions: Iterable[Version]) -> str | None:
    """What does not fit between log and store, in a sentence with what to do; None where they are a pair."""
    versions = list(versions)
    try:
        check_anchors(log, versions)
        check_pair(log, versions)
    except (BrokenLog, OlderStore) as error:
        return str(error)
    return None
