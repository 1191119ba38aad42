"""One live display of a run, drawn from the flow's journal and the stages' progress files, whoever started it."""

import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from components.storage.workspace import Workspace
from flows.cli.output import console, seconds_text, speed_text
from flows.following import Follower, StageView
from flows.journal import read_journal

REFRESH_SECONDS = 0.25
PLAIN_SECONDS = 20.0
"""Without a terminal, a running stage says where it is this often."""
SPEED_SECONDS = 2.0
"""A speed is shown after this long."""

SIGNS = {"waiting": " ", "running": "▸", "done": "✓", "unchanged": "·", "failed": "✗", "interrupted": "‖"}


@dataclass(slots=True)
class Row:
    """A stage as the display shows it."""

    stage: str
    state: str = "waiting"
    began_at: float = 0.0
    seconds: float = 0.0
    view: StageView | None = None

    def text(self) -> str:
        """Message and metrics in one line."""
        if self.state == "unchanged":
            return "nothing it reads changed"
        if self.view is None or self.state == "waiting":
            return ""
        if self.state == "done":
            return ""
        numbers = " ".join(f"{name} {value:.4g}" for name, value in self.view.metrics.items())
        parts = (self.view.message, numbers, self._speed(self.view))
        return " · ".join(part for part in parts if part and part != "started")

    def _speed(self, view: StageView) -> str:
        """How fast it counts and how long it will take, once it has counted for a while."""
        if self.state != "running" or view.at - view.counted_at < SPEED_SECONDS or not view.per_second:
            return ""
        left = view.seconds_left
        return speed_text(view.per_second) + (f", {seconds_text(left)} left" if left else "")

    def share(self) -> float | None:
        """Part done, 0 to 1; None when the stage does not count."""
        if self.state in ("done", "unchanged"):
            return 1.0
        if self.view is None or not self.view.total:
            return None
        return min(1.0, self.view.done / self.view.total)


@dataclass(slots=True)
class Picture:
    """The rows of a run, brought up to date on each look."""

    workspace: Workspace
    since: float
    rows: dict[str, Row] = field(default_factory=dict)
    follower: Follower | None = None

    def look(self) -> dict[str, Row]:
        """Read the journal and the progress files."""
        self.follower = self.follower or Follower(self.workspace.progress, since=self.since)
        views = self.follower.poll()
        for line in read_journal(self.workspace):
            if line["event"] == "plan":
                for name in (*line.get("stages", ()), "register", "decide"):
                    self.rows.setdefault(name, Row(name))
                continue
            row = self.rows.setdefault(line["stage"], Row(line["stage"]))
            if line["event"] == "begin":
                row.state, row.began_at = "running", float(line["at"])
            else:
                row.state = str(line.get("state", "done"))
                row.seconds = float(line.get("seconds", line["at"] - row.began_at))
        for name, view in views.items():
            # The gate predicts both sides through the same door; that is part of deciding.
            home = name if name in self.rows else "decide" if name.startswith("predict-exam") else ""
            if home:
                self.rows[home].view = view
        return self.rows


class Display:
    """Shows a run while the block runs: a live table on a terminal, else a line at each beginning and end."""

    def __init__(self, workspace: Workspace, *, enabled: bool = True) -> None:
        self.picture = Picture(workspace, since=time.time())
        self.enabled = enabled
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="display")

    def __enter__(self) -> "Display":
        if self.enabled:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        if self.enabled:
            self._thread.join(timeout=3)

    def _run(self) -> None:
        if sys.stderr.isatty():
            self._live()
        else:
            self._plain()

    def _live(self) -> None:
        from rich.live import Live

        with Live(console=console(stderr=True), refresh_per_second=4, transient=False) as live:
            while not self._end.wait(REFRESH_SECONDS):
                live.update(live_table(self.picture.look()))
            live.update(live_table(self.picture.look()))

    def _plain(self) -> None:
        said: dict[str, tuple[str, float]] = {}
        while True:
            ended = self._end.wait(REFRESH_SECONDS)
            for line in plain_lines(self.picture.look(), said, time.monotonic()):
                print(line, file=sys.stderr, flush=True)
            if ended:
                return


def plain_lines(rows: dict[str, Row], said: dict[str, tuple[str, float]], now: float) -> list[str]:
    """What to say since the last call: stages that changed their state, and now and then where a running one is."""
    lines = []
    for row in rows.values():
        before, at = said.get(row.stage, ("waiting", now))
        if row.state != before:
            took = f" in {seconds_text(row.seconds)}" if row.state in ("done", "failed") else ""
            lines.append(f"{row.stage}: {row.state}{took}")
        elif row.state == "running" and now - at >= PLAIN_SECONDS:
            share = row.share()
            lines.append(f"{row.stage}: {'' if share is None else f'{share:.0%} '}{row.text()}".rstrip())
        else:
            continue
        said[row.stage] = (row.state, now)
    return lines


def live_table(rows: dict[str, Row]) -> Any:
    """The rich table of all stages."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 1))
    for row in rows.values():
        running = row.state == "running"
        style = {"running": "bold", "waiting": "dim", "unchanged": "dim", "failed": "red"}.get(row.state, "")
        seconds = time.time() - row.began_at if running else row.seconds
        share = row.share()
        bar: Any = ""
        if running:
            bar = ProgressBar(
                total=1.0, completed=share or 0.0, width=24, pulse=share is None, animation_time=time.time()
            )
        table.add_row(
            Text(SIGNS.get(row.state, "?"), style=style),
            Text(row.stage, style=style),
            Text(seconds_text(seconds) if seconds >= 0.5 else "", style=style, justify="right"),
            bar,
            Text(row.text(), style="dim", overflow="ellipsis", no_wrap=True),
        )
    return table
