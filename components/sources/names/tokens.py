"""The words of a text with what their place says of their capitals."""

import re
from dataclasses import dataclass
from functools import lru_cache

from components.sources.names.compounds import is_compound
from components.sources.names.lexicon import List, is_in, vocabulary

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_ABBREVIATED = re.compile(
    r"(?:\b(?:Dr|Mr|Mrs|Ms|Prof|St|vs|etc|ca|approx|bzw|evtl|ggf|inkl|med|Hr|Fr|Sr|Sra|Srta|Dra|No|Nr|Fig|Figs|Abb|e\.g|i\.e|z\.B|d\.h|u\.a|o\.g|Z\.n|V\.a|M|aprox|p\.ej|resp|sog|St\.p|li|re|bds|dx|sin|lat)|\b[A-Za-z])\.$"
)
"""What ends in a stop and ends no sentence."""
_DECLINED = re.compile(r"(?:e|er|es|en|em)$")
"""Of a German adjective."""
_GENITIVE = re.compile(r"(?<=\w{4})(?:e?s|e?n)$")
"""Of a German noun, or its plural."""
_LONGEST_NAME = 12
"""Letters: hardly a German surname of one word is longer, and most words that no dictionary has are."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a text."""

    text: str
    start: int
    end: int
    begins: bool
    """Whether any word would have a capital here: after a stop, a colon, a line's or a list's beginning."""
    hyphened: bool
    """Whether a hyphen joins it to a word or a figure."""

    @property
    def is_capital(self) -> bool:
        """Whether it is written like a name: one capital, or more of which some follow small letters."""
        return self.text[0].isupper() and not self.text.isupper()

    @property
    def is_capitals(self) -> bool:
        """Whether it is written in capitals alone."""
        return len(self.text) > 1 and self.text.isupper()

    @property
    def plain(self) -> str:
        """Without a possessive, and without what joins it (O'Brien: Brien)."""
        head, mark, tail = self.text.replace("’", "'").partition("'")
        if not mark or len(tail) < 2:
            return head
        return tail if len(head) <= 2 else head


def words_of(text: str) -> list[Word]:
    """The words, in order."""
    found = []
    for match in _WORD.finditer(text):
        start, end = match.span()
        hyphened = text[start - 1 : start] in ("-", "‐", "–") and text[start - 2 : start - 1].isalnum()
        hyphened |= text[end : end + 1] in ("-", "‐") and text[end + 1 : end + 2].isalnum()
        found.append(Word(match.group(), start, end, _begins(text[max(0, start - 16) : start]), hyphened))
    return found


def _begins(before: str) -> bool:
    """Whether a word behind this begins a sentence."""
    line = before.rpartition("\n")[2]
    bare = line.rstrip(" \t\"“„'«»*·•-–—>#")
    if not bare:
        return "\n" in before or len(before) < 16
    if bare[-1] in "!?:;|/=":
        return True
    if bare[-1] == ")":
        return bool(re.search(r"(?:^|\s)\(?\w{1,2}\)$", bare))
    return bare[-1] == "." and not _ABBREVIATED.search(bare)


@lru_cache(maxsize=2**16)
def is_name(word: str) -> bool:
    """Whether a dictionary has the word, given with its capital, as a name or place alone."""
    return is_in(List.NAME, word) or is_in(List.GERMAN_NAME, word)


@lru_cache(maxsize=2**16)
def is_common(word: str, language: str) -> bool:
    """Whether the word, as it stands or in lower case, is one of the language, or of medicine, or a compound of such."""
    small = word.lower()
    return is_listed(word, language) or (language == "de" and (len(small) > _LONGEST_NAME or is_compound(small)))


@lru_cache(maxsize=2**16)
def is_listed(word: str, language: str) -> bool:
    """Whether a dictionary of the language, or of medicine, has the word, declined or not."""
    small = word.lower()
    if is_in(List.MEDICAL, small) or small in vocabulary()["report"] or is_in(List(language), small):
        return True
    if language != "de":
        return False
    noun = small.capitalize()
    stem = _DECLINED.sub("", small)
    if stem != small and len(stem) > 3 and (is_in(List.DE, stem) or is_in(List.MEDICAL, stem) or is_in(List.EN, stem)):
        return True
    if is_in(List.MEDICAL, _GENITIVE.sub("", noun)) or is_in(List.MEDICAL, _GENITIVE.sub("", small)):
        return True
    return is_in(List.DE, noun) or is_in(List.MEDICAL, noun) or is_in(List.EN, small)
