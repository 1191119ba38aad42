"""The stage's side of a training on workers: it waits, listens, passes on, and gives up where going on is no use."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from components.cluster import leave_ray
from components.context import Interrupted, StageContext
from components.storage.dvc_objects import Tree
from components.training.board import Told, Wish
from components.training.head import Head
from components.training.losses import OnRow
from components.training.watcher import Watcher
from components.training.workers import Room

MAX_TRIES = 4
"""How often workers may begin without getting a step further than they ever were."""
LOOK_SECONDS = 0.2
UNHEARD_SECONDS = 90.0
"""Workers that nothing is heard of for so long are not there: longer than others take to begin in their place."""


class Fitting:
    """A training on workers under way."""

    def __init__(
        self, ctx: StageContext, board: Any, on_row: OnRow, *, room: Room, lacks: Callable[[], str] = str
    ) -> None:
        """`room` knows how many more workers would fit; `lacks` says what the cluster lacks for the fewest."""
        self._ctx, self._board, self._on_row = ctx, board, on_row
        self._room, self._lacks = room, lacks
        self._watcher = Watcher(ctx.recipe.compute.hang_seconds)
        self.made = Tree("nothing", ())
        """The finished checkpoint, where the workers put it into the remote."""
        self._ended: bool | None = None
        self._furthest, self._tries, self._broke = 0.0, 0, "they were lost"
        self._ranks, self._grows, self._leave = 0, False, frozenset[str]()
        self._heard_at = time.monotonic()
        self._missed = False

    def wait(self, fit: Callable[[], Any]) -> bool:
        """Whether the stage is finished; `fit` is called again, from the state just saved, when there is room for more workers.

        Raises ValueError for what a worker told as a user's error or when they break again and again, Interrupted or
        StartAgain when the head is gone, Interrupted when there is no room for the fewest workers for too long.
        """
        finished = self._once(fit)
        while self._grows and not finished and not self._ctx.stop.is_set():
            self._ctx.progress.say(f"the cluster has room for more than {self._ranks} workers: going on with more")
            self._grows = False
            finished = self._once(fit)
        return finished

    def _once(self, fit: Callable[[], Any]) -> bool:
        """Runs `fit` in a daemon thread: Ray would take our signal handlers in the main one, and a stopped stage must save."""
        outcome: list[BaseException] = []
        self._ended, self._heard_at = None, time.monotonic()

        def run() -> None:
            try:
                fit()
            except BaseException as error:
                outcome.append(error)

        head = Head()
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(LOOK_SECONDS)
            self._listen()
            head.check()
            self._watch()
        self._listen()
        if self._ended is None:
            head.await_answer()  # what ended it may be the head's end
        if outcome and self._ended is None:
            raise outcome[0]
        if self._ended is None:
            raise RuntimeError("Ray Train ended without a word from the workers; its log says more")
        return self._ended

    @contextmanager
    def ending(self) -> Iterator[None]:
        """Leaves Ray when the block ends, whatever is left of it."""
        try:
            yield
        finally:
            self._room.close()
            leave_ray()

    def _listen(self) -> None:
        import ray
        from ray.exceptions import RayError

        wish = Wish(stop=self._ctx.stop.is_set() or self._grows, leave=self._leave)
        try:
            told: list[Told] = ray.get(self._board.take.remote(wish), timeout=5)
        except RayError as error:  # it is started again, or the head is gone, which is noticed elsewhere
            print(f"nothing is heard of the workers: {error}")
            return
        for one in told:
            self._heard_at, self._missed = time.monotonic(), False
            self._hear(one)

    def _watch(self) -> None:
        """Looks for ranks that hang or are slow, for workers that are not there, and for room for more."""
        if slow := self._watcher.slow():
            self._ctx.progress.say(slow)
        if hangs := self._watcher.hanging():
            self._broke, self._leave = hangs, self._watcher.lives
            self._watcher.begin()
            self._ctx.progress.say(f"{hangs}; the workers begin again from the last state")
        silent, compute = time.monotonic() - self._heard_at, self._ctx.recipe.compute
        if silent > UNHEARD_SECONDS and not self._missed:
            self._missed = True
            self._ctx.progress.say(f"no worker is heard: {self._lacks() or 'they begin, or their nodes are lost'}")
        if silent > compute.wait_seconds:
            raise Interrupted(
                f"no worker was heard for {silent:.0f} s (compute.wait_seconds): {self._lacks() or 'their log says more'}; what "
                "was saved is kept, and the same command goes on from it"
            )
        if not self._grows and 0 < self._ranks < compute.workers and silent < 1 and self._room.more:
            self._grows = True

    def _hear(self, one: Told) -> None:
        match one.kind:
            case "begun":
                if one.value != self._ranks:
                    self._ctx.progress.say(f"training on {one.value} workers")
                self._ranks = one.value
                self._watcher.begin()
                self._count_try()
            case "beat":
                self._watcher.hear(one.value)
            case "progress":
                if one.value["done"] > self._furthest:
                    self._furthest, self._tries = one.value["done"], 0
                self._ctx.progress.update(**one.value)
            case "said":
                self._ctx.progress.say(one.value)
            case "row":
                self._on_row(one.value)
            case "made":
                self.made = one.value
            case "ended":
                self._ended = one.value
                self._watcher.begin()  # who ended does not hang
            case "broke":
                self._broke = one.value
                self._watcher.begin()
                self._ctx.progress.say(f"a worker broke: {one.value}")
            case "failed":
                raise ValueError(one.value)

    def _count_try(self) -> None:
        self._tries += 1
        if self._tries > MAX_TRIES:
            raise ValueError(
                f"the workers began {MAX_TRIES} times without getting past step {self._furthest:.0f}; the last time: {self._broke}"
            )
