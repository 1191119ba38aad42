"""A promotion hashes the weights before it holds the lease; a rollback hashes only what was written to since."""

import os
import time
from pathlib import Path

import pytest

from components.registry import people, weights_reference
from components.registry.catalogue import find, reference_of
from components.registry.decisions import read_log
from components.registry.lease import hold_lease
from components.registry.people import promote, rollback
from components.registry.tracking import connect
from components.registry.versions import models
from components.registry.weights_reference import DamagedWeights, key
from components.storage.locks import holder


@pytest.fixture
def hashing(three, monkeypatch) -> list[bool]:
    """Whether the lease was held, at each file that is hashed."""
    real, found = weights_reference.file_sha256, []

    def file_sha256(path: Path) -> str:
        found.append(holder(three.private / "unimed.lease.lock") is not None)
        return real(path)

    monkeypatch.setattr(weights_reference, "file_sha256", file_sha256)
    return found


def weights_of(workspace, number: str) -> list[Path]:
    tracking = connect(workspace)
    version = find(tracking, number)
    assert version is not None
    reference = reference_of(tracking, version)
    return [Path(reference.cache) / key(file.md5) for file in reference.files]


def backdate(paths) -> None:
    """As files are that were written well before the promotion."""
    for path in paths:
        os.utime(path, (time.time() - 3600, time.time() - 3600))


def test_the_fixture_sees_a_lease(three, hashing):
    with hold_lease(three, "a test"):
        weights_reference.file_sha256(three.params)
    assert hashing == [True]


def test_a_promotion_hashes_every_file_and_holds_no_lease_meanwhile(three, hashing):
    decision = promote(three, "2", who="ada", why="better")
    assert hashing == [False] * len(weights_of(three, "2"))
    assert decision.evidence["hashed_at"] <= decision.at


def test_a_rollback_does_not_hash_again_what_nobody_wrote_to(three, hashing):
    backdate([*weights_of(three, "1"), *weights_of(three, "2")])
    promote(three, "2", who="ada", why="better")
    promote(three, "3", who="ada", why="better still")
    hashing.clear()
    assert rollback(three, who="ada", why="complaints").version == 2
    assert hashing == []


def test_a_rollback_finds_weights_that_were_damaged_after_their_promotion(three, hashing):
    backdate(weights_of(three, "2"))
    promote(three, "2", who="ada", why="better")
    promote(three, "3", who="ada", why="better still")
    damaged = max(weights_of(three, "2"), key=lambda path: path.stat().st_size)
    before = damaged.read_bytes()
    damaged.chmod(0o644)
    damaged.write_bytes(bytes(byte ^ 1 for byte in before))
    with pytest.raises(DamagedWeights, match="has sha256"):
        rollback(three, who="ada", why="complaints")
    assert hashing and not any(hashing), "what was written to is hashed, before the lease is taken"


def test_a_rollback_to_a_version_whose_promotion_noted_no_time_hashes_it(three, hashing, monkeypatch):
    """As those of earlier releases."""
    backdate(weights_of(three, "2"))
    with monkeypatch.context() as earlier:
        earlier.setattr(people, "made_ready", lambda *_: {})
        promote(three, "2", who="ada", why="better")
    promote(three, "3", who="ada", why="better still")
    hashing.clear()
    assert rollback(three, who="ada", why="complaints").version == 2
    assert hashing == [False] * len(weights_of(three, "2"))


def test_the_gates_promotion_notes_when_it_hashed_too(three):
    first = read_log(three)[0]
    assert (first.action, first.who) == ("promote", "gate")
    assert "" < first.evidence["hashed_at"] <= first.at


def test_a_rollback_after_the_champion_was_deleted_goes_to_the_one_before_it(three):
    """Not to the one before that."""
    promote(three, "2", who="ada", why="better")
    promote(three, "3", who="ada", why="better still")
    connect(three).client.delete_model_version("unimed", "3")
    models(three)  # whoever decides has seen that it is gone
    taken = rollback(three, who="ada", why="it is gone")
    assert (taken.version, taken.withdraws) == (2, None)
