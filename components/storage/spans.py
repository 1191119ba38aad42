"""What a run's processes spend their time on: spans on the machine's monotonic clock, which all its processes share.

A process keeps its own in memory; a stage leaves them in the last line of its progress file, and whoever waited for it takes
them over. Spans lie in lanes: what runs side by side has a lane each, the run itself the empty one. Within a lane spans nest.
"""

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Literal

Kind = Literal["work", "imports", "dvc", "prefect", "mlflow", "waiting", "looking", "rest"]

_lane: ContextVar[str] = ContextVar("lane", default="")
_spans: list["Span"] = []


@dataclass(frozen=True, slots=True)
class Span:
    """From one reading of `time.monotonic` to another."""

    kind: Kind
    begin: float
    end: float
    lane: str = ""


def taken() -> list[Span]:
    """What this process has put down so far, as its spans ended."""
    return list(_spans)


@contextmanager
def spending(kind: Kind) -> Iterator[None]:
    """The block's time is of this kind, but for what spans within it say otherwise."""
    begin = time.monotonic()
    try:
        yield
    finally:
        put_down(kind, begin)


def put_down(kind: Kind, begin: float) -> None:
    """The time from `begin` to now was of this kind, but for what spans within it say otherwise."""
    _spans.append(Span(kind, begin, time.monotonic(), _lane.get()))


@contextmanager
def lane(name: str) -> Iterator[None]:
    """What this thread does in the block runs side by side with the run's other lanes."""
    token = _lane.set(name)
    try:
        yield
    finally:
        _lane.reset(token)


def told() -> list[tuple[Kind, float, float]]:
    """This process's spans as its progress file keeps them."""
    return [(span.kind, round(span.begin, 3), round(span.end, 3)) for span in _spans]


def take_over(progress: Path, since: float) -> None:
    """Put down what a stage's process told in its progress file, where it began after `since`; nothing of one that was killed."""
    if not progress.is_file():
        return
    last = json.loads(progress.read_text().rstrip().rpartition("\n")[2] or "{}")
    found = [Span(kind, begin, end, _lane.get()) for kind, begin, end in last.get("spent", ())]
    _spans.extend(span for span in found if span.begin >= since)


def process_began() -> float:
    """When this process was started, on the clock of `time.monotonic`, to a hundredth of a second."""
    # The name, in brackets, may hold anything; the numbers follow its last bracket.
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return time.monotonic() - age


def count_imports() -> None:
    """Put down, from now on, what imports of Python files take in this process's main thread and in threads with a lane."""
    load, inside = SourceFileLoader.exec_module, threading.local()

    def counted(self: SourceFileLoader, module: ModuleType) -> None:
        aside = not _lane.get() and threading.current_thread() is not threading.main_thread()
        if aside or getattr(inside, "import_", False):  # one import brings others along: the outermost counts
            return load(self, module)
        inside.import_ = True
        try:
            with spending("imports"):
                return load(self, module)
        finally:
            inside.import_ = False

    SourceFileLoader.exec_module = counted
