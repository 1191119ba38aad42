"""Radiology reports as free text to their sections."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache

from components.images.limits import ImageError
from components.records.record import Turn
from components.records.vocabulary import TurnKind

_HEADS = {
    **dict.fromkeys(("findings", "finding", "findings and impression", "findings/impression"), "findings"),
    **dict.fromkeys(("impression", "impressions", "conclusion", "conclusions"), "impression"),
    **dict.fromkeys(("addendum", "final addendum", "addendum to impression"), "addendum"),
    **dict.fromkeys(("wet read", "wet read version", "wetread", "preliminary report"), "wet read"),
    **dict.fromkeys(
        (
            "final report",
            "examination",
            "exam",
            "exams",
            "study",
            "type of examination",
            "indication",
            "indications",
            "history",
            "clinical history",
            "clinical information",
            "clinical indication",
            "reason for exam",
            "reason for examination",
            "reason for the exam",
            "technique",
            "comparison",
            "comparisons",
            "comparison study",
            "recommendation",
            "recommendations",
            "recommendation(s)",
            "notification",
            "notifications",
            "dictated by",
        ),
        "other",
    ),
}
"""A section's head, lower-cased -> what it is. Heads within a section ('LUNGS:') are part of its text."""
_HEAD = re.compile(r"^[ \t]*([A-Za-z][A-Za-z ()/,.&-]{2,60}?)(?:[ \t]*\#?\d*)?[ \t]*:[ \t]*(.*)$")
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
    """findings, impression, addendum, wet read -> text in one line; several of a kind are joined in their order.

    A report's findings may stand below the name of its views. A report with neither findings nor impression is its
    last paragraph, if no head begins it; whatever else is reached without a head is left out.
    """
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
    if texts.get("findings") or texts.get("impression"):
        texts.pop(_LAST, None)
    return {name: texts[name] for name in ("findings", "impression", _LAST, "addendum", "wet read") if texts.get(name)}


def report_turn(said: Mapping[str, str]) -> Turn:
    """The report that its sections make: findings, impression and addenda; of a study that has none of the first two
    its last paragraph, else the wet read. Raises ImageError, reason 'empty text', when nothing is said."""
    names = ["findings", "impression", "addendum"]
    if not said.get("findings") and not said.get("impression"):
        names = [_LAST, "addendum"] if said.get(_LAST) else ["addendum", "wet read"]
    lines = [
        " ".join(f"{'' if name == _LAST else f'{name.capitalize()}:'} {said[name]}".split())
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
        return _HEADS[match[1].lower()], match[2] or ""
    if not (match := _HEAD.match(line)):
        return "", line
    title, rest = match[1].strip(), match[2]
    if kind := _kind(title.lower()):
        return kind, rest
    return ("views", rest) if title.isupper() and _VIEWS.search(title) else ("", line)


@lru_cache(maxsize=2**12)
def _kind(title: str) -> str:
    """What the section of that head is, misspelt or not; empty for what is no head of ours."""
    near = [title] if title in _HEADS else get_close_matches(title, _HEADS, n=1, cutoff=_ALIKE)
    return _HEADS[near[0]] if near else ""
