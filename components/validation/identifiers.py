"""What in a free text names a person, by its form. Words that may be names are not judged: too many findings bear one."""

import re
from collections.abc import Iterable

_LABELLED = (
    # A case series counts its patients: `patient no. 12`.
    r"\b(?:patient(?:'s)?\s+(?:name|id|(?:no|number)(?!\s*[.:#=]+\s*\d{1,3}\b(?![-/.]?\d)))|name\s+of\s+(?:the\s+)?patient|mrn|medical\s+record\s+(?:no|number)"
    r"|accession\s+(?:no|number)|social\s+security(?:\s+(?:no|number))?|date\s+of\s+birth|dob)"
    # A redaction stands where the value was: ___, XXXX, [name].
    r"\s*[.:#=]+\s*(?!_|x{2,}|\[)\w"
    r"|\bmrn\s+\d{4}"
)
_DAY = r"(?:\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}-?\d\d-?\d\d|\d{1,2}\.?\s+[a-z]{3,9}\.?\s+\d{4}|[a-z]{3,9}\s+\d{1,2},?\s+\d{4})"
_TITLED = (
    r"\b(?:Mr|Mrs|Ms|Miss|Herrn?|Frau)\b\.?\s+(?:[A-Z]\.\s*)*[A-Z][a-z]{2,}"
    # Who gave a published picture is thanked by name.
    r"|(?<![Cc]ourtesy of )(?<![Cc]ourtesy )\bDr\b\.?\s+(?:[A-Z]\.\s*)*[A-Z][a-z]{2,}"
)
KINDS: dict[str, re.Pattern[str]] = {
    "patient's name or number": re.compile(_LABELLED, re.IGNORECASE),
    "name with a title": re.compile(_TITLED),
    "date of birth": re.compile(rf"\b(?:born|geb\.?|geboren)\s+(?:on\s+|am\s+)?{_DAY}", re.IGNORECASE),
    "e-mail address": re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}\b", re.IGNORECASE),
    "social security number": re.compile(r"\b\d{3}-\d{2}-\d{4}\b"),
    "telephone number": re.compile(
        r"(?<![\w.])(?:\(?\d{3}\)?[ -]\d{3}-\d{4}|\+\d{1,3}[ /-]?(?:\(0\) ?)?\d{2,5}(?:[ /-]\d{2,8}){2,4}|\+\d{9,15})\b"
    ),
}


def identifier_kinds(texts: Iterable[str]) -> list[str]:
    """The kinds of identifiers that the texts hold; never what they say."""
    texts = list(texts)
    return [kind for kind, pattern in KINDS.items() if any(pattern.search(text) for text in texts)]
