"""What workers tell the stage comes in order, none of it twice or lost while the stage cannot be reached."""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from components.context import Interrupted, StageContext
from components.recipes.recipe import Recipe
from components.training import board as boards
from components.training import fitting as fittings
from components.training.board import LEFT, Board, Kind, Messenger, Told, Wish
from components.training.fitting import MAX_TRIES, UNHEARD_SECONDS, Fitting
from components.training.heartbeat import Heartbeat
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

    messenger = Messenger(exchange, Heartbeat(0, 8, "a-node"), 2)
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
heartbeat = Heartbeat(1, 8, "a-node")
messenger = Messenger(lambda told: Wish(leave=frozenset({heartbeat.life})), heartbeat, 2)
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


def test_where_there_is_room_for_more_workers_the_state_is_saved_and_they_begin(ctx, monkeypatch):
    compute = replace(ctx.recipe.compute, workers=4, missing_workers=3)
    ctx = replace(ctx, recipe=replace(ctx.recipe, compute=compute))
    fitting, ends = fitting_of(ctx), [False, True]
    hear(fitting, "begun", 2)
    fitting._watch()
    assert not fitting._grows
    fitting._room.more = 2
    fitting._watch()
    assert fitting._grows
    monkeypatch.setattr(fitting, "_once", lambda fit: ends.pop(0))
    assert fitting.wait(list) and not ends
    assert "room for more than 2 workers" in ctx.progress.path.read_text()
    hear(fitting, "begun", 4)
    fitting._watch()
    assert not fitting._grows, "all are there"


def test_a_stage_that_was_asked_to_stop_is_not_begun_again(ctx, monkeypatch):
    fitting = fitting_of(ctx)
    fitting._grows = True
    ctx.stop.set()
    monkeypatch.setattr(fitting, "_once", lambda fit: False)
    assert not fitting.wait(list)


def test_ranks_that_hang_are_named_and_all_workers_are_to_leave(ctx):
    compute = replace(ctx.recipe.compute, hang_seconds=0.01)
    ctx = replace(ctx, recipe=replace(ctx.recipe, compute=compute))
    fitting = fitting_of(ctx)
    for rank in (0, 1):
        hear(
            fitting,
            "beat",
            replace(Heartbeat(rank, 60, "a-node", step=24).beat(), life=f"life-{rank}", waits=rank == 0),
        )
    time.sleep(0.02)
    fitting._watch()
    assert fitting._leave == {"life-0", "life-1"}
    said = ctx.progress.path.read_text()
    assert "rank 1 on" in said and "rank 0 on" not in said and "begin again from the last state" in said


@pytest.mark.parametrize(("kind", "value"), [("ended", False), ("broke", "node-1: its connection was closed")])
def test_workers_that_ended_do_not_hang_while_others_begin_in_their_place(ctx, kind, value):
    ctx = replace(ctx, recipe=replace(ctx.recipe, compute=replace(ctx.recipe.compute, hang_seconds=0.01)))
    fitting = fitting_of(ctx)
    hear(fitting, "beat", Heartbeat(0, 60, "a-node", step=24).beat())
    hear(fitting, kind, value)
    time.sleep(0.02)
    fitting._watch()
    assert not fitting._leave and "no step for" not in ctx.progress.path.read_text()


def test_workers_that_are_not_heard_are_missed_with_what_the_cluster_lacks_and_not_waited_for_for_ever(
    ctx, monkeypatch
):
    clock = SimpleNamespace(now=0.0, monotonic=lambda: clock.now)
    monkeypatch.setattr(fittings, "time", clock)
    fitting = fitting_of(ctx)
    fitting._lacks = lambda: "no node has a GPU"
    clock.now = UNHEARD_SECONDS + 1
    for _ in range(2):
        fitting._watch()
    assert ctx.progress.path.read_text().count("no worker is heard: no node has a GPU") == 1
    clock.now = ctx.recipe.compute.wait_seconds + 1
    with pytest.raises(Interrupted, match=r"compute.wait_seconds\): no node has a GPU; what was saved is kept"):
        fitting._watch()


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
