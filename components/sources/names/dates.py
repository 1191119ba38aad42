"""Dates in the words of a report, in English, German and Spanish: where they are, and the same words some days earlier.

A date is moved where its reading is certain: whole dates, a month of a year, a year that a word calls one, days of the
week. What only may be a date, or lacks its year, cannot be moved and is said to be there.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from components.recipes.sources import DATE_ORDERS as ORDERS
from components.sources.names.calendar_words import MONTH_OF, MONTHS, WEEKDAY_OF, WEEKDAYS
from components.sources.names.date_forms import (
    COUNTED_BEFORE,
    COUNTED_BEHIND,
    EDITION_BEHIND,
    EDITIONS,
    FORMS,
    MONTH,
    NEED_A_MONTH,
    WITHOUT_DIGITS,
)


@dataclass(frozen=True, slots=True)
class Found:
    """A date in a text."""

    start: int
    end: int
    moved: Callable[[timedelta], str] | None
    """The words in its place that say it so much earlier; None where it cannot be moved."""


def dates(text: str, *, language: str = "en", order: str = "") -> list[Found]:
    """The dates of the text, in order and without overlap. `order` says what 03/04/2023 is: 'day first' or 'month first';
    without it the language says, or other dates of the text do; else it is not certain."""
    order = order or ("day first" if language in ("de", "es") else _order_of(text))
    taken: list[Found] = []
    has_month, has_digit = bool(MONTH.search(text)), any(map(str.isdigit, text))
    for kind, pattern in FORMS:
        if not ((has_month or kind not in NEED_A_MONTH) and (has_digit or kind in WITHOUT_DIGITS)):
            continue
        for match in pattern.finditer(text):
            if any(match.start() < known.end and known.start < match.end() for known in taken):
                continue
            if _is_other(kind, match, text):
                continue
            taken += _read(kind, match, order)
    return sorted(taken, key=lambda found: found.start)


def moved(text: str, found: Sequence[Found], shift: timedelta) -> tuple[str, Callable[[int], int]]:
    """The text with its dates so much earlier, and where a place of it has gone."""
    parts, at, places = [], 0, [(0, 0)]
    for each in found:
        if each.moved is None:
            continue
        parts += [text[at : each.start], each.moved(shift)]
        at = each.end
        places.append((at, sum(map(len, parts))))
    parts.append(text[at:])

    def place(old: int) -> int:
        before, after = next((pair for pair in reversed(places) if pair[0] <= old), (0, 0))
        return after + old - before

    return "".join(parts), place


def _is_other(kind: str, match: re.Match[str], text: str) -> bool:
    """Whether what stands beside the numbers says that they are an edition or count something."""
    before = text[max(0, match.start() - 40) : match.start()]
    if kind == "number":
        return bool(EDITIONS.search(before) or EDITION_BEHIND.match(text, match.end()))
    return kind == "pair" and bool(COUNTED_BEFORE.search(before) or COUNTED_BEHIND.match(text, match.end()))


def _order_of(text: str) -> str:
    """How the text's own certain dates are ordered; empty where none is certain, or they disagree."""
    pairs = [(int(m["d"]), int(m["m"])) for m in dict(FORMS)["dmy"].finditer(text) if "." not in m["s"]]
    orders = {ORDERS[first <= 12] for first, second in pairs if (first > 12) != (second > 12)}
    return orders.pop() if len(orders) == 1 else ""


def _read(kind: str, match: re.Match[str], order: str) -> Iterator[Found]:
    """The date that the match is; nothing where its numbers can be none."""
    start, end = match.span()
    groups = match.groupdict()
    if groups.get("until"):
        yield Found(start, end, None)
        return
    if kind in ("ymd", "dmy", "named", "american"):
        day = _whole(kind, groups, order)
        if day == "no date":
            return
        yield Found(start, end, _rewritten(match, day) if day else None)
    elif kind in ("month", "my", "ym"):
        number = int(groups["m"]) if groups.get("m") else MONTH_OF[match["name"].lower()][1]
        yield Found(start, end, _rewritten(match, date(int(match["y"]), number, 15)))
    elif kind == "year":
        yield Found(match.start("y"), end, _rewritten(match, date(int(match["y"]), 7, 1), only="y"))
    elif kind == "weekday":
        yield Found(start, end, _weekday(match["name"]))
    else:
        yield Found(start, end, None)


def _whole(kind: str, groups: dict[str, str], order: str) -> "date | str | None":
    """The day; None where it is not certain which; 'no date' where it is none."""
    first = int(groups["d"])
    second = int(groups["m"]) if groups.get("m") else MONTH_OF[groups["name"].lower()][1]
    year = _full_year(groups["y"])
    if kind != "dmy" or "." in groups["s"]:
        return _day(year, second, first) or "no date"
    readings = {ORDERS[0]: _day(year, second, first), ORDERS[1]: _day(year, first, second)}
    known = {name: day for name, day in readings.items() if day}
    if not known:
        return "no date"
    if len(known) == 1 or first == second:
        return next(iter(known.values()))
    return known.get(order)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _full_year(text: str) -> int:
    """Of two digits, the year that a report of this century speaks of."""
    digits = text.strip("'’")
    if len(digits) == 4:
        return int(digits)
    return int(digits) + (2000 if int(digits) < 50 else 1900)


def _rewritten(match: re.Match[str], day: "date | str", only: str = "") -> Callable[[timedelta], str]:
    """Writes the match of an earlier day, in its own form."""
    assert isinstance(day, date)
    groups = match.groupdict()
    swapped = (
        bool(groups.get("d") and groups.get("m")) and int(groups["m"]) != day.month and int(groups["d"]) == day.month
    )

    def write(shift: timedelta) -> str:
        new = day - shift
        values = {"d": new.month if swapped else new.day, "m": new.day if swapped else new.month, "y": new.year}
        text, start = match.group(), match.start()
        if only:
            text, start = match[only], match.start(only)
        for name in sorted(
            (n for n, v in groups.items() if v and n in ("d", "m", "y", "name")), key=match.start, reverse=True
        ):
            if only and name != only:
                continue
            old = match[name]
            if name == "name":
                said = _month(old, new.month)
            elif name == "y":
                said = str(new.year) if len(old) == 4 else old[:-2] + f"{new.year % 100:02}"
            else:
                said = f"{values[name]:0{len(old) if old.startswith('0') or len(old) == 2 else 1}}"
            text = text[: match.start(name) - start] + said + text[match.end(name) - start :]
        return text

    return write


def _month(old: str, number: int) -> str:
    language, _ = MONTH_OF[old.lower()]
    whole = old.lower() in (name.lower() for name in MONTHS[language])
    name = MONTHS[language][number - 1]
    return _cased(name if whole else name[:3], old)


def _weekday(old: str) -> Callable[[timedelta], str]:
    language, at = WEEKDAY_OF[old.lower()]
    return lambda shift: _cased(WEEKDAYS[language][(at - shift.days) % 7], old)


def _cased(word: str, like: str) -> str:
    if like.isupper():
        return word.upper()
    return word.lower() if like.islower() else word.capitalize()
