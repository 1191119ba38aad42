"""A head that does not answer for long enough is gone: a named one is waited for by a person, an own one is started again."""

import socket
from collections.abc import Iterator

import pytest

from components.context import Interrupted, StartAgain
from components.training import head as heads
from components.training.head import Head


class Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(heads, "time", made)
    return made


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A head: what answers at the address that it has."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        address = f"127.0.0.1:{found.getsockname()[1]}"
        monkeypatch.setattr(heads, "_address", lambda: address)
        yield found


@pytest.mark.parametrize(("named", "kind", "limit"), [("head:6379", Interrupted, 45), ("", StartAgain, 10)])
def test_a_head_that_is_silent_for_long_enough_is_gone(clock, listening, monkeypatch, named, kind, limit):
    monkeypatch.setenv("RAY_ADDRESS", named)
    head = Head()
    for clock.now in (0.0, 1000.0):
        head.check()
        head.await_answer()
    listening.close()
    clock.now += limit - 1
    head.check()
    clock.now += 10
    with pytest.raises(kind) as error:
        head.check()
    assert issubclass(error.type, StartAgain) == (not named)
    with pytest.raises(kind, match="what was saved is"):
        head.await_answer()


def test_what_ends_beside_a_head_that_answers_has_another_cause(clock, listening):
    Head().await_answer()
    assert clock.now == 0
