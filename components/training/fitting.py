"""The stage's side of a training on workers: it waits, listens, passes on, and gives up where going on is no use."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from components.cluster import Head, leave_ray
from components.context import Interrupted, StageContext
from components.storage.dvc_objects import Tree
from components.training.board import Told
from components.training.losses import OnRow

MAX_TRIES = 4
"""How often workers may begin without getting a step further than they ever were."""
HEAD_SECONDS = 45.0
"""A named cluster's head that does not answer for so long is gone."""
LOOK_SECONDS = 0.2


class Fitting:
    """A run of Ray Train under way."""

    def __init__(self, ctx: StageContext, board: Any, on_row: OnRow) -> None:
        self._ctx, self._board, self._on_row = ctx, board, on_row
        self._head = Head()
        self.made = Tree("nothing", ())
        """The finished checkpoint, where the workers put it into the remote."""
        self._ended: bool | None = None
        self._furthest, self._tries, self._broke = 0.0, 0, "they were lost"
        self._outcome: list[BaseException] = []

    def wait(self, fit: Callable[[], Any]) -> bool:
        """Runs `fit` in a daemon thread (Ray would take our signal handlers in the main one, and a stopped stage must
        save); whether the stage is finished.

        Raises ValueError for what a worker told as a user's error or when they break again and again, Interrupted when the
        head is gone.
        """

        def run() -> None:
            try:
                fit()
            except BaseException as error:
                self._outcome.append(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(LOOK_SECONDS)
            self._listen()
            if self._head.silent_seconds() > HEAD_SECONDS:
                raise Interrupted(
                    f"the head of the Ray cluster, {self._head.address}, has not answered for {HEAD_SECONDS:.0f} s; what was "
                    "saved is kept, and the same command goes on when it is back"
                )
        self._listen()
        if self._outcome and self._ended is None:
            raise self._outcome[0]
        if self._ended is None:
            raise RuntimeError("Ray Train ended without a word from the workers; its log says more")
        return self._ended

    @contextmanager
    def ending(self) -> Iterator[None]:
        """Leaves Ray when the block ends, whatever is left of it."""
        try:
            yield
        finally:
            leave_ray()

    def _listen(self) -> None:
        import ray
        from ray.exceptions import RayError

        try:
            told: list[Told] = ray.get(self._board.take.remote(self._ctx.stop.is_set()), timeout=5)
        except RayError as error:  # it is started again, or the head is gone, which is noticed elsewhere
            print(f"nothing is heard of the workers: {error}")
            return
        for one in told:
            self._hear(one)

    def _hear(self, one: Told) -> None:
        match one.kind:
            case "begun":
                self._count_try()
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
            case "broke":
                self._broke = one.value
                self._ctx.progress.say(f"a worker broke: {one.value}")
            case "failed":
                raise ValueError(one.value)

    def _count_try(self) -> None:
        self._tries += 1
        if self._tries > MAX_TRIES:
            raise ValueError(
                f"the workers began {MAX_TRIES} times without getting past step {self._furthest:.0f}; the last time: {self._broke}"
            )
