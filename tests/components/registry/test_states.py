"""States of versions, read from logs that are written down here."""

from itertools import product
from typing import get_args

import pytest

from components.registry.decisions import GENESIS, Decision
from components.registry.states import (
    TRANSITIONS,
    Actor,
    Event,
    State,
    forbidden,
    refusal_of,
    standing_of,
    standings,
    withdrawal_of,
)


def entry(log, action, version, *, who="gate", weights=None, **evidence) -> Decision:
    before = log[-1].champion_after if log else None
    return Decision(
        sequence=len(log) + 1,
        at="2026-11-30T00:00:00.000+00:00",
        action=action,
        version=version,
        weights_sha256=weights or f"w{version}",
        champion_before=before,
        who=who,
        why="because",
        evidence=evidence,
        previous_hash=log[-1].hash if log else GENESIS,
    )


def written(*steps) -> list[Decision]:
    """A log of (action, version, {who, weights, evidence})."""
    log: list[Decision] = []
    for action, version, more in steps:
        log.append(entry(log, action, version, **more))
    return log


def states(log) -> dict[int, str]:
    return {version: standing.spoken for version, standing in standings(log).items()}


ADA = {"who": "ada"}


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([("promote", 1, {})], {1: "promoted"}),
        ([("promote", 1, {}), ("promote", 2, {})], {1: "superseded", 2: "promoted"}),
        ([("promote", 1, {}), ("refuse", 2, {})], {1: "promoted", 2: "refused"}),
        ([("refuse", 1, {}), ("register", 1, {})], {1: "refused"}),
        ([("hold", 1, {"gate": {"code": "lost"}})], {1: "held (lost)"}),
        ([("hold", 1, {"gate": {"outcome": "incomparable"}})], {1: "held (incomparable)"}),
        ([("hold", 1, {"gate": {"outcome": "pass"}, "asked": "approve"})], {1: "held (approval asked)"}),
        ([("hold", 1, {"gate": {"outcome": "pass"}, "asked": "never"})], {1: "judged"}),
        ([("hold", 1, {"gate": {"code": "lost"}}), ("approve", 1, ADA)], {1: "held (lost)"}),
        (
            [("promote", 1, {}), ("promote", 2, {}), ("rollback", 1, {"who": "ada", "from": 2})],
            {1: "promoted", 2: "withdrawn"},
        ),
        ([("promote", 1, {}), ("withdraw", 1, {"who": "registry"})], {}),
        (
            [("promote", 1, {}), ("withdraw", 1, {"who": "registry"}), ("refuse", 1, {"weights": "w2"})],
            {1: "refused"},
        ),
    ],
)
def test_the_state_follows_from_the_log_alone(steps, expected):
    assert states(written(*steps)) == expected


def test_a_version_that_was_only_registered_has_no_other_state():
    log = written(("register", 1, {"gate": {"outcome": "hold", "code": ""}, "asked": "never"}))
    assert standings(log) == {} and standing_of(log, 1, "w1").state == "registered"


def test_what_a_person_took_back_stays_so_under_any_number_until_a_person_promotes_it():
    log = written(("promote", 1, {}), ("promote", 2, {"weights": "bad"}), ("rollback", 1, {"who": "ada", "from": 2}))
    born = standing_of(log, 3, "bad")
    assert (born.state, born.entry) == ("withdrawn", log[-1])
    assert standing_of(log, 3, "good").state == "registered"
    again = [*log, entry(log, "promote", 3, who="ada", weights="bad")]
    assert withdrawal_of(again, "bad") is None


def test_a_version_that_was_deleted_in_the_registry_takes_no_weights_with_it():
    log = written(("promote", 1, {}), ("withdraw", 1, {"who": "registry", "gone": True}))
    assert withdrawal_of(log, "w1") is None and standing_of(log, 2, "w1").state == "registered"


def test_a_refusal_is_of_the_weights_until_a_later_verdict():
    log = written(("promote", 1, {}), ("refuse", 2, {"weights": "same"}))
    assert refusal_of(log, "same") == log[-1]
    assert refusal_of([*log, entry(log, "hold", 3, weights="same")], "same") is None


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ([("promote", 1, {}), ("rollback", 1, {"who": "ada", "from": 1})], "version 1 is promoted: restore does not"),
        ([("withdraw", 1, ADA), ("promote", 1, {})], "version 1 is withdrawn: promote is not for the gate"),
        ([("withdraw", 1, ADA), ("hold", 1, {})], "version 1 is withdrawn: hold does not lead from there"),
        ([("promote", 1, {}), ("refuse", 1, {})], "version 1 is promoted: refuse does not lead from there"),
        ([("refuse", 1, ADA)], "version 1 is registered: refuse is not for the person"),
        ([("promote", 1, {}), ("approve", 1, ADA)], "version 1 is promoted: approve does not lead from there"),
    ],
)
def test_what_the_table_does_not_hold_cannot_be_written(steps, reason):
    *log, last = written(*steps)
    assert (forbidden(log, last) or "").startswith(reason)


def test_every_entry_of_the_table_is_reachable_and_no_machine_leaves_what_a_person_took_back():
    assert {state for state, _ in TRANSITIONS} == set(get_args(State))
    assert {event for _, event in TRANSITIONS} == set(get_args(Event))
    for event, actor in product(get_args(Event), get_args(Actor)):
        step = TRANSITIONS.get(("withdrawn", event))
        if step and actor in step.actors and step.to != "withdrawn":
            assert (event, actor) == ("promote", "person")
