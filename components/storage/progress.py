"""What a stage says while it works: lines of JSON that any display can follow, whoever started the run."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from components.storage.addresses import shown


@dataclass(slots=True)
class Progress:
    """Appends {at, stage, done, total, message, metrics} to .unimed/progress/<stage>.jsonl, at most ten times a second."""

    path: Path
    stage: str
    _last: float = field(default=0.0, init=False)

    @classmethod
    def start(cls, folder: Path, stage: str) -> "Progress":
        """A fresh progress file for this stage; what an earlier run of it said is gone."""
        folder.mkdir(parents=True, exist_ok=True)
        path = progress_file(folder, stage)
        path.write_text("")
        progress = cls(path, stage)
        progress.say("started")
        return progress

    def update(self, done: float, total: float, message: str = "", **metrics: float) -> None:
        """How far the stage is; dropped when the last line is younger than a tenth of a second and this is not the end."""
        now = time.monotonic()
        if done < total and now - self._last < 0.1:
            return
        self._last = now
        self._append({"done": done, "total": total, "message": message, "metrics": metrics})

    def say(self, message: str) -> None:
        """A line without a count."""
        self._append({"message": shown(message)})

    def finish(self, state: str, message: str = "", spent: Sequence[object] = ()) -> None:
        """The last line: state is done, failed or interrupted; `spent` are the process's spans of time."""
        more: dict[str, object] = {"spent": spent} if spent else {}
        self._append({"state": state, "message": shown(message), **more})

    def _append(self, line: dict[str, object]) -> None:
        with self.path.open("a") as handle:
            handle.write(json.dumps({"at": time.time(), "stage": self.stage, **line}) + "\n")


def progress_file(folder: Path, stage: str) -> Path:
    """Where a stage's progress lies."""
    return folder / f"{stage.replace('@', '-')}.jsonl"
