"""Whoever holds the others up is named, with where it stands; nobody is for a store that takes long."""

import threading
from dataclasses import replace

import pytest

from components.training.heartbeat import Beat, Heartbeat
from components.training.loop import StepReport
from components.training.losses import LossRows
from components.training.watcher import LOOKS, Watcher

HERE = "components/training/feed.py:81 next_step"
IN_SUM = "components/training/world.py:36 sum"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def beat(rank: int, step: int, *, waits: bool = True, stores: bool = False) -> Beat:
    place = IN_SUM if waits else HERE
    return Beat(rank, f"life-{rank}", f"node-{rank}", step, 60, place, waits, stores)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watcher(clock: Clock) -> Watcher:
    return Watcher(300.0, clock)


def test_the_rank_for_which_the_others_wait_is_named_with_node_step_and_place(watcher, clock):
    for clock.now in (0.0, 100.0, 299.0, 301.0):
        for rank in (0, 1, 2):
            watcher.hear(beat(rank, 24, waits=rank != 1))
        assert bool(watcher.hanging()) == (clock.now > 300)
    said = watcher.hanging()
    assert said == f"rank 1 on node-1 stands at {HERE} after step 24: no step for 300 s (compute.hang_seconds)"
    assert watcher.lives == {"life-0", "life-1", "life-2"}


def test_a_rank_that_says_nothing_any_more_is_named(watcher, clock):
    watcher.hear(beat(2, 24))
    for clock.now in (0.0, 200.0, 301.0):
        for rank in (0, 1):
            watcher.hear(beat(rank, 24))
    assert watcher.hanging().startswith(f"rank 2 on node-2 says nothing any more, last seen at {IN_SUM} after step 24")


@pytest.mark.parametrize("step", [0, 60])
def test_before_the_first_step_and_after_the_last_nobody_hangs(watcher, clock, step):
    for clock.now in (0.0, 10_000.0):
        watcher.hear(beat(0, step))
    assert not watcher.hanging()


def test_a_store_may_take_as_long_as_it_likes_and_steps_that_are_made_are_no_hang(watcher, clock):
    for clock.now in range(0, 4000, 100):
        watcher.hear(beat(0, 24, stores=True))
        watcher.hear(beat(1, 24))
        assert not watcher.hanging()
    for step, clock.now in enumerate(range(4000, 8000, 250), 25):
        for rank in (0, 1):
            watcher.hear(beat(rank, step))
        assert not watcher.hanging()


def test_other_workers_begin_with_a_fresh_count(watcher, clock):
    watcher.hear(beat(0, 24, waits=False))
    clock.now = 301.0
    watcher.begin()
    watcher.hear(replace(beat(0, 24, waits=False), life="another"))
    assert not watcher.hanging()


def test_a_slow_rank_is_named_once_where_the_others_wait_most_of_the_time(watcher):
    for look in range(LOOKS):
        assert not watcher.slow()
        for rank in (0, 1, 2):
            watcher.hear(beat(rank, look, waits=rank != 2 and look % 4 > 0))
    assert (
        watcher.slow()
        == f"rank 2 on node-2 holds the others up, which wait in 75% of all looks: it is most often at {HERE}"
    )
    assert not watcher.slow()


def test_ranks_that_wait_alike_are_not_slow(watcher):
    for look in range(2 * LOOKS):
        for rank in (0, 1):
            watcher.hear(beat(rank, look, waits=look % 2 == rank))
        assert not watcher.slow()


def test_a_beat_says_where_the_thread_that_trains_stands_in_our_code():
    begun, go_on, made = threading.Event(), threading.Event(), list[Heartbeat]()

    def train() -> None:
        made.append(Heartbeat(3, 60, "a-node"))
        losses = LossRows(1, lambda row: (begun.set(), go_on.wait(30)))
        losses.on_step(
            StepReport(step=1, text_loss=1, image_loss=1, learning_rate=1, grad_norm=1, tokens=1, skipped=False)
        )

    thread = threading.Thread(target=train)
    thread.start()
    assert begun.wait(30)
    found = made[0].beat()
    go_on.set()
    thread.join()
    assert (found.rank, found.last, found.step, found.stores, found.waits) == (3, 60, 0, False, False)
    assert found.place.startswith("components/training/losses.py:") and found.place.endswith(" on_step")
