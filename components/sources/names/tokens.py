"""The words of a text with what their place says of their capitals."""

import re
from dataclasses import dataclass
from functools import lru_cache

from components.sources.names.lexicon import List, folded, is_in, vocabulary, words

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_ABBREVIATED = re.compile(
    r"(?:\b(?:Dr|Mr|Mrs|Ms|Prof|St|vs|etc|ca|approx|bzw|evtl|ggf|inkl|med|Hr|Fr|Sr|Sra|Srta|Dra|No|Nr|Fig|Figs|Abb|e\.g|i\.e|z\.B|d\.h|u\.a|o\.g|Z\.n|V\.a|M|aprox|p\.ej|resp|sog|St\.p|li|re|bds|dx|sin|lat)|\b[A-Za-z])\.$"
)
"""What ends in a stop and ends no sentence."""
_GREEK = re.compile(
    r"(?i)(?:itis|itiden|osis|osen|ose|oma|omas|omen|omata|oma?tose|omatosis|pathy|pathie|pathien|pat[ií]a|pat[ií]as|ectomy|ektomie|ectom[ií]a|otomy|otomie|otom[ií]a"
    r"|ostomy|ostomie|ostom[ií]a|plasty|plastie?k?|plast[ií]a|graphy|graphie|graf[ií]a|graf[ií]as|gram|gramm|gramme|scopy|skopie|scopia|logy|logie|log[ií]a|megaly|megalie|megalia|emia|[äa]mie|uria|urie"
    r"|algia|algie|plegia|plegie|paresis|parese|sclerosis|sklerose|esclerosis|stenosis|stenose|ectasis|ektas[ie]e?|ectasia|ektasie|malacia|malazie|penia|penie|trophy|trophie|trofia|cele|zele|lysis|lyse|lisis|rrhage|rrhagie|rragia|rrhea|rrhoe"
    r"|genesis|genese|tion|tionen|sion|ci[oó]n|ciones|si[oó]n|siones|it[äa]t|idad|idades|ismo?s?|ismus|ungen|ung|heit|keit|schaft|ierung|ierungen|ometer|metrie|metr[ií]a|zyten|cytes?|citos?|tic|tisch|tische[rnms]?|ische[rnms]?|al|ale[rnms]?|ell|elle[rnms]?|mente|ly|ness|ment|able|ible|ous|ed|ing|amab|imab|umab|tinib|pril|statin|sartan|olol|cillin|mycin|azol|azole|idin|idon|om|ome|omen|oms|ie|ien|tio|chen|ianus|iana|inus|alis|aris|icus|ica|mientos?|uras?|ajes?|iasis|iases|ic[oa]s?|os[oa]s?|ad[oa]s?|id[oa]s?|ador|adora|ares)$"
    r"|^(?:hepato|spleno|cardio|kardio|neumo|pneumo|neuro|osteo|arthro|artro|chondro|condro|myo|mio|lipo|fibro|angio|hemo|haemo|h[äa]mo|hidro|hydro|nephro|nefro|uretero|colo|kolo|gastro|entero|cholecysto|cholezysto|colecisto|choledocho|coledoco|pyelo|pielo|broncho|bronquio|bronco|thoraco|thorako|toraco|craneo|cranio|kranio|cervico|zerviko|lumbo|dorso|peri|retro|intra|extra|infra|supra|sub|inter|hyper|hiper|hypo|hipo|poly|poli|micro|mikro|macro|makro|pseudo|multi|trans|contra|kontra|anti|endo|para|meta|post|pre|prä|semi|bi|tri|dys|dis|radio|sono|echo|eco|tomo|mammo|mamo|venö|venos|arteri|pleur|peritone|medias|medi[aá]st|parench|parénq|pulmon|vertebr|duoden|pancre|pankre|sigmo|rekt|rect|prostat|pr[oó]st|uter|ovar|adren|suprar|nebennier|schilddr|hilus|hil[ia]|epi|hemi|aero|atelect|atelekt|condil|kondyl|flebo|phlebo|esofag|[oö]esoph|orto|ortho|costo|costal|costill|diaf|apof|apoph|naso|oro|odonto|acetab|azetab|iliac|iliak|sacro|sakro|femor|tibio|peron|escapul|skapul|esternal|sternal|mening|perika|peric[aá]rd|endocard|endokard|cerebr|zerebr|enceph|enzeph|encefal|ventr[ií]c|ventrik|lobul|lobar|segment|alveol|kalkan|calc[aá]n|calcif|kalzif|verkalk|divertik|divert[ií]c|fissur|granul|tumor|nodul|zyst|cyst|quist|embol|thromb|tromb|isch[äa]m|isqu[eé]m|infiltr|rezess|reces|rekess|ruptur|läsion|lesion|varik|regred|progred|spondyl|espondil|discop|diskop|menis|ligament|tend[io]|synov|sinov|capsul|kapsul|medull|medul|hipoc|hypoc|osif|ossif|esclero|sklero|sclero|fract|frakt|luxa|subluxa|consolid|konsolid|opaci|densid|ecogen|echogen|engros|dilat|esten|stenos|oclus|okklus|obstruc|obstruk|perfor|necro|nekro|atrof|atroph|hipertr|hypertr|metast|neopl|carcin|karzin|adeno|linf|lymph|leuco|leuko|eritro|erythro|trombo|thrombo|basal|apik|apic|dorsal|ventral|kaud|caud|kran|cran)"
)
"""How medicine makes its words. What looks so is none's name, known to a dictionary or not."""
_DECLINED = re.compile(r"(?:e|er|es|en|em)$")
"""Of a German adjective."""
_JOINTS = ("", "s", "es", "n", "en", "er", "e", "ens", "ns", "o")
_SHORT_TAILS = (
    "arm",
    "ohr",
    "tee",
    "rad",
    "weg",
    "hof",
    "ort",
    "art",
    "akt",
    "bad",
    "bau",
    "eis",
    "rat",
    "tag",
    "tod",
    "typ",
    "uhr",
    "zug",
)
_PREFIXES = words(
    "ab an auf aus be bei durch ein ent er fehl fort ge gegen her hin hinter miss mit nach neben rück teil über um un unter ur ver vor"
    " weg wieder zer zu zusammen zwischen"
)
_LONGEST_NAME = 12
"""Letters: hardly a surname of one word is longer, and most words that no dictionary has are."""
_LONG = 8
"""Letters from which a word that ends in a noun of five is a compound, whatever stands before."""
_NAME_ENDS = (
    "mann",
    "berg",
    "burg",
    "bach",
    "stein",
    "feld",
    "hof",
    "bauer",
    "meier",
    "meyer",
    "maier",
    "mayer",
    "müller",
    "schmidt",
    "huber",
    "hauser",
    "baum",
    "wald",
    "haus",
    "thal",
    "dorf",
    "horst",
    "rich",
    "hardt",
    "hart",
    "brecht",
    "helm",
)
"""Of German compounds: behind what is not of medicine they make surnames as often as nouns."""


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
    """Whether the word, as it stands or in lower case, is one of the language, or of medicine."""
    small = word.lower()
    if (
        len(small) > _LONGEST_NAME
        or is_in(List.MEDICAL, small)
        or small in vocabulary()["report"]
        or is_in(List(language), small)
    ):
        return True
    if language != "de":
        return False
    noun = small.capitalize()
    stem = _DECLINED.sub("", small)
    if stem != small and len(stem) > 3 and (is_in(List.DE, stem) or is_in(List.MEDICAL, stem) or is_in(List.EN, stem)):
        return True
    return is_in(List.DE, noun) or is_in(List.MEDICAL, noun) or is_in(List.EN, small) or _is_compound(small)


@lru_cache(maxsize=2**16)
def is_of_medicine(word: str) -> bool:
    """Whether the word is of medicine: by list, or by how it is made."""
    small = word.lower()
    if small in vocabulary()["report"] or is_in(List.MEDICAL, small) or is_in(List.MEDICAL, small.capitalize()):
        return True
    return len(small) > 6 and bool(_GREEK.search(folded(small)))


@lru_cache(maxsize=2**16)
def _is_compound(small: str) -> bool:
    """Whether it is a German word made of several that are known, the last a noun."""
    if len(small) > _LONG and any(_is_plain_noun(small[at:]) for at in range(3, len(small) - 4)):
        return True
    return any(_is_tail(small[at:]) and _is_head(small[:at], small[at:]) for at in range(len(small) - 3, 1, -1))


@lru_cache(maxsize=2**16)
def _is_plain_noun(tail: str) -> bool:
    """Whether it is a noun, and no name or what names end in."""
    noun = tail.capitalize()
    return (is_in(List.DE, noun) or is_in(List.MEDICAL, noun) or is_in(List.MEDICAL, tail)) and not (
        is_name(noun) or tail.endswith(_NAME_ENDS)
    )


def _is_tail(tail: str) -> bool:
    if len(tail) < 4:
        return tail in _SHORT_TAILS
    noun = tail.capitalize()
    return any(is_in(name, word) for name in (List.DE, List.MEDICAL) for word in (noun, tail)) or (
        len(tail) > 6 and _is_compound(tail)
    )


def _is_head(head: str, tail: str) -> bool:
    if head in _PREFIXES:
        return True
    for joint in _JOINTS:
        stem = head.removesuffix(joint)
        if len(stem) < 3 or (joint and stem == head):
            continue
        if any(is_in(List.MEDICAL, word) for word in (stem, stem.capitalize(), stem + "e")):
            return True
        if tail in _NAME_ENDS:
            continue
        if any(is_in(List.DE, word) for word in (stem, stem.capitalize(), (stem + "e").capitalize())) or (
            len(stem) > 6 and _is_compound(stem)
        ):
            return True
    return False
