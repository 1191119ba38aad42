"""What state a version is in: a pure reading of the decision log by one table of states, events and actors."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from components.registry.decisions import Action, Decision

State = Literal["registered", "judged", "held", "promoted", "refused", "withdrawn", "superseded"]
"""`registered`: MLflow holds the version and nobody decided about it. `judged`: nobody was to promote it.
`held`: waits, for the reason that its code names. `superseded`: was champion until another version became it."""

Event = Literal["judge", "hold", "refuse", "promote", "approve", "supersede", "withdraw", "restore"]
"""`approve`: the word of one of two people. `restore`: a rollback goes back to the version."""

Actor = Literal["gate", "person", "registry"]
"""`registry`: what follows from another entry, or from what somebody did in MLflow."""


@dataclass(frozen=True, slots=True)
class Transition:
    """Where an event leads, and who may cause it."""

    to: State
    actors: frozenset[Actor]


_JUDGEABLE: tuple[State, ...] = ("registered", "judged", "held", "refused", "superseded")
"""What the gate may judge: all but the champion and what a person took back."""

_RULES: tuple[tuple[tuple[State, ...], Event, State | None, tuple[Actor, ...]], ...] = (
    (_JUDGEABLE, "judge", "judged", ("gate",)),
    (_JUDGEABLE, "hold", "held", ("gate",)),
    (_JUDGEABLE, "refuse", "refused", ("gate",)),
    (_JUDGEABLE, "promote", "promoted", ("gate", "person")),
    (("withdrawn", "promoted"), "promote", "promoted", ("person",)),  # of a champion: settles a moved alias
    ((*_JUDGEABLE, "withdrawn"), "approve", None, ("person",)),
    (("promoted",), "supersede", "superseded", ("gate", "person")),
    (_JUDGEABLE, "withdraw", "withdrawn", ("gate", "person", "registry")),  # gate: the weights were taken back before
    (("promoted",), "withdraw", "withdrawn", ("person", "registry")),
    (("withdrawn",), "withdraw", "withdrawn", ("registry",)),
    (_JUDGEABLE, "restore", "promoted", ("person",)),
)
TRANSITIONS: Mapping[tuple[State, Event], Transition] = {
    (state, event): Transition(to or state, frozenset(actors))
    for states, event, to, actors in _RULES
    for state in states
}
"""(state, event) -> where it leads and who may. What is not here cannot be written."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of a version and the entry that brought it there; no entry: the log does not name it."""

    state: State
    entry: Decision | None = None

    @property
    def code(self) -> str:
        """Why it is held: approval asked, inconclusive, incomparable, lost, champion moved; empty in other states."""
        return self.entry.code if self.entry is not None and self.state == "held" else ""

    @property
    def spoken(self) -> str:
        """The state in words, with its code."""
        return f"{self.state} ({self.code})" if self.code else self.state


def standings(log: Iterable[Decision]) -> dict[int, Standing]:
    """Version -> its state after the whole log; versions that the log does not name, or that are gone from the registry,
    are not in it.

    Entries that today's table would not allow, of an older release, lead where their event leads elsewhere.
    """
    found: dict[int, Standing] = {}
    for entry in log:
        for version, event in events_of(entry):
            state = found[version].state if version in found else "registered"
            step = TRANSITIONS.get((state, event)) or TRANSITIONS.get(("registered", event))
            if entry.is_gone:
                found.pop(version, None)  # its number may come back with other weights
            elif event != "approve":
                found[version] = Standing(step.to if step else state, entry)
    return found


def standing_of(log: Iterable[Decision], version: int, weights_sha256: str) -> Standing:
    """The state of a version. One that the log does not name is registered, unless its weights were taken back: then it is
    born withdrawn, by the entry that withdrew them."""
    log = list(log)
    known = standings(log).get(version)
    if known is not None:
        return known
    taken = withdrawal_of(log, weights_sha256)
    return Standing("withdrawn", taken) if taken else Standing("registered")


def withdrawal_of(log: Iterable[Decision], weights_sha256: str) -> Decision | None:
    """The entry by which a person took these weights back, under whatever number; None once a person promoted them again."""
    taken: Decision | None = None
    weights: dict[int, str] = {}
    for entry in log:
        if entry.version is not None:
            weights[entry.version] = entry.weights_sha256
        left = entry.withdraws
        if left is not None and not entry.is_gone and weights.get(left) == weights_sha256:
            taken = entry
        elif entry.action == "promote" and entry.weights_sha256 == weights_sha256:
            taken = None
    return taken


def refusal_of(log: Iterable[Decision], weights_sha256: str) -> Decision | None:
    """The newest verdict of the gate on these weights, under whatever number, if it is a refusal."""
    verdicts = [
        entry
        for entry in log
        if entry.weights_sha256 == weights_sha256 and entry.action in ("hold", "refuse", "promote")
    ]
    return verdicts[-1] if verdicts and verdicts[-1].action == "refuse" else None


def exam_of(entry: Decision) -> str:
    """The id of the exam that a verdict rests on; empty for one that rests on none, or of an older release."""
    verdict = entry.evidence.get("gate")
    numbers = verdict.get("numbers") if isinstance(verdict, Mapping) else None
    return str(numbers.get("exam", "")) if isinstance(numbers, Mapping) else ""


def forbidden(log: Iterable[Decision], entry: Decision) -> str | None:
    """Why the entry may not follow the log, in a sentence; None when the table allows it."""
    known = standings(log)
    for version, event in events_of(entry):
        state = known[version].state if version in known else "registered"
        step = TRANSITIONS.get((state, event))
        if step is None:
            return f"version {version} is {state}: {event} does not lead from there"
        if entry.actor not in step.actors:
            return f"version {version} is {state}: {event} is not for the {entry.actor}"
    return None


def events_of(entry: Decision) -> list[tuple[int, Event]]:
    """What an entry means for the versions that it is about, in order."""
    if entry.version is None:
        return []
    if entry.action == "register":
        return []
    before, left = entry.champion_before, entry.withdraws
    if entry.action == "rollback":
        leaving: list[tuple[int, Event]] = [] if left is None else [(left, "withdraw")]
        return [*leaving, (entry.version, "restore")]
    if entry.action == "promote":
        replaced: list[tuple[int, Event]] = [] if before in (None, entry.version) else [(before, "supersede")]
        return [*replaced, (entry.version, "promote")]
    return [(entry.version, "judge" if entry.judged_only else _EVENTS[entry.action])]


_EVENTS: Mapping[Action, Event] = {
    "hold": "hold",
    "refuse": "refuse",
    "approve": "approve",
    "withdraw": "withdraw",
}
