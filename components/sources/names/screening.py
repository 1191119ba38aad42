"""One text of a private source: its dates some days earlier, and the kinds of what in it may name a person."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from components.sources.names.bare import has_bare_name
from components.sources.names.cues import has_cued_name, has_titled_name
from components.sources.names.dates import dates, moved
from components.sources.names.forms import form_kinds, without_redactions
from components.sources.names.lexicon import LANGUAGES, List, is_in, vocabulary
from components.sources.names.tokens import is_common, words_of

DATE, TITLED, CUED, BARE = "date", "name with a title", "name with a cue", "word that may be a name"
"""Beside those of `forms.FORMS`."""
_LETTERS = {"de": "äöüß", "es": "ñ¿¡íóú"}


@dataclass(frozen=True, slots=True)
class Screened:
    """A text as it may be used, if no kind was found."""

    text: str
    place: Callable[[int], int]
    """Where a place of the delivered text has gone."""
    kinds: tuple[str, ...]
    """Never what they say."""


def screened(text: str, *, shift: timedelta, order: str = "", guesses: bool = True) -> Screened:
    """The text with every certain date moved, and what is left in it that may name somebody: dates that cannot be moved,
    forms, names with a title or a cue and, where it `guesses`, words that may be names."""
    language = written_in(text)
    found = dates(text, language=language, order=order)
    said, place = moved(text, found, shift)
    bare = without_redactions(text)
    for each in found:
        bare = bare[: each.start] + " " * (each.end - each.start) + bare[each.end :]
    kinds = [DATE] if any(each.moved is None for each in found) else []
    kinds += form_kinds(bare)
    kinds += [TITLED] if has_titled_name(bare) else []
    kinds += [CUED] if has_cued_name(bare, language) else []
    kinds += [BARE] if guesses and has_bare_name(bare, language) else []
    return Screened(said, place, tuple(kinds))


def written_in(text: str) -> str:
    """Which of LANGUAGES the text is in: by its small words, its letters and whose dictionary knows most of its words."""
    said = [word.text for word in words_of(text)]
    small, low = [word.lower() for word in said], text.lower()
    score = {
        language: 2 * sum(word in vocabulary()[f"small_{language}"] for word in small)
        + 2 * sum(map(low.count, _LETTERS.get(language, "")))
        + sum(_is_word(word, language) for word in said if len(word) > 2 and not (word.isupper() and len(word) < 6))
        for language in LANGUAGES
    }
    return max(LANGUAGES, key=lambda language: score[language])


@lru_cache(maxsize=2**16)
def _is_word(word: str, language: str) -> bool:
    return is_in(List(language), word.lower()) or (language == "de" and word[0].isupper() and is_common(word, "de"))
