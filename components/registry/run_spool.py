"""What a stage tells about its run, as lines of a file: whoever trains appends, whoever can reach MLflow sends.

Nothing here knows MLflow or a network. A line that cannot be written is said once and ends nothing. The loop never waits for
the disk: a power failure may lose the last lines, and the stage's end brings every row again.
"""

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from components.storage.workspace import Workspace

_TAIL_BYTES = 4096


def spool_folder(workspace: Workspace) -> Path:
    """Folder of a workspace's spools, one folder a run key."""
    return workspace.private / "tracking"


def spools(workspace: Workspace) -> "list[RunSpool]":
    """The spools that lie there, oldest first."""
    found = list(spool_folder(workspace).glob(f"*/{RunSpool.EVENTS}"))
    return [RunSpool(path.parent) for path in sorted(found, key=lambda path: path.stat().st_mtime)]


class RunSpool:
    """The events of one run, oldest first; a stage's run as the stage sees it.

    Each line is an object with `kind` (open, params, dataset, tags, metrics, end), `at_ms` and what belongs to the kind.
    """

    EVENTS = "events.jsonl"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._steps: set[int] | None = None
        self._complained = False

    @property
    def path(self) -> Path:
        return self.folder / self.EVENTS

    @property
    def key(self) -> str:
        """The run key that it is kept under."""
        return self.folder.name

    def open(self, stage: str, tags: Mapping[str, str]) -> None:
        """The run begins, or goes on."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if self.path.is_file() and not self.path.read_bytes().endswith(b"\n"):
                with self.path.open("ab") as handle:  # the writer was killed in the middle of a line
                    handle.write(b"\n")
        except OSError as error:
            self._complain(error)
        self._append("open", stage=stage, tags=dict(tags))

    def params(self, values: Mapping[str, Any]) -> None:
        """Numbers that the stage works with."""
        self._append("params", values=dict(values))

    def dataset(self, dataset_id: str, context: str) -> None:
        """What it reads."""
        self._append("dataset", dataset_id=dataset_id, context=context)

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Numbers at a step. A step that is there already stays as it is: what goes on after a kill repeats some."""
        if self._steps is None:
            self._steps = {event["step"] for event, _ in self.events() if event["kind"] == "metrics"}
        if step not in self._steps and self._append("metrics", step=step, values=dict(metrics)):
            self._steps.add(step)

    def end(self, status: str) -> None:
        """The run is over for now: FINISHED, FAILED or KILLED."""
        self._append("end", status=status)
        self._sync()

    def events(self, offset: int = 0) -> Iterator[tuple[dict[str, Any], int]]:
        """Every whole line from this byte on, each with the offset behind it; a torn line is passed over."""
        if not self.path.is_file():
            return
        with self.path.open("rb") as handle:
            handle.seek(offset)
            for line in handle:
                if not line.endswith(b"\n"):
                    return
                offset += len(line)
                event = _parsed(line)
                if event is not None:
                    yield event, offset

    @property
    def status(self) -> str:
        """The status that the last line ends the run with, or empty while it is open."""
        if not self.path.is_file():
            return ""
        with self.path.open("rb") as handle:
            handle.seek(max(0, self.path.stat().st_size - _TAIL_BYTES))
            last = handle.read().rpartition(b"\n")[0].rpartition(b"\n")[2]
        event = _parsed(last)
        return str(event["status"]) if event and event["kind"] == "end" else ""

    @property
    def stage(self) -> str:
        """The stage that the run is about."""
        first = next(self.events(), None)
        return str(first[0].get("stage", "")) if first else ""

    def _append(self, kind: str, **facts: Any) -> bool:
        line = json.dumps({"kind": kind, "at_ms": int(time.time() * 1000), **facts}, default=_plain) + "\n"
        try:
            with self.path.open("ab") as handle:
                handle.write(line.encode())
        except OSError as error:  # a full disk, or another machine that does not have the folder
            self._complain(error)
            return False
        return True

    def _sync(self) -> None:
        try:
            with self.path.open("rb") as handle:
                os.fdatasync(handle.fileno())
        except OSError as error:
            self._complain(error)

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            print(f"the run's curve is not kept in {self.folder} ({error}); the work goes on", file=sys.stderr)
        self._complained = True


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "kind" in event else None


def _plain(value: Any) -> Any:
    """A read-only map as JSON can write it, anything else as its text."""
    return dict(value) if isinstance(value, Mapping) else str(value)
