"""What workers and the stage that started them tell each other, wherever they run: an actor that lives beside the stage.

The first rank hands over what it has to say twice a second and hears whether it should stop; every rank says where it stands,
and hears whether it is to leave. Training waits for none of it.
"""

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from components.training.heartbeat import Heartbeat

Kind = Literal["begun", "beat", "progress", "said", "row", "made", "ended", "broke", "failed"]
EVERY_SECONDS, OTHERS_SECONDS = 0.5, 2.0
"""How often the first rank is heard, and each of the others."""
LEFT = 70
"""Exit status of a worker that was told to leave."""
ANSWER_SECONDS = 30.0
"""How long a worker waits for the actor before it tries again."""


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that a worker says."""

    kind: Kind
    value: Any = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What the stage wants of the workers."""

    stop: bool = False
    """Save and end."""
    leave: frozenset[str] = frozenset()
    """The lives of processes that are to end at once, whatever they are at."""


class Board:
    """The actor: keeps what was told until the stage takes it, and what the stage wishes."""

    def __init__(self) -> None:
        self._told: list[Told] = []
        self._wish = Wish()

    def exchange(self, told: list[Told]) -> Wish:
        """A worker tells; what it should do."""
        self._told += told
        return self._wish

    def take(self, wish: Wish) -> list[Told]:
        """The stage wishes; what was told since it last asked."""
        self._wish = wish
        told, self._told = self._told, []
        return told


def make_board() -> Any:
    """A handle of a fresh board on this process's node (the head's, for Ray's client); workers take it along."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return (
        ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(Board).options(scheduling_strategy=here).remote()
    )


class Messenger:
    """A rank's side of the board: a thread that carries what is said, and where the rank stands."""

    def __init__(self, exchange: Callable[[list[Told]], Wish], heartbeat: Heartbeat, ranks: int) -> None:
        """`exchange` is the board's, as a call that answers; it may raise when it cannot be reached."""
        self._exchange, self._heartbeat = exchange, heartbeat
        self._waiting: list[Told] = []
        self._lock, self._closed = threading.Lock(), threading.Event()
        self._every = OTHERS_SECONDS if heartbeat.rank else EVERY_SECONDS
        self._stopped = exchange([] if heartbeat.rank else [Told("begun", ranks)]).stop
        self._thread = threading.Thread(target=self._run, name="messenger", daemon=True)
        self._thread.start()

    def should_stop(self) -> bool:
        """Whether the stage was asked to stop, as far as is known here."""
        return self._stopped

    def update(self, done: float, total: float, message: str = "", **metrics: float) -> None:
        """How far the stage is; only the latest is carried."""
        told = Told("progress", {"done": done, "total": total, "message": message, **metrics})
        with self._lock:
            self._waiting = [*(one for one in self._waiting if one.kind != "progress"), told]

    def say(self, message: str) -> None:
        """A line without a count."""
        self.tell("said", message)

    def row(self, row: Mapping[str, float]) -> None:
        """A row of the loss curve."""
        self.tell("row", dict(row))

    def tell(self, kind: Kind, value: Any = None) -> None:
        with self._lock:
            self._waiting.append(Told(kind, value))

    def close(self) -> None:
        """Carries the rest; raises what the board raises."""
        self._closed.set()
        self._thread.join()
        self._carry()

    def _run(self) -> None:
        while not self._closed.wait(self._every):
            try:
                self._carry()
            except Exception as error:  # the stage's node may be back in a moment; what was said is still here
                print(f"what the stage should hear waits: {error}")

    def _carry(self) -> None:
        with self._lock:
            told, self._waiting = self._waiting, []
        try:
            wish = self._exchange([*told, Told("beat", self._heartbeat.beat())])
            self._stopped = wish.stop
        except BaseException:
            with self._lock:
                self._waiting = told + self._waiting
            raise
        if self._heartbeat.life in wish.leave:
            print("the stage wants this process to end: a rank hangs")
            os._exit(LEFT)


def exchange_with(board: Any) -> Callable[[list[Told]], Wish]:
    """The board's `exchange` as a call that answers within ANSWER_SECONDS, or raises."""
    import ray

    return lambda told: ray.get(board.exchange.remote(told), timeout=ANSWER_SECONDS)
