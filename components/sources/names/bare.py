"""Names that nothing announces, by their letters: what has a capital where no word has one, and is known to no dictionary or
to one as a name alone."""

import re
from functools import lru_cache

from components.sources.names.compounds import is_medical_compound
from components.sources.names.lexicon import LANGUAGES, List, is_in, vocabulary, words
from components.sources.names.medicine import is_clearly_of_medicine, is_of_medicine
from components.sources.names.tokens import Word, is_common, is_listed, is_name, words_of

_LONGEST_ACRONYM = 5
_MOSTLY = 0.6
"""Share of words in capitals from which a text has no other letters."""
_SHORTEST = 3
_JOINED = re.compile(r"(?:Mc|Mac|Fitz|O['’]|D['’]|De|Di|La|Le|Van|Von)[A-Z][a-z]+")
_AUXILIARIES = words("was is will were has did does fue ha es será se no está wurde wird ist hat")
_ABSTRACT = ("ung", "heit", "keit", "tion", "schaft", "tät", "nis", "tum", "ismus")
_SURNAME_ENDS = ("er", "mann")
"""Of German surnames that are nouns: what somebody's forefather did."""
_POSSESSIVE = re.compile(r"['’]s$")
_PAIR = re.compile(r"\s|,\s|-|\s-\s")
_PRODUCT = re.compile(
    r"\s?(?:®|™|\([RC]\))|\s\d+(?:[.,]\d+)?\s?(?:ml|mL|mg|mcg|µg|g|IE|IU|UI|U|MBq|mCi|mmol|%|cc)\b|\s[1-4]\d0\b(?!\s?[a-z])"
)
"""What stands behind a medicine: its mark, a dose, the iodine of a contrast medium."""
_STAGE = re.compile(r"[\s-]*(?:[IVX]{1,4}[a-fA-F]?|[A-F]\d?|\d[a-f]?)(?![\w.]\w|\w)(?!\. [A-Z])")
"""What stands behind an eponym that grades: Fontaine IIb, Weber B, Modic 2."""
_LEVEL = re.compile(
    r"\s(?:nivel|grado|tipo|estadio|clase|grade|type|stage|class|level|Grad|Typ|Stadium|Klasse|Stufe)\s(?:\d|[IVX])"
)
_METHODS = words("by por nach con mit with per via")
_MEASURED = re.compile(r"\d\s?(?:%|mm|cm|ml|mL|percent|por ciento|Prozent)")
"""`EF 55 % by Simpson`: in a sentence that says how much, what was measured with."""
_ADJECTIVE = re.compile(r"(?:[äa]r|ig|lich|isch|[ae]l|ell|iert|haft|los|bar|sam|iv|ös|oid|blasst|end)(?:e[rsnm]?)$")
"""How German adjectives end that begin a sentence, which dictionaries need not have: Azinäres Karzinom."""


def has_bare_name(text: str, language: str) -> bool:
    """Whether a word of the text may be a name, in the light of how the language writes."""
    said = words_of(text)
    capitals = sum(word.is_capitals for word in said if len(word.text) > 2)
    shouts = capitals > _MOSTLY * max(1, sum(len(word.text) > 2 for word in said))
    for at, word in enumerate(said):
        if _acts(said, at, text, language) or _is_short_pair(said, at, text, language):
            return True
        if len(word.plain) < _SHORTEST:
            continue
        if _is_term(said, at, text):
            continue
        if language == "de" and _is_adjective(said, at, text):
            continue
        if _is_suspect(word, language, shouts) or _is_paired(said, at, text, language, shouts):
            return True
    return False


def is_name_like(word: str, language: str, *, strictly: bool = False) -> bool:
    """Whether a word that follows a cue names somebody: known as a name, or known to nobody. `strictly` believes only
    words that a list has and compounds of medicine: Friedlinde and Bärlocher are made of words."""
    title = word.capitalize()
    if is_name(title):
        return True
    if strictly:
        is_known = is_listed(word, language) or is_clearly_of_medicine(word)
        is_known |= language == "de" and is_medical_compound(word.lower())
    else:
        is_known = is_common(word, language) or is_of_medicine(word)
    return not (is_known or _is_term_alone(title))


def is_surname(word: str) -> bool:
    """Whether the word is known as a name, or as one that something is called after, whatever else it is."""
    title = word.capitalize()
    return is_name(title) or is_in(List.EPONYM, title) or title in vocabulary()["surnames"]


@lru_cache(maxsize=2**8)
def terms(text: str) -> frozenset[int]:
    """Where the words of a text begin that are of diseases, devices and makers."""
    said = words_of(text)
    return frozenset(word.start for at, word in enumerate(said) if _is_term(said, at, text))


def is_unknown(word: str, language: str) -> bool:
    """Whether the language's dictionary does not have the word, and it is not made like one of medicine."""
    return not (is_common(word.lower(), language) or is_of_medicine(word))


def _acts(said: list[Word], at: int, text: str, language: str) -> bool:
    """Whether it begins a sentence, without an article, and does what people do: `Young returned`, `Vogel klagt`."""
    word, known = said[at], vocabulary()
    if not word.begins or not word.is_capital or at + 1 >= len(said) or len(word.plain) < _SHORTEST or word.hyphened:
        return False
    small, title = word.plain.lower(), word.plain.capitalize()
    if (
        small in known["report"]
        or small in known["nobody"]
        or small in known[f"small_{language}"]
        or title in known[f"role_{language}"]
    ):
        return False
    if text[word.end : said[at + 1].start] != " " or (is_of_medicine(word.plain) and not is_name(title)):
        return False
    verb = said[at + 1].text
    behind = {each.text for each in said[at + 2 : at + 6]}
    is_person = verb in known["person_verbs"] or (verb in _AUXILIARIES and bool(behind & known["person_passive"]))
    return is_person and (is_name(title) or (language == "de" and not word.plain.endswith(_ABSTRACT)))


def _is_short_pair(said: list[Word], at: int, text: str, language: str) -> bool:
    """Whether it is a name of two letters before another word with a capital: Li Wei."""
    if len(said[at].text) != 2 or at + 1 >= len(said) or text[said[at].end : said[at + 1].start] not in (" ", ", "):
        return False
    first, second, known = said[at], said[at + 1], vocabulary()
    if not first.is_capital or not second.is_capital or not second.plain.isalpha() or second.begins:
        return False
    if first.text.lower() in known[f"small_{language}"] | known["stops"] | known["joining"] or not is_name(first.text):
        return False
    return second.plain.lower() not in known["report"] and not _is_term(said, at + 1, text)


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
    if language == "en" and _POSSESSIVE.search(word.text):
        return not (is_listed(plain, "en") or is_clearly_of_medicine(plain)) or is_name(title)
    if language == "de":
        if is_in(List.GERMAN_NAME, title) and not is_of_medicine(plain):
            return True
        if is_in(List.NAME, title) and plain.endswith(_SURNAME_ENDS) and len(plain) > 5:
            return plain.lower() not in vocabulary()["report"]
        return not _is_known(plain, "de")
    if word.begins or shouts:
        return not _is_known(plain, language)
    if not is_common(plain, language):
        return not is_clearly_of_medicine(plain) or is_name(title)
    return is_name(title) and plain.lower() not in vocabulary()["report"]


def _is_adjective(said: list[Word], at: int, text: str) -> bool:
    """Whether it begins a sentence and ends like a German adjective, before a noun that is a word."""
    word = said[at]
    if not word.begins or at + 1 == len(said) or not _ADJECTIVE.search(word.text) or is_name(word.plain):
        return False
    noun = said[at + 1]
    is_next = text[word.end : noun.start] == " " and noun.is_capital
    return is_next and is_common(noun.plain, "de") and not is_name(noun.plain)


def _is_paired(said: list[Word], at: int, text: str, language: str, shouts: bool) -> bool:
    """Whether it and the word behind it are both names that could be other words alone."""
    if at + 1 >= len(said) or not _PAIR.fullmatch(text[said[at].end : said[at + 1].start]):
        return False
    pair = said[at], said[at + 1]
    if not all((word.is_capital or word.is_capitals) and len(word.plain) > 1 for word in pair) or _is_term(
        said, at + 1, text
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
    said = vocabulary()
    return title in said["alone"] or title in said["known"] or (is_in(List.EPONYM, title) and not is_name(title))


def _is_term(said: list[Word], at: int, text: str) -> bool:
    """Whether the word is of a disease, device or maker: always, or beside what such things are called."""
    word, known = said[at], vocabulary()
    title = word.plain.capitalize()
    if _is_term_alone(title) or word.plain in known["alone"]:
        return True
    if word.hyphened and (_is_joined_to_a_noun(said, at, text) or _is_of_joined_eponyms(said, at, text)):
        return True
    after, before = _after(said, at, text), _before(said, at)
    if _PRODUCT.match(text, word.end) or (after and after.text.lower() in known["bearers"]) or _is_borne(before):
        return not _acts(said, at, text, "en")
    is_known_eponym = title in known["eponyms"]
    if not (is_known_eponym or is_in(List.EPONYM, title)):
        return False
    is_rare = is_known_eponym and title not in known["surnames"]
    if is_rare and word.begins and not _acts(said, at, text, "en"):
        return True
    if (is_known_eponym and _STAGE.match(text, word.end)) or _LEVEL.match(text, word.end):
        return True
    if after and (after.text.lower() in known["context"] or _is_thing(after, is_rare)):
        return True
    if not before:
        return False
    if before[0] in known["context_before"] or before[0] in known["context"]:
        return True
    if before[0] in _METHODS and _MEASURED.search(text):
        return True
    if before[0] not in ("de", "del", "von", "nach", "of") or len(before) < 2:
        return False
    # `Quiste de Baker` is the cyst; `Aufnahme von Fischer` and `film of Fischer` are somebody's.
    is_of_thing = before[0] in ("de", "del", "nach") and before[1] in known["context"] | known["context_before"]
    return is_of_thing or (is_rare and before[1] not in known["people"])


def _is_borne(before: list[str]) -> bool:
    """Whether what stands before it, nearest first, is a sign, score or device that is called after something."""
    bearers = vocabulary()["bearers"]
    if not before:
        return False
    return before[0] in bearers or (
        before[0] in ("de", "nach", "of", "von") and len(before) > 1 and before[1] in bearers
    )


def _is_of_joined_eponyms(said: list[Word], at: int, text: str) -> bool:
    """Whether hyphens join it to others of which two are eponyms, or one that is no common surname."""
    known, first, last = vocabulary(), at, at
    while first and text[said[first - 1].end : said[first].start] in ("-", "‐", "–"):
        first -= 1
    while last + 1 < len(said) and text[said[last].end : said[last + 1].start] in ("-", "‐", "–"):
        last += 1
    titles = [word.plain.capitalize() for word in said[first : last + 1]]
    eponyms = [title for title in titles if title in known["eponyms"] or title in known["alone"]]
    return len(eponyms) > 1 or any(title not in known["surnames"] for title in eponyms)


def _before(said: list[Word], at: int) -> list[str]:
    """The words before it, nearest first, in small letters, without letters alone and the eponyms that it is joined to."""
    eponyms = vocabulary()["eponyms"]
    found = [each for each in reversed(said[max(0, at - 6) : at]) if len(each.text) > 1]
    while found and (found[0].plain.capitalize() in eponyms or found[0].text.lower() in ("and", "und", "y")):
        found = found[1:]
    return [each.text.lower() for each in found]


def _after(said: list[Word], at: int, text: str) -> Word | None:
    """The first word behind it that is no eponym joined to it by a hyphen, a blank, or `and`."""
    eponyms = vocabulary()["eponyms"]
    for each, before in zip(said[at + 1 : at + 4], said[at : at + 3], strict=False):
        if text[before.end : each.start].strip(" -‐–/'’s,"):
            return None
        if each.plain.capitalize() not in eponyms and each.text.lower() not in ("and", "und", "y", "de", "von"):
            return each
    return None


def _is_thing(word: Word, is_rare: bool) -> bool:
    """Whether the word behind an eponym is what bears it, in small letters: nothing that goes on about a person and, behind
    what is a common surname too, of medicine."""
    small = word.text
    return small.islower() and small not in vocabulary()["going_on"] and (is_rare or is_clearly_of_medicine(small))


def _is_joined_to_a_noun(said: list[Word], at: int, text: str) -> bool:
    """Whether hyphens join it to an ordinary word behind it: Hill-Sachs-Delle, Foley-type."""
    for before, each in zip(said[at:], said[at + 1 :], strict=False):
        if text[before.end : each.start] not in ("-", "‐"):
            return False
        if (
            len(each.plain) > 2
            and not is_name(each.plain.capitalize())
            and any(is_common(each.plain, name) for name in LANGUAGES)
        ):
            return True
    return False
