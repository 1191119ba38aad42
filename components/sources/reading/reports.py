"""Radiology reports as free text to their sections."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache

from components.images.limits import ImageError
from components.records.record import Turn
from components.records.vocabulary import TurnKind
from components.sources.reading.languages import ENGLISH, language_of
from components.sources.reading.report_heads import HEADS, LABELS, folded

_HEAD = re.compile(r"^[ \t]*([^\W\d_](?:[^\W\d_]|[ ()/,.&-]){2,60}?)(?:[ \t]*\#?\d*)?[ \t]*:[ \t]*(.*)$")
"""What heads a line. Heads within a section ('LUNGS:') are part of its text."""
_INNER = re.compile(r"(?<=[.!?;])[ \t]+(?=([A-ZÄÖÜÉÍÓ](?:[^\W\d_]|[ -]){3,40})[ \t]?:)")
"""Between a sentence and a head in the same line: some programs write a report without line breaks."""
_BARE = re.compile(
    r"^[ \t]*(FINAL REPORT|FINAL ADDENDUM|ADDENDUM|WET READ|FINDINGS|IMPRESSION)(?:[ \t]*$|[ \t]{2,}(.*)$)"
)
"""Heads in capitals that need no colon."""
_ALIKE = 0.85
"""A misspelt head is a head: so much of its letters must be right. 'IMPESSION', 'FINDNGS'."""
_LAST = "last paragraph"
_VIEWS = re.compile(r"\b(?:CHEST|RADIOGRAPHS?|VIEWS?|PORTABLE|FRONTAL)\b")
"""'PA AND LATERAL VIEWS OF THE CHEST:' begins the findings of a report that has no such head."""
_NO_COMPARISON = re.compile(r"(?i)\bcomparisons?(?: study)?[ \t]*:[ \t]*(?:none\b|no\b|not available|n/?a\b)")
_RULE = re.compile(r"^[\s_=-]*$")


def sections(report: str) -> dict[str, str]:
    """findings, impression, addendum, wet read -> text in one line; several of a kind are joined in their order. In
    another language than English, `language` too.

    A report's findings may stand below the name of its views, or below a head that we do not know. A report with neither
    findings nor impression is its last paragraph, if no head begins it; whatever else is reached without a head is left
    out.
    """
    report = _INNER.sub(lambda match: "\n" if folded(match[1].strip()) in HEADS else match[0], report)
    found: dict[str, list[str]] = {}
    kind, is_begun, is_apart = _LAST, False, False
    for line in report.splitlines():
        head, rest = _head(line)
        if head:
            kind, is_begun, is_apart = head, False, False
            line = "" if head == "wet read" else rest  # what follows is who read it and when
        if _RULE.match(line):
            is_apart = is_begun
            continue
        if is_apart and kind in ("other", _LAST):
            kind, found[_LAST] = _LAST, []
        is_begun, is_apart = True, False
        found.setdefault(kind, []).append(line.strip())
    texts = {name: " ".join(" ".join(lines).split()) for name, lines in found.items()}
    if not texts.get("findings") and texts.get("views"):
        texts["findings"] = texts["views"]
    if texts.get("impression") and not texts.get("findings") and _HEAD.match(texts.get(_LAST, "")):
        texts["findings"] = texts.pop(_LAST)
    if texts.get("findings") or texts.get("impression"):
        texts.pop(_LAST, None)
    said = {name: texts[name] for name in ("findings", "impression", _LAST, "addendum", "wet read") if texts.get(name)}
    language = language_of(report)
    return said | {"language": language} if said and language != ENGLISH else said


def report_turn(said: Mapping[str, str]) -> Turn:
    """The report that its sections make: findings, impression and addenda; of a study that has none of the first two
    its last paragraph, else the wet read; headed in its own language. Raises ImageError, reason 'empty text', when nothing is said."""
    names = ["findings", "impression", "addendum"]
    if not said.get("findings") and not said.get("impression"):
        names = [_LAST, "addendum"] if said.get(_LAST) else ["addendum", "wet read"]
    labels = LABELS.get(said.get("language", ENGLISH), {})
    lines = [
        " ".join(f"{'' if name == _LAST else f'{labels.get(name, name.capitalize())}:'} {said[name]}".split())
        for name in names
        if said.get(name, "").strip()
    ]
    if not lines:
        raise ImageError("empty text", "the report has neither findings nor impression, addendum or wet read")
    return Turn(prompt="", answer="\n".join(lines), kind=TurnKind.REPORT)


def comparison_facts(report: str) -> dict[str, str]:
    """{comparison} of a report with its heads that says there was nothing to compare with; else empty."""
    return {"comparison": "none"} if _NO_COMPARISON.search(report) else {}


def _head(line: str) -> tuple[str, str]:
    """(kind of the section that the line begins, what follows its head); empty for a line of text."""
    if match := _BARE.match(line):
        return HEADS[match[1].lower()], match[2] or ""
    if not (match := _HEAD.match(line)):
        return "", line
    title, rest = match[1].strip(), match[2]
    if kind := _kind(folded(title)):
        return kind, rest
    return ("views", rest) if title.isupper() and _VIEWS.search(title) else ("", line)


@lru_cache(maxsize=2**12)
def _kind(title: str) -> str:
    """What the section of that head is, misspelt or not; empty for what is no head of ours."""
    near = [title] if title in HEADS else get_close_matches(title, HEADS, n=1, cutoff=_ALIKE)
    return HEADS[near[0]] if near else ""
