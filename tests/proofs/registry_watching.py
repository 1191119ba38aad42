"""Who watches the proof `registry` without a line of ours: SQL alone, for the log and for MLflow's alias."""

import hashlib
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import psycopg

ROWS = "SELECT sequence, body, hash FROM unimed_decisions ORDER BY sequence"
ALIAS = "SELECT version FROM registered_model_aliases WHERE name = 'unimed' AND alias = 'champion'"
HOLDER = (
    "SELECT a.pid, a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' "
    "AND l.granted AND a.application_name ~ '^unimed (promote|rollback|decide|carry)'"
)


@dataclass
class Watch:
    """What was seen, and what of it may not be."""

    database: str
    """PostgreSQL's address for psycopg."""
    mlflow: str
    polls: int = 0
    behind: int = 0
    """Polls in which the alias was still the one of the entry before: a command was between log and alias."""
    champions: int = 0
    wrong: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    """Holders of the lease whose sessions were ended."""
    _rows: list[tuple[int, str, str]] = field(default_factory=list)

    def keep_looking(self, stop: threading.Event, every: float = 0.1) -> None:
        with psycopg.connect(self.database, autocommit=True) as session:
            while not stop.is_set():
                self.look(session)
                time.sleep(every)

    def look(self, session: "psycopg.Connection[Any]") -> None:
        """One poll: the log, the alias, the log again. The alias is the champion of an entry between those two moments, or
        of the one before, while a command is on its way from log to alias."""
        before = self._log(session)
        alias = champion_alias(self.mlflow)
        after = self._log(session)
        allowed = [champion_after(self._rows[:length]) for length in range(max(before - 1, 1), after + 1)]
        self.polls += 1
        self.behind += alias != champion_after(self._rows)
        if alias not in allowed:
            self.wrong.append(f"alias {alias} while the log's {before} to {after} entries say {allowed}")

    def _log(self, session: "psycopg.Connection[Any]") -> int:
        """Read the log, which may only have grown; its length."""
        rows = session.execute(ROWS).fetchall()
        if rows[: len(self._rows)] != self._rows:
            self.wrong.append(f"the log's first {len(self._rows)} entries are no longer what they were")
        self._rows = [(int(sequence), str(body), str(written)) for sequence, body, written in rows]
        return len(rows)

    def end_holders(self, stop: threading.Event, most: int, every: float) -> None:
        """Now and then end the session that holds the lease."""
        with psycopg.connect(self.database, autocommit=True) as session:
            while not stop.is_set() and len(self.ended) < most:
                found = session.execute(HOLDER).fetchone()
                if found is not None:
                    session.execute("SELECT pg_terminate_backend(%s)", (found[0],))
                    self.ended.append(str(found[1]))
                    stop.wait(every)
                time.sleep(0.02)

    def chain(self) -> list[tuple[int, str, str]]:
        """The log's rows, after its chain was checked by hand."""
        with psycopg.connect(self.database, autocommit=True) as session:
            self._log(session)
        previous = "0" * 64
        for place, (sequence, body, written) in enumerate(self._rows, start=1):
            entry = json.loads(body)
            if sequence != place or entry["previous_hash"] != previous:
                self.wrong.append(f"entry {sequence} does not follow the one before")
            if hashlib.sha256(body.encode()).hexdigest() != written:
                self.wrong.append(f"entry {sequence} is not what its hash says")
            previous = written
        return self._rows


def champion_after(rows: list[tuple[int, str, str]]) -> int | None:
    """The champion that a log leaves, by its last promotion or rollback."""
    named = (json.loads(body) for _, body, _ in reversed(rows))
    return next((entry["version"] for entry in named if entry["action"] in ("promote", "rollback")), None)


def champion_alias(mlflow: str) -> int | None:
    """The version that bears the alias, as MLflow's table has it."""
    with psycopg.connect(mlflow, autocommit=True) as session:
        found = [int(row[0]) for row in session.execute(ALIAS).fetchall()]
    assert len(found) <= 1, found
    return found[0] if found else None
