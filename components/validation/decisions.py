"""What a curator decided about single records: data/decisions/<source>.jsonl, one JSON object a line."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from components.storage.atomic import write_text


@dataclass(frozen=True, kw_only=True, slots=True)
class CuratorDecision:
    """A record to keep in spite of the suite, or to leave out in spite of it. The last decision on an id holds."""

    id: str
    decision: Literal["accept", "reject"]
    by: str
    reason: str
    at: str = ""
    """Moment of the decision, ISO 8601 in UTC; empty where it is not known."""


def read_decisions(path: Path) -> dict[str, CuratorDecision]:
    """Record id -> decision; empty without a file. Raises ValueError naming the line that is not one."""
    if not path.is_file():
        return {}
    found: dict[str, CuratorDecision] = {}
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            decision = CuratorDecision(**json.loads(line))
        except (json.JSONDecodeError, TypeError) as error:
            raise ValueError(
                f"{path} line {number} is no decision ({error}); `unimed data review` writes them"
            ) from None
        if decision.decision not in ("accept", "reject"):
            raise ValueError(f"{path} line {number}: decision is {decision.decision!r}; accept or reject")
        found[decision.id] = decision
    return found


def add_decision(path: Path, decision: CuratorDecision) -> None:
    """Append the decision to the file, atomically."""
    before = path.read_text() if path.is_file() else ""
    line = {name: getattr(decision, name) for name in ("id", "decision", "by", "reason", "at")}
    write_text(path, before + json.dumps(line, ensure_ascii=False) + "\n")
