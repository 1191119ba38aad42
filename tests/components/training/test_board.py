"""What workers tell the stage comes in order, none of it twice or lost while the stage cannot be reached."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from components.context import StageContext
from components.recipes.recipe import Recipe
from components.training import board as boards
from components.training.board import Board, Kind, Messenger, Told
from components.training.fitting import MAX_TRIES, Fitting
from tests.components.training.conftest import context


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_is_said_while_the_stage_is_away_comes_when_it_is_back(monkeypatch):
    monkeypatch.setattr(boards, "EVERY_SECONDS", 0.01)
    board, away, tries = Board(), [], []

    def exchange(told: list[Told]) -> bool:
        tries.append(len(told))
        if away:
            raise ConnectionError("no stage")
        return board.exchange(told)

    messenger = Messenger(exchange)
    assert board.take(stop=False) == [Told("begun")] and not messenger.should_stop()
    away.append(True)
    messenger.say("one")
    messenger.row({"step": 10})
    for step in (1, 2, 3):
        messenger.update(step, 8, "training", text_loss=0.5)
    until(lambda: tries.count(3) > 2)
    away.clear()
    heard: list[Told] = []
    until(lambda: bool(heard.extend(board.take(stop=True)) or heard))
    progress = {"done": 3, "total": 8, "message": "training", "text_loss": 0.5}
    assert heard == [Told("said", "one"), Told("row", {"step": 10}), Told("progress", progress)]
    until(messenger.should_stop)
    messenger.tell("ended", False)
    messenger.close()
    assert board.take(stop=True) == [Told("ended", False)]


def hear(fitting: Fitting, kind: Kind, value: object = None) -> None:
    fitting._hear(Told(kind, value))


@pytest.fixture
def ctx(tmp_path: Path, recipe: Recipe) -> StageContext:
    return context(tmp_path, recipe, "foundation")


def test_a_users_error_ends_the_stage_and_what_it_says_is_what_is_read(ctx):
    with pytest.raises(ValueError, match=r"^sample a is too long$"):
        hear(Fitting(ctx, None, print), "failed", "sample a is too long")


def test_workers_that_break_are_started_again_as_long_as_they_get_further(ctx):
    fitting, rows = Fitting(ctx, None, print), []
    fitting._on_row = rows.append
    for step in range(1, 10):
        hear(fitting, "begun")
        hear(fitting, "progress", {"done": step, "total": 99, "message": "training"})
    hear(fitting, "broke", "node-1: RuntimeError: out of memory")
    hear(fitting, "row", {"step": 10})
    for _ in range(MAX_TRIES):
        hear(fitting, "begun")
        hear(fitting, "progress", {"done": 9, "total": 99, "message": "training"})
    with pytest.raises(
        ValueError, match=r"began 4 times without getting past step 9; the last time: node-1: RuntimeError"
    ):
        hear(fitting, "begun")
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
