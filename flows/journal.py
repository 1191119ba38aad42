"""What the flow itself leaves in .unimed: its stages' beginnings and ends, and how long each took the last time."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.storage.atomic import write_json
from components.storage.workspace import Workspace


def journal_path(workspace: Workspace) -> Path:
    """Lines {at, stage, event: begin|end|plan, state, seconds} of the latest run."""
    return workspace.private / "flow.jsonl"


def begin_journal(workspace: Workspace, plan: Mapping[str, Any]) -> None:
    """Start the journal of a new run with what it means to do."""
    journal_path(workspace).parent.mkdir(parents=True, exist_ok=True)
    journal_path(workspace).write_text("")
    record(workspace, "", "plan", **plan)


def record(workspace: Workspace, stage: str, event: str, **more: Any) -> None:
    """Append a line; short enough that the kernel writes it whole."""
    with journal_path(workspace).open("a") as handle:
        handle.write(json.dumps({"at": time.time(), "stage": stage, "event": event, **more}) + "\n")


def read_journal(workspace: Workspace) -> list[dict[str, Any]]:
    """The lines of the latest run, oldest first; empty before the first."""
    path = journal_path(workspace)
    lines = path.read_text().splitlines() if path.is_file() else []
    found = []
    for line in lines:
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return found


def stage_seconds(workspace: Workspace) -> dict[str, float]:
    """Stage -> seconds of the last time that it did its work here."""
    path = _seconds_path(workspace)
    if not path.is_file():
        return {}
    try:
        return {str(name): float(value) for name, value in json.loads(path.read_text()).items()}
    except (json.JSONDecodeError, AttributeError, TypeError):
        return {}


def keep_seconds(workspace: Workspace, seconds: Mapping[str, float]) -> None:
    """Remember these, beside what is known of the other stages."""
    write_json(_seconds_path(workspace), stage_seconds(workspace) | {k: round(v, 1) for k, v in seconds.items()})


def _seconds_path(workspace: Workspace) -> Path:
    return workspace.private / "stage-seconds.json"
