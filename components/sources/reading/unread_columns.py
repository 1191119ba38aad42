"""Columns that say something of an image and that nobody reads: refused where a row says nothing else, else counted."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from components.images.limits import LeftOutError
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.columns import ReadRow, is_empty, names_picture, plain

_TELLS = frozenset(
    [
        "caption",
        "captions",
        "text",
        "texts",
        "question",
        "questions",
        "answer",
        "answers",
        "qa",
        "vqa",
        "report",
        "reports",
        "finding",
        "findings",
        "impression",
        "impressions",
        "description",
        "descriptions",
        "narrative",
        "diagnosis",
        "diagnoses",
        "dialogue",
        "dialog",
        "conversation",
        "rationale",
        "explanation",
        "reasoning",
    ]
)
"""Words in the names of columns that say something of an image."""
_COUNTS = frozenset(
    [
        "id",
        "ids",
        "uid",
        "path",
        "file",
        "url",
        "source",
        "type",
        "count",
        "number",
        "lang",
        "language",
        "length",
        "tokens",
        "score",
    ]
)
"""Beside such a word the column says something of that."""
_CLASSES = ("labels", "classes", "category", "categories", "class_name", "class_label")
_MARKS = re.compile(
    r"shapes|objects|annotations?|(?:bounding_?)?box(?:es)?|bbox(?:es)?|masks?|segmentations?|polygons?"
)


@dataclass(frozen=True, slots=True)
class UnreadColumns:
    """The columns of one table that rows were read past."""

    _rows: Counter[str] = field(default_factory=Counter)
    _fixes: dict[str, str] = field(default_factory=dict)

    def note(self, row: ReadRow) -> None:
        """Count the filled columns of a row that became a record without being asked for them."""
        for column, value in row.items():
            if column in row.asked or isinstance(value, bool) or is_empty(value) or names_picture(column):
                continue
            if fix := advice(plain(column), value):
                self._rows[column] += 1
                self._fixes.setdefault(column, fix)

    def items(self, delivery: Delivery, name: str) -> Iterator[Item]:
        """An item for each of them, filtered, with the number of rows that it is filled in."""
        for column, count in sorted(self._rows.items()):
            what = f"{column!r}, filled in {count} of the rows that were read, says something that is not read"
            yield delivery.unreadable(
                f"{name}:{column}", LeftOutError("unread column", f"{what}; {self._fixes[column]}, or take it out")
            )


def advice(name: str, value: object) -> str:
    """What to do about a column of that name, where it is all that a row says of its image; empty for any other."""
    words = set(name.split("_"))
    if _MARKS.fullmatch(name):
        return "boxes and masks are read from files of their own (--format coco, voc, yolo or labelme)"
    if name in _CLASSES:
        return "name it label"
    if words & _TELLS and not words & _COUNTS:
        return "name it caption, or ask for it in a column question and name it answer"
    holds_objects = isinstance(value, list) and any(isinstance(part, Mapping) for part in value)
    return "deliver each of its objects as a row" if holds_objects else ""
