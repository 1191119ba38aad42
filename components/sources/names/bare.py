"""Names that nothing announces, by their letters: what has a capital where no word has one, and is known to no dictionary or
to one as a name alone."""

import re
from functools import lru_cache

from components.sources.names.lexicon import List, is_in, vocabulary
from components.sources.names.tokens import Word, is_common, is_name, is_of_medicine, words_of

_LONGEST_ACRONYM = 5
_MOSTLY = 0.6
"""Share of words in capitals from which a text has no other letters."""
_SHORTEST = 3
_JOINED = re.compile(r"(?:Mc|Mac|Fitz|O['’]|D['’]|De|Di|La|Le|Van|Von)[A-Z][a-z]+")
_PAIR = re.compile(r"\s|,\s|-|\s-\s")
_INITIALS = re.compile(r"\b(?:[A-ZÄÖÜÁÉÍÓÚ]\.[ -]?){1,3}(?=[^\W\d_])")


def has_bare_name(text: str, language: str) -> bool:
    """Whether a word of the text may be a name, in the light of how the language writes."""
    words = words_of(text)
    capitals = sum(word.is_capitals for word in words if len(word.text) > 2)
    shouts = capitals > _MOSTLY * max(1, sum(len(word.text) > 2 for word in words))
    for at, word in enumerate(words):
        if len(word.plain) < _SHORTEST or _is_term(words, at, text):
            continue
        if _is_suspect(word, language, shouts) or _is_paired(words, at, text, language, shouts):
            return True
    return False


def is_name_like(word: str, language: str) -> bool:
    """Whether a word that follows a cue names somebody: known as a name, or known to nobody."""
    title = word.capitalize()
    return is_name(title) or not (is_common(word, language) or is_of_medicine(word) or _is_term_alone(title))


def _is_suspect(word: Word, language: str, shouts: bool) -> bool:
    """Whether the word alone is enough."""
    plain = word.plain
    title = plain.capitalize()
    if _JOINED.fullmatch(word.text) and not is_in(List.EPONYM, title):
        return True
    if word.is_capitals:
        if len(plain) <= _LONGEST_ACRONYM and not (is_name(title) and len(plain) == _LONGEST_ACRONYM):
            return False
        return not _is_known(plain, language)
    if not word.is_capital:
        return (
            plain.islower()
            and len(plain) > 3
            and not word.hyphened
            and is_name(title)
            and not _is_known_anywhere(plain)
        )
    if not plain[1:].islower():  # MHz, ImageJ
        return False
    if language == "de":
        if is_in(List.GERMAN_NAME, title) and not is_of_medicine(plain):
            return True
        return not _is_known(plain, "de")
    if word.begins or shouts:
        return not _is_known(plain, language)
    if not is_common(plain, language):
        return not is_of_medicine(plain) or is_name(title)
    return is_name(title) and plain.lower() not in vocabulary()["report"]


def _is_paired(words: list[Word], at: int, text: str, language: str, shouts: bool) -> bool:
    """Whether it and the word behind it are both names that could be other words alone."""
    if at + 1 >= len(words) or not _PAIR.fullmatch(text[words[at].end : words[at + 1].start]):
        return False
    pair = words[at], words[at + 1]
    if not all((word.is_capital or word.is_capitals) and len(word.plain) > 1 for word in pair) or _is_term(
        words, at + 1, text
    ):
        return False
    names = [is_name(word.plain.capitalize()) and word.plain.lower() not in vocabulary()["report"] for word in pair]
    return all(names) and (language != "de" or not all(is_of_medicine(word.plain) for word in pair))


def _is_known(plain: str, language: str) -> bool:
    return is_common(plain, language) or (is_of_medicine(plain) and not is_name(plain.capitalize()))


@lru_cache(maxsize=2**14)
def _is_known_anywhere(plain: str) -> bool:
    return any(is_common(plain, language) for language in ("en", "de", "es")) or is_of_medicine(plain)


def _is_term_alone(title: str) -> bool:
    words = vocabulary()
    return title in words["alone"] or title in words["known"] or (is_in(List.EPONYM, title) and not is_name(title))


def _is_term(words: list[Word], at: int, text: str) -> bool:
    """Whether the word is of a disease, device or maker: always, or beside what such things are called."""
    word, known = words[at], vocabulary()
    title = word.plain.capitalize()
    if _is_term_alone(title) or word.plain in known["alone"]:
        return True
    if not (title in known["eponyms"] or is_in(List.EPONYM, title)):
        return False
    before = words[at - 1].text.lower() if at else ""
    after = [each.text.lower() for each in words[at + 1 : at + 3] if "." not in text[word.end : each.start]]
    neighbours = {each.plain.capitalize() for each in words[max(0, at - 1) : at + 2] if each.hyphened and word.hyphened}
    context = known["context"]
    return (
        before in known["context_before"]
        or (
            before in ("de", "von", "nach")
            and at > 1
            and words[at - 2].text.lower() in context | known["context_before"]
        )
        or any(each in context for each in after)
        or len(neighbours & (known["eponyms"] | known["alone"])) > 1
    )
