"""Names that something announces: a title before or a degree behind, who signed, who was told, whose mother; in English,
German and Spanish, whatever the text's own language."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from components.sources.names.bare import is_name_like, is_surname, is_unknown, terms
from components.sources.names.compounds import is_medical_compound
from components.sources.names.cue_words import (
    BROAD,
    CLOSING,
    CUES,
    PART,
    PASSED_ON,
    ROLE,
    ROLE_BEHIND,
    SIGNED,
    STRONG,
    TOLD,
    UPPER,
    VERB_BEFORE,
    VERB_BEHIND,
    WITH_SOMEBODY,
)
from components.sources.names.labels import has_labelled_name
from components.sources.names.lexicon import vocabulary, words
from components.sources.names.medicine import is_clearly_of_medicine, is_of_medicine
from components.sources.names.roles import has_name_beside_role, is_role, may_be_somebody, roles
from components.sources.names.tokens import is_common, words_of

_WHOLE = re.compile(r"[^\W\d_]{2}")
_WORD = re.compile(r"[^\W\d_]+(?:['’.-][^\W\d_]+)*")
_TITLE = re.compile(
    r"(?<![\w/])(?:(?:Eheleute|Ehepaar|Familie|Fam|Witwe|Witwer|Geschwister|Gebrüder|Mag|Primar|Primaria|Prim|Univ|LOA|LOÄ|FA|FÄ|Frl|Hrn|DDr|Dres|Sir|Lady|Matron|Pastor|Officer|Ldo|Lda|Dª|Sor|Fray|Doctora|Profa|Profesora?|Señora?|Señorita|Hna|Hno|Mr|Mrs|Ms|Mx|Cap|Tte|Sgto|Cdte|Mister|Miss|Dame|Lt|Hon|Ing|Dr\.?in|Drin|Dr|DR|Doctor|Prof|Professor|Nurse|Hr|Herrn?|Frau|Fräulein|OA|OÄ|Oberarzt|Oberärztin|Chefarzt|Chefärztin|Assistenzarzt|Assistenzärztin"
    r"|Freiherrn?|Freifrau|Gräfin|Baron(?:in|ess)?|Fürstin|Lord|Colonel|Reverend|Rabbi|Imam|Councillor|Sister|Sres|Sras|Srs|Dtora?|Lcd[oa]|Ilm[oa]|Excm[oa]|Mossèn|Dipl\.?-\w+|Stationsarzt|Stationsärztin|Facharzt|Fachärztin|Ordensschwester"
    r"|Schwester|Pfleger|PD|Priv|Sr|Sra|Srta|Dra|DRA|Don|Doña|Dña|Dn|Lic|Enf|Mme|M\.? ?D|Sgt|Capt|Rev|Fr)\b\.?|(?:MR|MRS|MS|SR|SRA|DÑA|D)\.(?=\s[A-ZÁÉÍÓÚÑ])|(?:MRS|MR|MS|MISS|SRA|SR|SRTA|FRAU|HERRN?|PROF|DOÑA|DON)(?=\s[A-ZÄÖÜÁÉÍÓÚÑ'’]{3,}))"
    r"(?:[ ,]*(?:med|Med|univ|Univ|dent|habil|Dipl|Ing|Dr|Dra|Prof|h\.c|rer|nat)\b\.?)*"
)
_SMALL_TITLE = re.compile(
    r"(?<![\w/.])(?:mr|mrs|ms(?=\.)|dr|sr(?=\.)|sra|srta|dra|doctor|doctora|profesora?|señora?|señorita|don|d(?=\.)|hr(?=\.)|fr(?=\.)|herrn?|frau|doña|dña|prof)\b\.?\s+([^\W\d_]{3,})"
)
_DEGREE = re.compile(
    rf"({PART}),?\s+(?:M\.?\s?D\.?|D\.?O\.|DO|R\.?N\.?|Ph\.?\s?D\.?|MBBS|MBBCh|FRCR|FRCS|FRCP|FACR|MRCP|PA-C|ARNP|CRNP|DNP|FNP|NP-C|DPM|DDS|BSN|DABR|RDMS|R\.?T\.?\s?\(R\))(?![\w-])"
)
_WEAK_TITLES = words(
    "Eheleute Ehepaar Familie Fam Witwe Witwer Geschwister Gebrüder D Fr PD Priv Sr SR OA Ing Lt M MD M.D MISS Nurse Schwester Pfleger MS MR MRS SRA DON Baron Sister Stationsarzt Facharzt"
)
_HALF_TITLES = words("Fr OA Schwester Pfleger Nurse Sister Stationsarzt Facharzt")
"""Titles of German and English where nearly any noun behind them is a name, if no other language has it."""
_ONE_INITIAL = re.compile(r"[,\s]{0,2}[A-ZÄÖÜ]\b(?!['’-])\.?")
_AGED = re.compile(
    rf"(?<![\w-])({PART}),?\s+\(?\d{{1,3}}\s?-?\s?(?:y\b|yo\b|y/o|yrs?\b|years?\b|jähr|J\.|Jahre|años|[mf]\b)"
)
_FOR_SOMEBODY = re.compile(
    rf"(?:^|[\n.;])\s*(?:P\.\s?[OADP]\.|p\.\s?p\.|pp\.?|ppa\.|P/O)[:,]?\s+({PART})\s+(?:[a-zé]{{2,3}}\s+)?({PART})"
)
"""Who signs in another's place, two words with capitals behind it: `P. O. Ana Ruiz`. By mouth is written so too."""
_BETWEEN = re.compile(r"[\s.,:;/()\"„“-]*")
_INITIALED = re.compile(rf"(?<![\w.])(?:[{UPPER}]\.[ -]?){{1,3}}\s?({PART})")
_SIGNED_INITIALS = re.compile(
    rf"(?:^|[\n.,;(] ?|(?<![\w-])(?i:by|with|per|to|from|and|y|und|von|mit|durch|an|bei|por|con|de|a|según|laut)\s)(?:[{UPPER}]\.[ -]?){{1,3}}({PART})(?=[.,;:)\n/]| /|\s*$| [a-zäöüßáéíóúñ(])"
)
"""Initials where a sentence, a clause or an agent begins: no grade stands there."""
_INVERTED = re.compile(rf"(?<![\w.-])({PART}),?\s(?:[{UPPER}]\.\s?){{1,2}}(?!\w)")
_INITIALS = re.compile(r"[A-ZÄÖÜ]{2,3}\b(?![-/])|(?:[A-ZÄÖÜ]\.\s?){2,3}|[A-Z][A-Za-z]?/[A-Z][A-Za-z]?\b")
_WHOLE_WORD = 6
"""Letters from which a cue is no abbreviation: a stop behind it ends its sentence."""
_SENTENCE_ENDS = re.compile(r"\.\s")
_LONGEST_SURNAME = 12
_MOST_SKIPPED = 5
"""Words between a cue and the name: articles, titles, what somebody is."""


def has_titled_name(text: str) -> bool:
    """Whether a title stands before a word with a capital or an initial, or a degree behind one."""
    known_roles = roles()
    for match in _TITLE.finditer(text):
        if match.group().startswith("Fr") and text[: match.start()].rstrip()[-1:].isdigit():
            continue  # French, the size of a catheter
        is_weak = match.group().rstrip(".") in _WEAK_TITLES
        if not is_weak and _ONE_INITIAL.match(text, match.end()):
            return True
        found = next(_following(text, match.end()), None)
        if found is None or found.text in known_roles or found.text[0].islower():
            continue
        is_half = match.group().rstrip(".") in _HALF_TITLES
        others = ("en", "es") if is_half else ("en", "de")
        if is_weak and found.start in terms(text):
            continue
        if not is_weak or found.is_initialed or all(is_name_like(found.text, each, strictly=True) for each in others):
            return True
    small, stops = _small_roles(), vocabulary()["stops"]
    if any(match[1].lower() not in stops | small for match in _SMALL_TITLE.finditer(text)):
        return True
    return any(match[1] not in known_roles and len(match[1]) > 2 for match in _DEGREE.finditer(text))


def has_cued_name(text: str, language: str) -> bool:
    """Whether a word that announces a person is followed by what may be one's name, or initials stand beside one."""
    return (
        _has_name_behind_cue(text, language)
        or has_name_beside_role(text, language)
        or has_labelled_name(text, language)
        or _has_name_among_acts(text, language)
        or _has_initialed_name(text, language)
    )


def _has_name_behind_cue(text: str, language: str) -> bool:
    begun = {word.start for word in words_of(text) if word.begins}
    for match in CUES.finditer(text):
        is_strong = bool(STRONG.match(match.group()))
        is_broad = bool(BROAD.fullmatch(match.group()))
        # Behind a label, and where a capital says something, as not in German, any cue that announces little else is enough.
        is_label = match.group()[-1] in ":/" or text[match.end() : match.end() + 1] in (":", "/", "=")
        is_broad = is_broad and not (is_label and ROLE.match(match.group()))
        if not is_strong and len(match.group()) >= _WHOLE_WORD and _SENTENCE_ENDS.match(text, match.end()):
            continue
        found = list(_following(text, match.end()))
        if is_broad and found and found[0].start in terms(text):
            continue
        is_enough = is_strong or (not is_broad and (is_label or language != "de"))
        shouts = match.group().isupper() and len(match.group()) >= _WHOLE_WORD
        if any(_is_announced(each, language, is_strong=is_enough, is_broad=is_broad, shouts=shouts) for each in found):
            return True
        if found and not _WHOLE.search(text, match.end(), found[0].start):
            word, is_certain = found[0].text, is_strong or language == "de" or found[0].start not in begun
            if SIGNED.fullmatch(match.group()) and _may_sign(word):
                return True
            if (
                is_certain
                and not (is_broad and word.isupper())
                and may_be_somebody(word, language, may_be_noun=not is_broad)
            ):
                return True
        if is_broad and len(found) > 1 and _are_small_names(found[0].text, found[1].text, language):
            return True
        if is_strong and _is_signed_short(text, match.end()):
            return True
    return False


def _has_name_among_acts(text: str, language: str) -> bool:
    """Whether a word stands where only who does something, or has it done, is named."""
    if any(may_be_somebody(match[1], language) for form in PASSED_ON for match in form.finditer(text)):
        return True
    forms = [match[1] for form in VERB_BEFORE for match in form.finditer(text)]
    if any(may_be_somebody(word, language, may_be_noun=False) for word in forms):
        return True
    if language != "de":
        of_things = terms(text)
        others = [match[1] for match in WITH_SOMEBODY.finditer(text) if match.start(1) not in of_things]
        if any(may_be_somebody(word, language) and not word.isupper() for word in others):
            return True
    if any(may_be_somebody(match[1], language, is_heading=True) for match in CLOSING.finditer(text)):
        return True
    if any(all(map(_is_plain_capital, match.groups())) for match in _FOR_SOMEBODY.finditer(text)):
        return True
    if any(_is_plain_capital(match[1], language) for form in (ROLE_BEHIND, TOLD) for match in form.finditer(text)):
        return True
    return any(_is_person(match[1], language) for form in (_AGED, VERB_BEHIND) for match in form.finditer(text))


def _has_initialed_name(text: str, language: str) -> bool:
    initialed = [match[1] for match in _INITIALED.finditer(text) if match[1] not in _morbus(match)]
    if any(is_surname(word) and not is_of_medicine(word) for word in initialed):
        return True
    if any(may_be_somebody(word, language, is_heading=True, may_be_noun=False) for word in initialed):
        return True
    at_start = [match[1] for match in _SIGNED_INITIALS.finditer(text) if match[1] not in _morbus(match)]
    if any(may_be_somebody(word, language) and word.istitle() for word in at_start):
        return True
    initialed += [match[1] for match in _INVERTED.finditer(text) if not _is_graded(match[1])]
    return any(len(word) > 2 and not word.isupper() and _is_person(word, language) for word in initialed)


def _is_announced(found: "_Found", language: str, *, is_strong: bool, is_broad: bool, shouts: bool) -> bool:
    """Whether what follows a cue is a name: like one, or behind initials or a signature any word with a capital that is no
    role; in small letters, behind a cue that announces little else, what no dictionary knows."""
    word = found.text
    if word[0].isupper():
        if _is_person(word, language, strictly=not is_broad):
            return True
        small = vocabulary()[f"small_{language}"] | vocabulary()["stops"]
        if is_role(word) or word.lower() in small or (word.isupper() and len(word) < 4):
            return False
        is_beside_initial = found.is_initialed or found.is_followed_by_initial
        if is_broad:
            return is_beside_initial and _is_plain_capital(word, language) and not _is_graded(word)
        if is_beside_initial:
            return True
        # KESSEL behind a cue in small letters is written so because it is a surname.
        return is_strong and _is_plain_capital(word if shouts or len(word) < 5 else word.capitalize(), language)
    parts = [part for part in re.split(r"[-'’]", word) if len(part) > 2]
    is_nobody = (is_broad and not found.is_initialed) or not parts or word.lower() in vocabulary()["stops"]
    is_nobody |= is_role(word)
    return not is_nobody and all(is_unknown(part, language) for part in parts)


def _are_small_names(first: str, second: str, language: str) -> bool:
    """Whether two words in small letters are a name: the second known to nobody, the first neither, or short."""
    if not (first.islower() and second.islower()) or len(second) < 4 or not is_unknown(second, language):
        return False
    return (len(first) < 4 and first not in vocabulary()["stops"]) or is_unknown(first, language)


def _is_plain_capital(word: str, language: str = "en") -> bool:
    """Whether the word has one capital, the first, and is of no report: neither of medicine nor a word of the language
    that only looks so, as Salgado does."""
    looks_so = is_of_medicine(word) and (is_clearly_of_medicine(word) or is_common(word, language))
    looks_so |= language == "de" and is_medical_compound(word.lower())
    return (
        word.istitle()
        and not looks_so
        and not is_role(word)
        and word.lower() not in vocabulary()["stops"] | vocabulary()["nobody"]
    )


def _may_sign(word: str) -> bool:
    """Whether the word has a capital and is no role, and nothing that goes on."""
    known = vocabulary()
    nobody = known["nobody"] | known["stops"] | known["small_en"] | known["small_de"] | known["small_es"]
    return word.istitle() and len(word) > 2 and not is_role(word) and word.lower() not in nobody


def _morbus(match: re.Match[str]) -> frozenset[str]:
    """The eponyms, where the initial is an M: M. Crohn."""
    return vocabulary()["eponyms"] | vocabulary()["alone"] if match.group().startswith("M.") else frozenset()


def _is_graded(word: str) -> bool:
    """Whether a letter behind the word is a grade: Weber B., Child-Pugh A."""
    known = vocabulary()
    return any(part in known["eponyms"] | known["alone"] for part in word.split("-"))


def _is_person(word: str, language: str, *, strictly: bool = False) -> bool:
    """Whether any part of a word with a capital is like a name; `strictly` where a cue stands before it."""
    if is_role(word) or (word.isupper() and len(word) < 4):
        return False
    parts = [part for part in re.split(r"[-'’.]", word) if len(part) > 2] or [word]
    return any(is_name_like(part, language, strictly=strictly) and part not in roles() for part in parts)


def _is_signed_short(text: str, at: int) -> bool:
    """Whether initials alone stand behind a signature's cue."""
    rest = text[_BETWEEN.match(text, at).end() :]  # type: ignore[union-attr]
    found = _INITIALS.match(rest)
    return bool(found) and found.group().strip() not in roles()


@dataclass(frozen=True, slots=True)
class _Found:
    """The word behind a cue that could be a name."""

    text: str
    start: int
    is_initialed: bool
    """Whether an initial stands between."""
    is_followed_by_initial: bool


def _following(text: str, at: int) -> Iterator[_Found]:
    """The two words at most behind a place of the text that could be a name, on its line or the next: what joins names,
    initials and roles are passed over."""
    joining, known_roles, small = vocabulary()["joining"], roles(), _small_roles()
    is_initialed, is_second, said = False, False, ""
    for _ in range(_MOST_SKIPPED):
        between = _BETWEEN.match(text, at)
        assert between is not None
        gap = between.group()
        word = _WORD.match(text, between.end())
        if (
            word is None
            or gap.count("\n") > 2
            or (". " in gap and (len(gap) > 3 or len(said) >= _WHOLE_WORD or (len(said) > 2 and said.isupper())))
            or (is_second and gap not in (" ", ", "))
        ):
            return
        at = word.end()
        said = word.group().rstrip(".")
        if len(said) == 1 and (said.isupper() or text[at : at + 1] == "."):
            is_initialed = True
            continue
        if said.lower() in joining or said in known_roles or said.lower() in small:
            if is_second:
                return
            continue
        yield _Found(said, word.start(), is_initialed, bool(_ONE_INITIAL.match(text, at)))
        if is_second:
            return
        is_second, is_initialed = True, False


@cache
def _small_roles() -> frozenset[str]:
    return frozenset(word.lower() for word in roles())
