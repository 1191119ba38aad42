"""Rolling back: the title returns to the champion before this one, in a second whatever the weights weigh."""

from collections.abc import Callable

from components.registry.carrying_out import refresh_aliases
from components.registry.catalogue import Version, find
from components.registry.database import Impossible
from components.registry.deciding import CLAIMED, about, check_named, settle, write_decision
from components.registry.decisions import Decision, Ruling, champion_of, read_log
from components.registry.lease import hold_lease
from components.registry.seen import check_seen, done_already, seen_champion
from components.registry.states import standings
from components.registry.tracking import connect
from components.registry.wholeness import check_whole, last_hashed
from components.storage.workspace import Workspace

TURNS = 3
"""How often the version to go back to is looked for when somebody decides meanwhile."""


def rollback(workspace: Workspace, *, who: str, why: str) -> Decision:
    """Give the title back to the champion before this one, and withdraw the weights that are left.

    Repeated, it goes further back; withdrawn versions are passed over. One person is enough, however many a promotion
    needs. Weights that nobody wrote to since their promotion hashed them are not hashed again; others are, before the lease
    is taken. One that was killed is finished, not repeated. Raises Impossible at the first champion, and when the champion is
    not the one last seen here: two who take back the same version take one back.
    """
    check_named(who, why)
    tracking, seen = connect(workspace), seen_champion(workspace)
    for _ in range(TURNS):
        log = read_log(workspace)
        aim = champion_before(log, lambda number: find(tracking, str(number)))
        if aim is not None:
            check_whole(tracking, aim, hashed=last_hashed(log, aim))
        with hold_lease(workspace, "rollback") as lease:
            settled = settle(lease, tracking)
            if (done := done_already(settled, seen, action="rollback", version=None, who=who)) is not None:
                refresh_aliases(workspace, settled.versions)
                return done
            check_seen(settled, seen, who)
            version, leaving = champion_before(settled.log, settled.versions.get), champion_of(settled.log)
            if version is None:
                holder = f"version {leaving} is the first champion" if leaving else "no version is champion"
                raise Impossible(f"nothing to roll back to: {holder}")
            if aim is not None and aim.number == version.number:
                evidence = ({} if leaving is None else {"from": leaving}) | CLAIMED
                ruling = Ruling(action="rollback", **about(version), who=who, why=why, evidence=evidence)
                return write_decision(lease, tracking, settled, ruling)
    raise Impossible(
        "somebody decides at the same time, again and again; look at `unimed models`, then roll back again"
    )


def champion_before(log: list[Decision], version_of: Callable[[int], Version | None]) -> Version | None:
    """The version that a rollback goes to: the newest earlier champion that is registered and was not taken back."""
    champion, states = champion_of(log), standings(log)
    line = champions_in_line(log)
    earlier = [number for number in reversed(line) if number != champion and states[number].state != "withdrawn"]
    return next((version for number in earlier if (version := version_of(number)) is not None), None)


def champions_in_line(log: list[Decision]) -> list[int]:
    """Champions as a stack: a promotion adds one, a rollback takes one away; the last is champion."""
    line: list[int] = []
    for entry in log:
        if entry.action == "promote" and entry.version is not None:
            line.append(entry.version)
        elif entry.action == "rollback":
            while line and line[-1] != entry.version:
                line.pop()
        elif entry.action == "withdraw":
            line = [number for number in line if number != entry.version]
    return line
