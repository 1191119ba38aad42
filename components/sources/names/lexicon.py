"""Which words a language has, which are medicine's and which are names: spelling dictionaries that keep case, put into a
Bloom filter by `infra/make_word_lists.py`, so that some two million forms load at once and take three megabytes.

A word that is in no list is said to be in one about once in a thousand times; a word that is in a list is always found.
"""

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from importlib.resources import files

LANGUAGES = ("en", "de", "es")
HASHES = 10
BITS_A_WORD = 14.5
"""With HASHES: one word in a thousand is mistaken."""
_PACKAGE, _FILE, _VOCABULARY = "components.sources.names", "words.bloom", "vocabulary.json"
_MARKS = ("\u0301", "\u0300", "\u0302")
"""Acute, grave and circumflex: reports leave them out as often as not. A diaeresis and a tilde are letters."""


class List(StrEnum):
    """The lists; the value stands before each word in the filter."""

    EN = "en"
    DE = "de"
    ES = "es"
    MEDICAL = "m"
    """Of medicine, in lower case; in German nouns too."""
    EPONYM = "e"
    """Of medicine, with a capital: drugs, and whom a disease or device is called after."""
    NAME = "n"
    """People and places, and whatever else a dictionary of English or Spanish writes with a capital."""
    GERMAN_NAME = "g"
    """Nouns of the German dictionary that are neither declined nor compounded."""


def folded(word: str) -> str:
    """The word without accents, in composed form."""
    parts = unicodedata.normalize("NFD", word.replace("’", "'"))
    return unicodedata.normalize("NFC", "".join(part for part in parts if part not in _MARKS))


def words(text: str) -> tuple[str, ...]:
    """The words of a text that lists them between blanks."""
    return tuple(text.split())


@dataclass(frozen=True, slots=True)
class Bloom:
    """A set of texts that never misses one of its own."""

    bits: bytes

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Bloom":
        """The filter of these texts, the same in any order."""
        known = set(texts)
        bits = bytearray(int(len(known) * BITS_A_WORD / 8) + 1)
        for text in known:
            for place in _places(text, 8 * len(bits)):
                bits[place >> 3] |= 1 << (place & 7)
        return cls(bytes(bits))

    def __contains__(self, text: str) -> bool:
        return all(self.bits[place >> 3] >> (place & 7) & 1 for place in _places(text, 8 * len(self.bits)))


@cache
def vocabulary() -> Mapping[str, frozenset[str]]:
    """Lists of a few words each that rules name: eponyms, roles, cues."""
    stored = json.loads(files(_PACKAGE).joinpath(_VOCABULARY).read_text(encoding="utf-8"))
    # A word with an inner capital (DeBakey) is looked for as one that has the first alone.
    return {
        name: frozenset(
            word for each in words(listed) for word in (each, each if each.islower() else each.capitalize())
        )
        for name, listed in stored.items()
    }


@lru_cache(maxsize=2**16)
def is_in(word_list: List, word: str) -> bool:
    """Whether the list has the word, accents aside."""
    return f"{word_list} {folded(word)}" in _bloom()


@cache
def _bloom() -> Bloom:
    return Bloom(files(_PACKAGE).joinpath(_FILE).read_bytes())


def _places(text: str, count: int) -> list[int]:
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    first, step = int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little") | 1
    return [(first + number * step) % count for number in range(HASHES)]
