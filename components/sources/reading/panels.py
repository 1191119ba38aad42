"""Whether an article's caption speaks of several panels, and of which."""

import re

_RANGE = r"(?:\s*(?:[-\u2013,&]|and)\s*[A-Ha-h])*"
_CLAUSE = r"(?:^|(?<=[.;:,\n])|(?<=[.;:,\n]\s))\s*"
"""Where a part of the caption begins: a letter behind a word, as in 'hepatitis B:', is none."""
_LETTERS = re.compile(
    rf"\(\s*([A-Ha-h]{_RANGE})\s*\)"  # (A), (A, C), (A-C)
    rf"|\b[Pp]anels?\s+\(?([A-Ha-h]{_RANGE})\b"  # panel A, panels A-C
    rf"|{_CLAUSE}([A-Ha-h])[:.)]\s"  # A: A. a)
    r"|(?:^|(?<=[.;\n])|(?<=[.;\n]\s))\s*([A-Ha-h]),\s"  # A, axial; B, coronal
)
_NEXT = re.compile(r"\b([B-H])[:.)]\s")
"""As a part is named behind one that begins a clause, with no mark before it: 'A. Axial B. Coronal'."""
_ROMAN = re.compile(r"\(\s*(i{1,3}|iv|v|vi{1,3})\s*\)", re.IGNORECASE)
_SIDE = r"(left|right|top|bottom|upper|lower|middle|center|centre)"
_SIDES = re.compile(
    rf"{_CLAUSE}{_SIDE}(?:\s+(?:panel|image|column|row))?:\s|\b{_SIDE}\s+(?:panel|image|column|row)s?\b", re.IGNORECASE
)


def panels(caption: str) -> list[str]:
    """The panels that a caption names, each once, in order: letters, Roman numbers or places; fewer than two are none."""
    letters: set[str] = set()
    for found in _LETTERS.finditer(caption):
        named = [ord(letter) for letter in re.findall(r"\b[a-h]\b", found[found.lastindex or 0].lower())]
        spread = range(min(named), max(named) + 1) if re.search("[-\u2013]", found[0]) else named
        letters.update(map(chr, spread))
    if "a" in letters:
        letters.update(found[1].lower() for found in _NEXT.finditer(caption))
    if {"a", "b"} <= letters:
        return sorted(letters)
    numbers = list(dict.fromkeys(found[1].lower() for found in _ROMAN.finditer(caption)))
    if {"i", "ii"} <= set(numbers):
        return numbers
    places = list(dict.fromkeys((found[1] or found[2]).lower() for found in _SIDES.finditer(caption)))
    return places if len(places) > 1 else []
