"""Whether a sentence says that something is there: what English reports deny, and where the denial ends."""

import re

_CLAUSE = re.compile(r"[.;:!?\n]+|\b(?:but|however|although|except)\b")
_DENIAL = re.compile(
    r"\b(?:no(?! (?:\w+ ){0,2}(?:change|increase|decrease|progression)\b)|not(?! only\b)|without|never|none|absence of|"
    r"negative for|free of|rather than)\b"
)
_DENIED_AFTER = re.compile(r"\b(?:absent|resolved|excluded|ruled out|not (?:seen|visible|identified|present))\b")


def affirms(text: str, named: re.Pattern[str]) -> bool:
    """Whether a clause of the text, in lower case, names what `named` finds without denying it."""
    return any(
        not _DENIAL.search(clause[: found.start()]) and not _DENIED_AFTER.search(clause[found.end() :])
        for clause in _CLAUSE.split(text)
        for found in named.finditer(clause)
    )
