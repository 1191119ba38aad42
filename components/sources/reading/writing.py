"""What seems to be written in an image of a private source holds it. Verdicts are remembered by the image's pixels: a second
validation looks at none again."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.images.limits import ImageError
from components.images.png import pixels_sha256
from components.images.writing import Writing, find_writing, way_of_looking
from components.sources.delivery_folder import Delivery

NAME = "writing.db"
"""In the workspace's .unimed."""


def refuse_writing(delivery: Delivery, pixels: NDArray[np.uint8], where: str) -> None:
    """Raise ImageError, reason 'burned-in text', where anything seems to be written in the image; `where` names it."""
    if found := known_writing(delivery.private, pixels):
        raise ImageError(
            "burned-in text",
            f"{where} shows {found.how} at {found.box}; look at it, then say `burned_in,no` or give `crop` in labels.csv",
        )


def known_writing(private: Path | None, image: NDArray[np.uint8]) -> Writing | None:
    """What `find_writing` finds; looked up in the folder where an equal image was looked at in the same way."""
    if private is None:
        return find_writing(image)
    key, way = pixels_sha256(image), way_of_looking()
    with _opened(private / NAME) as database:
        row = database.execute("SELECT found FROM seen WHERE pixels = ? AND way = ?", (key, way)).fetchone()
    if row:
        known = json.loads(row[0])
        return Writing(tuple(known[0]), known[1]) if known else None
    found = find_writing(image)
    with _opened(private / NAME) as database:
        database.execute("INSERT OR REPLACE INTO seen VALUES (?, ?, ?)", (key, way, json.dumps(found)))
    return found


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=60)) as database, database:
        # A verdict that is lost with the power is found again by looking.
        database.execute("PRAGMA synchronous = OFF")
        database.execute("CREATE TABLE IF NOT EXISTS seen (pixels TEXT PRIMARY KEY, way TEXT, found TEXT)")
        yield database
