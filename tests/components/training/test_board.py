"""What workers tell the stage comes in order, none of it twice or lost while the stage cannot be reached."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from components.context import StageContext
from components.recipes.recipe import Recipe
from components.training import board as boards
from components.training.board import LEFT, Board, Kind, Messenger, Told, Wish
from components.training.fitting import MAX_TRIES, Fitting
from components.training.pulse import Pulse
from components.training.workers import Ask, Room
from tests.components.training.conftest import context


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_is_said_while_the_stage_is_away_comes_when_it_is_back(monkeypatch):
    monkeypatch.setattr(boards, "EVERY_SECONDS", 0.01)
    board, away, tries = Board(), [], []

    def exchange(told: list[Told]) -> Wish:
        told = [one for one in told if one.kind != "beat"]
        tries.append(len(told))
        if away:
            raise ConnectionError("no stage")
        return board.exchange(told)

    messenger = Messenger(exchange, Pulse(0, 8), 2)
    assert board.take(Wish()) == [Told("begun", 2)] and not messenger.should_stop()
    away.append(True)
    messenger.say("one")
    messenger.row({"step": 10})
    for step in (1, 2, 3):
        messenger.update(step, 8, "training", text_loss=0.5)
    until(lambda: tries.count(3) > 2)
    away.clear()
    heard: list[Told] = []
    until(lambda: bool(heard.extend(board.take(Wish(stop=True))) or heard))
    progress = {"done": 3, "total": 8, "message": "training", "text_loss": 0.5}
    assert heard == [Told("said", "one"), Told("row", {"step": 10}), Told("progress", progress)]
    until(messenger.should_stop)
    messenger.tell("ended", False)
    messenger.close()
    assert board.take(Wish(stop=True)) == [Told("ended", False)]


LEAVES = """
from tests.components.training.test_board import *
pulse = Pulse(1, 8)
messenger = Messenger(lambda told: Wish(leave=frozenset({pulse.life})), pulse, 2)
time.sleep(60)
"""


def test_a_worker_that_is_to_leave_leaves_whatever_it_is_at():
    assert subprocess.run([sys.executable, "-c", LEAVES], timeout=50, check=False).returncode == LEFT


def fitting_of(ctx: StageContext) -> Fitting:
    room = Room(Ask(cpus=1, gpus=0, memory_bytes=0), list)
    room.close()
    return Fitting(ctx, None, print, room=room)


def hear(fitting: Fitting, kind: Kind, value: object = None) -> None:
    fitting._hear(Told(kind, value))


@pytest.fixture
def ctx(tmp_path: Path, recipe: Recipe) -> StageContext:
    return context(tmp_path, recipe, "foundation")


def test_a_users_error_ends_the_stage_and_what_it_says_is_what_is_read(ctx):
    with pytest.raises(ValueError, match=r"^sample a is too long$"):
        hear(fitting_of(ctx), "failed", "sample a is too long")


def test_workers_that_break_are_started_again_as_long_as_they_get_further(ctx):
    fitting, rows = fitting_of(ctx), []
    fitting._on_row = rows.append
    for step in range(1, 10):
        hear(fitting, "begun", 2)
        hear(fitting, "progress", {"done": step, "total": 99, "message": "training"})
    hear(fitting, "broke", "node-1: RuntimeError: out of memory")
    hear(fitting, "row", {"step": 10})
    for _ in range(MAX_TRIES):
        hear(fitting, "begun", 2)
        hear(fitting, "progress", {"done": 9, "total": 99, "message": "training"})
    with pytest.raises(
        ValueError, match=r"began 4 times without getting past step 9; the last time: node-1: RuntimeError"
    ):
        hear(fitting, "begun", 2)
    assert rows == [{"step": 10}]


def test_a_named_cluster_is_met_with_a_token_and_heard_when_it_takes_a_node_away(monkeypatch):
    import os

    from components.stage import ENVIRONMENT, set_environment

    for name in ENVIRONMENT:
        monkeypatch.setenv(name, os.environ.get(name, ""))
    for name in ("NO_PROXY", "no_proxy", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, os.environ.get(name, "1"))
    monkeypatch.delenv("RAY_AUTH_MODE")
    monkeypatch.setenv("RAY_ADDRESS", "")
    set_environment(1)
    assert (os.environ["RAY_AUTH_MODE"], os.environ["RAY_TRAIN_ENABLE_PREEMPTION_WATCHER"]) == ("disabled", "0")
    monkeypatch.setenv("RAY_ADDRESS", "head:6379")
    monkeypatch.delenv("RAY_AUTH_MODE")
    set_environment(1)
    assert (os.environ["RAY_AUTH_MODE"], os.environ["RAY_TRAIN_ENABLE_PREEMPTION_WATCHER"]) == ("token", "1")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    set_environment(1)
    assert os.environ["RAY_AUTH_MODE"] == "disabled"
