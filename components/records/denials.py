"""Whether a text says that something is there: what English reports deny, in sentences and in forms ('Effusion: absent'),
and where the denial ends."""

import re

_STATEMENT = re.compile(r"(?:\.(?!\d)|[;!\n])+|\b(?:but|however|although|except)\b")
_SEPARATOR = re.compile(r"([:=|?\t])")
"""Between a label and its value, or a question and its answer."""
_OPEN_LABEL = re.compile(r"([:=])\s*\n\s*")
"""The value stands below its label."""
_SIDED = re.compile(r"([:=,]\s*(?:left|right))\s*:")
"""A side that begins a value is part of it."""
_DENIAL = re.compile(
    r"\b(?:no(?! (?:\w+ ){0,2}(?:change|increase|decrease|progression)\b)|not(?! only\b| (?:\w+ )?(?:un)?changed\b)|without|never|none|absence of|"
    r"negative for|free of|rather than)\b"
)
_DENIED_AFTER = re.compile(
    r"\b(?:absent|resolved|excluded|ruled out|unlikely|not (?:seen|visible|identified|present|detected|evident))\b"
)
_UNASKED = r"n/?a|unknown|(?:not|cannot be) (?:assessed|evaluated|examined|reported|applicable)"
_NOTHING = (
    r"no|none|nil|nothing|absent|absence|negative|false|0|normal\b[^,]*|clear|excluded|resolved|ruled out|unlikely"
    rf"|not (?:seen|visible|identified|present|detected|evident|noted|demonstrated)|{_UNASKED}"
)
_WHERE = r"(?:seen|visible|identified|present|detected|evident|noted|evidence|signs?|at all|bilaterally|(?:on|in|at|for|of)\b.*)"
_SIDE = r"(?:on the |in the )?(?:left|right|both|either|bilateral(?:ly)?)(?: sides?)?"
_IS_NOTHING = re.compile(rf"\W*(?:{_SIDE}\b\W*)?(?:{_NOTHING})(?:\W+(?:{_SIDE}|{_WHERE}))*\W*")
_BEGINS_WITH_SIDE = re.compile(rf"\W*{_SIDE}\b")
_NOTHING_BESIDE = re.compile(rf"(?:^|[-–—(\[])\s*(?:{_NOTHING}|[-–])\s*[)\]]?\s*(?:,|$)|^\s*[(\[]\s*[)\]]")
"""After what is named, up to the end: 'effusion none', 'effusion - absent', 'effusion (-)'."""
_YES, _FALSE = re.compile(r"\W*(?:true|yes|1)\W*"), re.compile(r"\W*(?:false|0)\W*")


def affirms(text: str, named: re.Pattern[str]) -> bool:
    """Whether a statement of the text, in lower case, names what `named` finds without denying it."""
    plain = _SIDED.sub(r"\1", _OPEN_LABEL.sub(r"\1 ", text))
    return any(
        _is_so(label, found, mark, value, named)
        for statement in _STATEMENT.split(plain)
        for label, mark, value in _labelled(statement)
        for found in named.finditer(label)
    )


def _labelled(statement: str) -> list[tuple[str, str, str]]:
    """(what is said or asked, the mark after it, its value) of each part of a statement; the last part has neither."""
    parts = _SEPARATOR.split(statement)
    marks = [*parts[1::2], ""]
    labels, values = parts[::2], [*parts[2::2], ""]
    for number, mark in enumerate(marks[1:], start=1):
        if mark in (":", "="):
            # 'pneumothorax: none, effusion: small': the value ends where the next label begins.
            values[number - 1], _, labels[number] = values[number - 1].rpartition(",")
    return list(zip(labels, marks, values, strict=True))


def _is_so(label: str, found: re.Match[str], mark: str, value: str, named: re.Pattern[str]) -> bool:
    """Whether what was found in the label is there by the label's own words and by its value."""
    after = label[found.end() :]
    is_denied = any(
        (_DENIAL.search(label[: found.start()]), _DENIED_AFTER.search(after), _NOTHING_BESIDE.search(after))
    )
    if not mark or _YES.fullmatch(value):
        return not is_denied
    if _FALSE.fullmatch(value):
        return is_denied
    is_form = label.strip() == found[0]
    if is_denied or not value.strip() or (is_form and _DENIAL.match(value.strip())):
        return False
    return not _is_nothing(value, named)


def _is_nothing(value: str, named: re.Pattern[str]) -> bool:
    """Whether a value denies its label, on each side that it speaks of: 'none', 'no effusion', 'left none, right none'."""
    first, *others = value.split(",")
    parts = [first, *filter(_BEGINS_WITH_SIDE.match, others)]
    return all(_IS_NOTHING.fullmatch(part) or _names_denied(part, named) for part in parts)


def _names_denied(part: str, named: re.Pattern[str]) -> bool:
    return named.search(part) is not None and not affirms(part, named)
