"""Labels of more files than memory is meant for: in a database on disk that is gone with the process."""

import sqlite3
from collections.abc import Iterator, Mapping


class StoredLabels(Mapping[str, Mapping[str, str]]):
    """File, folder or '*' -> fact -> value, looked up on disk. Of two rows about one fact the later holds."""

    def __init__(self) -> None:
        # Without a name SQLite makes a file of its own, and takes it away when the connection ends.
        self._database = sqlite3.connect("", check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute(
            "CREATE TABLE labels (file TEXT, fact TEXT, value TEXT, place INTEGER, PRIMARY KEY (file, fact)) WITHOUT ROWID"
        )

    def put(self, place: int, file: str, fact: str, value: str) -> None:
        """Keep what the row at that place says."""
        self._database.execute(
            "INSERT INTO labels VALUES (?, ?, ?, ?) ON CONFLICT (file, fact) DO UPDATE SET value = excluded.value",
            (file, fact, value, place),
        )

    def __getitem__(self, file: str) -> Mapping[str, str]:
        rows = self._database.execute(
            "SELECT fact, value FROM labels WHERE file = ? ORDER BY place", (file,)
        ).fetchall()
        if not rows:
            raise KeyError(file)
        return dict(rows)

    def __iter__(self) -> Iterator[str]:
        return (file for (file,) in self._database.execute("SELECT DISTINCT file FROM labels ORDER BY file"))

    def __bool__(self) -> bool:
        return self._database.execute("SELECT 1 FROM labels LIMIT 1").fetchone() is not None

    def __len__(self) -> int:
        return int(self._database.execute("SELECT COUNT(DISTINCT file) FROM labels").fetchone()[0])
