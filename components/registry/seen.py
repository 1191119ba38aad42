"""What a person's workspace last saw of the registry: nobody decides about a champion that he has not seen, or twice."""

from components.registry.database import Impossible
from components.registry.deciding import Settled, spoken
from components.registry.decisions import Action, Decision
from components.registry.summary import champion_summary
from components.storage.workspace import Workspace


def seen_champion(workspace: Workspace) -> int | None:
    """The champion that the workspace last saw."""
    seen = champion_summary(workspace)["champion"]
    return seen["version"] if seen else None


def check_seen(settled: Settled, seen: int | None, who: str) -> None:
    """Raise Impossible where the champion is not who the workspace last saw; the sentence says who decided what.

    A decision of the same person that was killed and is finished now counts as seen.
    """
    now = settled.champion.number if settled.champion else None
    if now == seen or (settled.finished is not None and settled.finished.who == who):
        return
    last = next((entry for entry in reversed(settled.log) if entry.champion_after != entry.champion_before), None)
    said = f" ({last.action} by {last.who}, decision {last.sequence}: {last.why})" if last else ""
    raise Impossible(
        f"the champion is {spoken(now)} now, this workspace last saw {spoken(seen)}: somebody decided meanwhile{said}; "
        "look at `unimed models`, then decide again"
    )


def done_already(
    settled: Settled, seen: int | None, *, action: Action, version: int | None, who: str
) -> Decision | None:
    """The newest entry, where it is what is asked for and its writer was killed: before MLflow followed (`finished`), or
    before the workspace saw the new champion."""
    newest = settled.log[-1] if settled.log else None
    if newest is None or (newest.action, newest.who) != (action, who) or version not in (None, newest.version):
        return None
    unseen = newest.champion_before == seen != newest.champion_after
    return newest if unseen or newest is settled.finished else None
