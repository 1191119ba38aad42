"""Dates in the words of a report, in English, German and Spanish: where they are, and the same words some days earlier.

A date is moved where its reading is certain: whole dates, a month of a year, a year that a word calls one, days of the
week. What only may be a date, or lacks its year, cannot be moved and is said to be there.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from components.recipes.sources import DATE_ORDERS as ORDERS
from components.sources.names.lexicon import words

MONTHS: dict[str, tuple[str, ...]] = {
    "en": words("January February March April May June July August September October November December"),
    "de": words("Januar Februar März April Mai Juni Juli August September Oktober November Dezember"),
    "es": words("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"),
}
WEEKDAYS: dict[str, tuple[str, ...]] = {
    "en": words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday"),
    "de": words("Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag"),
    "es": words("lunes martes miércoles jueves viernes sábado domingo"),
}
_OTHERS = {
    **{
        "jänner": ("de", 1),
        "jan": ("de", 1),
        "maerz": ("de", 3),
        "mär": ("de", 3),
        "mrz": ("de", 3),
        "okt": ("de", 10),
        "jän": ("de", 1),
        "feber": ("de", 2),
        "febr": ("de", 2),
    },
    **{"dez": ("de", 12), "sept": ("en", 9), "setiembre": ("es", 9), "ene": ("es", 1), "abr": ("es", 4)},
    **{
        "mzo": ("es", 3),
        "agto": ("es", 8),
        "ago": ("es", 8),
        "dic": ("es", 12),
        "feb": ("en", 2),
        "mar": ("en", 3),
        "apr": ("en", 4),
        "jun": ("en", 6),
    },
    **{"jul": ("en", 7), "aug": ("en", 8), "sep": ("en", 9), "oct": ("en", 10), "nov": ("en", 11), "dec": ("en", 12)},
}
_MONTH_OF: dict[str, tuple[str, int]] = _OTHERS | {
    name.lower(): (language, number) for language, names in MONTHS.items() for number, name in enumerate(names, 1)
}
"""Name or abbreviation -> (the language that writes it, 1 to 12)."""
_WEEKDAY_OF = {
    name.lower(): (language, at) for language, names in WEEKDAYS.items() for at, name in enumerate(names)
} | {**{"sonnabend": ("de", 5), "miercoles": ("es", 2), "sabado": ("es", 5)}}


def _any_of(names: Sequence[str]) -> str:
    return "|".join(sorted(map(re.escape, names), key=len, reverse=True))


_YEAR = r"(?:19|20)\d\d"
_NAME = rf"(?P<name>{_any_of(list(_MONTH_OF))})\b\.?"
_NO_UNIT = r"(?!\s*(?:mm|cm|ml|cc|mg|g|kg|m|HU|UH|HE|ms|Hz|µ|%|x|×|mGy|mSv|MBq|kV|mAs|Gy|cells?|Zellen)\b|\s*[%×])"
_UNTIL = r"(?P<until>\b\d{1,2}\.?(?:st|nd|rd|th)?\s?(?:[-–/]|to|bis|and|und|y|al|a)\s?)"
"""`12.-14.03.2023`: its first day lacks what comes behind."""
_WORDED = (
    r"(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|(?:thir|four|fif|six|seven|eigh|nine)teenth"
    r"|twentieth|thirtieth|twenty[- ](?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)|thirty[- ]first)",
    r"(?:(?:(?:ein|zwei|drei|vier|fünf|sechs|sieben|acht|neun)und)?(?:zwanzig|dreißig|dreissig)st|ers|zwei|drit|vier|fünf|sechs|sieb(?:en)?|ach|neun|zehn|elf|zwölf"
    r"|(?:drei|vier|fünf|sech|sieb|acht|neun)zehn)t?e[nr]?",
    r"(?:primero|uno|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce|trece|catorce|quince|dieci\w{4,6}|veinte|veinti\w{3,6}|treinta(?: y uno)?)",
)
"""Days of a month in words: English, German, Spanish."""
_FEASTS = (
    r"\b(?:Christmas (?:Eve|Day)|Boxing Day|New Year['’]?s?['’]?(?: (?:Eve|Day))|Thanksgiving|Good Friday|Easter (?:Sunday|Monday|Saturday|weekend)|Whit (?:Sunday|Monday)"
    r"|Halloween|Independence Day|Labou?r Day|Memorial Day|Veterans Day|bank holiday|Ash Wednesday"
    r"|(?:at|over|around|before|after|since|by|until|this|last) (?:Christmas|Easter|Ramadan|Eid|Diwali|Hanukkah|Passover)"
    r"|Heilig(?:en |er )?abend|Silvester|Neujahr(?:stag)?|Karfreitag|Gründonnerstag|Oster(?:sonntag|montag|samstag)|Pfingst(?:sonntag|montag)|Himmelfahrt|Fronleichnam|Allerheiligen"
    r"|Rosenmontag|Aschermittwoch|Nikolaustag|Weihnachts(?:feier)?tag|(?:zu|an|über|vor|nach|seit|bis|um) (?:Weihnachten|Ostern|Pfingsten)"
    r"|Nochebuena|Nochevieja|(?<!árbol de )(?<!árboles de )Navidad(?:es)?|Año Nuevo|día de (?:Reyes|Navidad|la Inmaculada)|Semana Santa|(?:Jueves|Viernes|Sábado) Santo"
    r"|Domingo de (?:Ramos|Resurrección)|Lunes de Pascua|Todos los Santos)\b(?:,? (?:of |de |del )?(?:19|20)\d\d)?"
)
"""Days that have a name; each falls on one day of the year, or nearly."""
_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in {
        "week of the year": r"\bKW\s?\d{1,2}\b(?:\s?/\s?\d{2,4})?|\b\d{1,2}\.\s?(?:KW|Kalenderwoche)\b",
        "ymd": rf"(?<![\d.,/-])(?P<y>{_YEAR})(?P<s>[-./_])(?P<m>\d{{1,2}})(?P=s)(?P<d>\d{{1,2}})(?!\d|[.,/-]\d)",
        "dmy": rf"(?:{_UNTIL}|(?<![\d.,/-]))(?P<d>\d{{1,2}})(?P<s>\s?[./-]\s?)(?P<m>\d{{1,2}})(?P=s)(?P<y>{_YEAR}|['’]?\d\d)(?!\d|[.,/-]\d){_NO_UNIT}",
        "named": rf"(?:{_UNTIL}|(?<![\d.,/-]))(?P<d>\d{{1,2}})(?:st|nd|rd|th|\.?[º°ª]|er|ro)?\.?(?:\s*[-/]\s*|\s*(?:of\s+|de\s+)?){_NAME}(?:\s*[-/]\s*|,?\s*(?:of\s+|de\s+|del\s+)?)(?P<y>{_YEAR}|['’]?\d\d\b(?!:))",
        "american": rf"\b{_NAME}\s*(?:{_UNTIL})?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?:,\s*|\s+(?:of\s+|de\s+|del\s+)?)(?P<y>{_YEAR})",
        "worded": rf"\b(?:{'|'.join(_WORDED)}) (?:day )?(?:of |de )?(?-i:{_any_of([m for names in MONTHS.values() for m in names])}|jänner)\b(?:,? (?:of |de |del )?{_YEAR})?"
        rf"|\b(?-i:{_any_of(MONTHS['en'])}),? (?:the )?{_WORDED[0]}\b(?:,? {_YEAR})?",
        "feast": _FEASTS,
        "years": rf"\b{_YEAR}\s?[-–/]\s?(?:{_YEAR}|\d\d)\b(?![.,/-]\d){_NO_UNIT}",
        "month": rf"(?<![^\W\d_]){_NAME}[\s,/'’-]*(?:of\s+|de\s+|del\s+)?(?P<y>{_YEAR})",
        "my": rf"(?<![\d.,/-])(?P<m>0?[1-9]|1[0-2])(?P<s>[./-])(?P<y>{_YEAR})(?!\d|[.,/-]\d){_NO_UNIT}",
        "ym": rf"(?<![\d.,/-])(?P<y>{_YEAR})(?P<s>[/-])(?P<m>0[1-9]|1[0-2])(?!\d|[.,/-]\d){_NO_UNIT}",
        "roman": r"\b\d{1,2}(?P<s>\.\s?|[-/])(?:I{1,3}|I?V|VI{1,3}|I?X|XI{1,2})(?P=s)\d{2,4}\b",
        "spaced": rf"(?<![\d.,/-])(?:0?[1-9]|[12]\d|3[01]) (?:del? )?(?:0?[1-9]|1[0-2]) (?:del? )?{_YEAR}\b{_NO_UNIT}",
        "short year": r"\b(?:in|since|of|from|until|by|seit|en|del?|desde) ['’]\d\d\b|\b(?:año|Jahr|Jahre|year) ['’]?\d\d\b(?! ?(?:mm|cm|%))",
        "weekday and day": rf"\b(?:{_any_of(list(_WEEKDAY_OF))}),?\s+(?:(?:den|dem|the|el|día|der)\s+)?\d{{1,2}}(?:\.\d{{1,2}}\.?|/\d{{1,2}}|-\d{{1,2}}|\.|st|nd|rd|th)?(?!\d|[.,:/]\d|\s*(?:mm|cm|Uhr|h\b|am\b|pm\b|x\b))",
        "yearless": rf"\b(?-i:May) (?:the )?\d{{1,2}}(?:st|nd|rd|th)\b|(?<=on )(?-i:May) \d{{1,2}}\b|(?<![\d.,])\d{{1,2}}\.(?:0?[1-9]|1[0-2])\.(?=[,;)]| (?-i:[a-zäöü]))(?!\s*(?:mm|cm)\b)|(?<![\d.,])\d{{1,2}}(?:st|nd|rd|th)?\.?\s*[-/]?\s*(?:of\s+|de\s+)?(?P<name>{_any_of([m for m in _MONTH_OF if m != 'mar'])})\b"
        rf"|\b(?P<first>{_any_of([m for m in _MONTH_OF if m not in ('mar', 'may')])})\.?\s+(?:the\s+)?\d{{1,2}}(?:st|nd|rd|th)?\b(?![.,]\d){_NO_UNIT}",
        "cued": r"\b(?:on|dated|since|until|by|prior|previous|before|after|again|study|exam|film|scan|CT|MRI|MRT|TC|RM|rx|X-ray|done|seen|admitted|discharged|discharge|surgery|biopsy|repeat|visit|follow[- ]up|from"
        r"|am|vom|bis|seit|zum|datiert|ab|Termin|Aufnahme|OP|Entlassung|Kontrolle|Voraufnahme|wk of|week of|month of|eingriff|el|del|desde|hasta|día|fecha|cita|visto|vista|previo|previa|ingreso|alta|control|date|datum)\.?[:,\s]+(?:the\s+|dem\s+|den\s+|de\s+|el\s+|día\s+)?"
        rf"(?:0?[1-9]|[12]\d|3[01])\s?[./-]\s?(?:0?[1-9]|1[0-2]|[12]\d|3[01])(?!\d|[.,/-]\d)\.?{_NO_UNIT}",
        "day": r"\bon the \d{1,2}(?:st|nd|rd|th)(?=\s*(?:[.,;)]|$|at\b|and\b))|\bam \d{1,2}\.(?=\s*(?:[,;)]|$|um\b|wurde\b))|\b(?:seit dem|bis zum|ab dem|vom|zum) \d{1,2}\.(?=\s*(?:[,;)]|$))|\b(?:since|until|by|from) the \d{1,2}(?:st|nd|rd|th)(?=\s*(?:[.,;)]|$))|\bel día \d{1,2}\b"
        r"|\b\d{1,2}(?:st|nd|rd|th)? (?:inst|ult)\b\.?|\b\d{1,2}\.\s?d(?:\.|ieses)\s?M(?:\.|ts\.|onats)|\b\d{1,2} del? (?:los )?corrientes?\b|\b(?:\d{1,2}(?:st|nd|rd|th)?) of (?:this|last) month\b",
        "month alone": rf"\b(?:(?:since|last|next|until|during|seit|ab|im|bis|Anfang|Ende|Mitte|letzten|desde|hasta|pasado)\s+(?:de\s+|mes de\s+)?|(?:in|en)\s+)(?:early |late |mid[ -])?(?P<name>{_any_of([m for names in MONTHS.values() for m in names if m != 'May'] + ['Jänner'])})\b"
        r"|\b(?i:since|last|next|in|until|during) (?-i:May)\b",
        "weekday shortened": r"\b(?:on|until|by|since|last|next|this) (?-i:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)\b\.?",
        "weekday": rf"\b(?P<name>{_any_of(list(_WEEKDAY_OF))})(?=s?\b|morgen|abend|nacht|nachmittag|vormittag|mittag)",
        "year": rf"\b(?:(?:in|since|of|from|until|till|before|after|during|by|year|im Jahre?|Jahre?|seit|von|vom|bis|ab|aus|anno|vor|nach|en|desde|de|del|año|hasta|early|late|mid)[ -]+|[({{\[]\s*|study |exam |CT |MRI |MRT |TC |RM )(?P<y>{_YEAR})\b(?![.,/-]\d|[a-z]){_NO_UNIT}",
        "number": rf"(?<![\d.,/×x-])(?<!x )(?<!× ){_YEAR}(?:er|s)?\b(?![.,/-]\d|\s?[-–]\s?\d{{1,3}}\b){_NO_UNIT}",
    }.items()
)
_EDITIONS = re.compile(
    r"(?:WHO|TNM|RADS|Fleischner|Lugano|Atlanta|McDonald|FIGO|ESC|AHA|ACR|ESUR|guidelines?|criteria|classification|edition"
    r"|Leitlinien?|Klassifikation|Kriterien|clasificación|criterios|guías?)[,:]?\s*(?:\w{1,9}\s+){0,2}$",
    re.IGNORECASE,
)
"""`WHO 2016`: what stands before the year of a rule, not of an examination."""


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
    for kind, pattern in _FORMS:
        for match in pattern.finditer(text):
            if any(match.start() < known.end and known.start < match.end() for known in taken):
                continue
            if kind == "number" and _EDITIONS.search(text[max(0, match.start() - 40) : match.start()]):
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


def _order_of(text: str) -> str:
    """How the text's own certain dates are ordered; empty where none is certain, or they disagree."""
    pairs = [(int(m["d"]), int(m["m"])) for m in dict(_FORMS)["dmy"].finditer(text) if "." not in m["s"]]
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
        number = int(groups["m"]) if groups.get("m") else _MONTH_OF[match["name"].lower()][1]
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
    second = int(groups["m"]) if groups.get("m") else _MONTH_OF[groups["name"].lower()][1]
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
    language, _ = _MONTH_OF[old.lower()]
    whole = old.lower() in (name.lower() for name in MONTHS[language])
    name = MONTHS[language][number - 1]
    return _cased(name if whole else name[:3], old)


def _weekday(old: str) -> Callable[[timedelta], str]:
    language, at = _WEEKDAY_OF[old.lower()]
    return lambda shift: _cased(WEEKDAYS[language][(at - shift.days) % 7], old)


def _cased(word: str, like: str) -> str:
    if like.isupper():
        return word.upper()
    return word.lower() if like.islower() else word.capitalize()
