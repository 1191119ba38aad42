"""What a licence's text forbids, in the words that a recipe refuses licences by."""

import re
from collections.abc import Iterable

_FORBIDS: dict[str, re.Pattern[str]] = {
    "NC": re.compile(
        r"(?<![a-z])nc(?![a-z])|non-?\s?commercial|commons clause|academic use"
        r"|\b(?:research|evaluation)\s+(?:use\s+)?only\b|\bresearch use\b|competition rules|\bchallenge\b"
        r"|credentialed|\bagreement\b|\bon request\b|\bby registration\b",
        re.IGNORECASE,
    ),
    "ND": re.compile(r"(?<![a-z])nd(?![a-z])|no[- ]?deriv", re.IGNORECASE),
    "SA": re.compile(r"(?<![a-z])sa(?![a-z])|share[- ]?alike|copyleft|\bodbl\b|\ba?gpl", re.IGNORECASE),
    "unknown": re.compile(
        r"^\s*$|\bunknown\b|not stated|article'?s'? (?:own )?licence|articles' licences|own terms|own sets' licences|belong to"
        r"|\bper figure\b",
        re.IGNORECASE,
    ),
}


def licence_words(licence: str) -> tuple[str, ...]:
    """What the text of a licence says of itself: NC (not commercially), ND (not changed), SA (changed only under the same
    terms), unknown (it does not say, or not of the images). Agreements and challenges are for research: NC."""
    return tuple(word for word, pattern in _FORBIDS.items() if pattern.search(licence))


def refused_word(licence: str, refused: Iterable[str], *, is_lent: bool) -> str:
    """The first of the refused words that holds of a record's licence; empty for none."""
    holds = {*licence_words(licence), *(("lent",) if is_lent else ())}
    return next((word for word in refused if word in holds), "")
