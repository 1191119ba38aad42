"""What somebody may have meant by an unknown name."""

import difflib
from collections.abc import Iterable

MOST_NAMED = 60
"""Known names that an error lists."""


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` when something known is near, else what is known, the first dozens of it."""
    options = sorted(known)
    close = difflib.get_close_matches(word, options, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    more = len(options) - MOST_NAMED
    return f"; known: {', '.join(options[:MOST_NAMED])}{f' … and {more} more' if more > 0 else ''}"
