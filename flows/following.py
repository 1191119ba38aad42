"""Reading what stages say about themselves: the progress files of .unimed/progress, whoever started the run."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.storage.progress import progress_file

_NO_LETTERS = re.compile(r"[^A-Za-z]")


@dataclass(slots=True)
class StageView:
    """What is known of a stage from its progress file."""

    stage: str
    started_at: float = 0.0
    at: float = 0.0
    """When it last said something."""
    done: float = 0.0
    total: float = 0.0
    message: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    state: str = "running"
    """running, done, failed or interrupted."""
    counting: str = ""
    """What is being counted, with its total: a stage may count one thing after another."""
    counted_at: float = 0.0
    counted_from: float = 0.0
    """When this count was first heard of, and where it stood."""

    @property
    def per_second(self) -> float:
        """How fast it counts; 0 before two counts."""
        seconds = self.at - self.counted_at
        return max(0.0, self.done - self.counted_from) / seconds if seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """At that speed; None where there is no total or no speed yet."""
        return (self.total - self.done) / self.per_second if self.total and self.per_second else None

    def take(self, line: dict[str, Any]) -> None:
        """Learn from one line of the file."""
        at = float(line.get("at", 0.0))
        self.started_at = self.started_at or at
        self.at = at
        self.done = float(line.get("done", self.done))
        self.total = float(line.get("total", self.total))
        self.message = str(line.get("message", "")) or self.message
        self.metrics = dict(line.get("metrics") or self.metrics)
        if "done" in line:
            counting = f"{self.total:g} {_NO_LETTERS.sub('', self.message)}"
            if counting != self.counting or self.done < self.counted_from:
                self.counting, self.counted_at, self.counted_from = counting, at, self.done
        self.state = str(line.get("state", self.state))


class Follower:
    """Reads the new lines of every progress file on each call; a file with another first line was started afresh."""

    def __init__(self, folder: Path, *, since: float = 0.0) -> None:
        self.folder = folder
        self.since = since
        self.views: dict[str, StageView] = {}
        self._offsets: dict[Path, int] = {}
        self._heads: dict[Path, bytes] = {}

    def poll(self) -> dict[str, StageView]:
        """Stage -> its view, from files whose run began after `since`."""
        for path in sorted(self.folder.glob("*.jsonl")):
            with path.open("rb") as handle:
                head = handle.readline()
                offset = self._offsets.get(path, 0) if head == self._heads.get(path) else 0
                self._heads[path] = head
                handle.seek(offset)
                data = handle.read()
            whole = data.rfind(b"\n") + 1
            self._offsets[path] = offset + whole
            for line in _lines(data[:whole]):
                self._take(line)
        return self.views

    def _take(self, line: dict[str, Any]) -> None:
        stage = str(line.get("stage", ""))
        if not stage or float(line.get("at", 0.0)) < self.since:
            return
        if line.get("message") == "started" and "total" not in line:
            self.views[stage] = StageView(stage)
        self.views.setdefault(stage, StageView(stage)).take(line)


def read_view(folder: Path, stage: str) -> StageView | None:
    """What the stage's file says now; None when it never ran here."""
    path = progress_file(folder, stage)
    if not path.is_file():
        return None
    view = StageView(stage)
    for line in _lines(path.read_bytes()):
        view.take(line)
    return view if view.at else None


def read_last(folder: Path, stage: str) -> dict[str, Any]:
    """The last line the stage wrote; empty when there is none."""
    path = progress_file(folder, stage)
    last: dict[str, Any] = {}
    if path.is_file():
        for line in _lines(path.read_bytes()):
            last = line
    return last


def _lines(data: bytes) -> Iterator[dict[str, Any]]:
    """The JSON objects in it; a line that a kill cut short is passed over, the next start writes a new file."""
    for raw in data.splitlines():
        try:
            line = json.loads(raw)
        except json.JSONDecodeError:
            continue
        if isinstance(line, dict):
            yield line
