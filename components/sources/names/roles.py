"""Names beside what somebody is: `Stationsschwester Vogel`, `la enfermera Holgado`, `nurse practitioner Hill`, `Vogel, Hebamme`.
Any word that says what a person does announces a name, whether a list has it or not: in each language they end alike."""

import re
from functools import cache

from components.sources.names.bare import is_name_like, terms
from components.sources.names.compounds import ends_like_a_surname, is_compound, is_medical_compound
from components.sources.names.cue_words import PART, ROLE_ENDING
from components.sources.names.lexicon import vocabulary
from components.sources.names.medicine import is_clearly_of_medicine
from components.sources.names.tokens import is_common, is_listed, is_name

_ENGLISH = (
    r"(?:[a-z]*nurse|[a-z]*midwife|matron|sister|practitioner|assistant|consultant|registrar|resident|fellow|attending|intern|surgeon|physician|doctor|locum|houseman|clinician"
    r"|[a-z]{3,}(?:ologist|ician|iatrist|etist|acist|apist|tionist|ienist|ographer|opist)|technologist|technician|(?:dent|internal|intensiv|hospital|herbal|orthodont|physi|special|typ)ist|physio|worker|visitor|officer|constable|sergeant|detective|paramedic|chaplain"
    r"|pastor|priest|rabbi|imam|vicar|interpreter|translator|secretary|scribe|coordinator|coordinador|counsell?or|manager|porter|carer|caregiver|caretaker|guardian|teacher|coach|trainer|supervisor|student|trainee|SHO|SpR|HCA|LPN|LVN|CRNA|CNM|PA-C|RN|ST\d|FY\d|CT\d(?= [A-Z][a-z])"
    r"|neighbou?r|roommate|flatmate|housemate|fianc[ée]e?|boyfriend|girlfriend|stepson|stepdaughter|stepmother|stepfather|grandson|granddaughter|godmother|godfather|great-aunt|great-uncle|son-in-law|daughter-in-law|mother-in-law|father-in-law|brother-in-law|sister-in-law|twin)"
)
_GERMAN = (
    r"(?:[\wäöüß-]*(?:schwester|pfleger(?:in|s)?|pflegekraft|fachfrau|fachmann|fachkraft|arzt|arztes|ärztin|ärzte|doktor|doktorin|dozent(?:in)?|professor(?:in|s)?|helfer(?:in)?|assistent(?:in|en)?|therapeut(?:in|en)?|hebamme|psycholog(?:e|in|en)|olog(?:e|in|en)|logop(?:äde|ädin|äden)|chirurg(?:in|en)?"
    r"|sanitäter(?:in)?|apotheker(?:in)?|betreuer(?:in)?|arbeiter(?:in)?|leiter(?:in)?|pfarrer(?:in)?|pastor(?:in)?|seelsorger(?:in)?|famul(?:us|ant|antin)|student(?:in|en)?|pjler(?:in)?|dolmetscher(?:in)?|koll?eg(?:e|in|en)|meister(?:in)?|manager(?:in)?|sekretär(?:in)?|berater(?:in)?"
    r"|(?:anästhes|intern|spezial|poliz|rezeption|kardiotechn|logist|radiolog|hospital)ist(?:in|en)?|primar(?:ius|ia)?|lehrer(?:in)?|trainer(?:in)?|erzieher(?:in)?|nachbar(?:in)?|freund(?:in)?|partner(?:in)?"
    r"|vertreter(?:in)?|vormund|anwalt|anwältin|zeuge|zeugin|untersucher(?:in)?|operateur(?:in)?|befunder(?:in)?|zuweiser(?:in)?|einsender(?:in)?|berichterstatter(?:in)?|protokollant(?:in)?|referent(?:in)?|koordinator(?:in)?|techniker(?:in)?|optiker(?:in)?|hygieniker(?:in)?|mitarbeiter(?:in)?|bewohner(?:in)?|mitpatient(?:in)?)"
    r"|(?<![\w-])(?:groß|schwieger|stief|pflege|adoptiv|ur|halb|zwillings|paten)*(?:verlobte[rn]?|schwager|schwägerin|sohn|tochter|mutter|vater|bruder|onkel|tante|enkel(?:in)?|neffe|nichte|cousine?|ehefrau|ehemann|gattin|gatte)|(?:stations|heim|pflege|pflegedienst|praxis|schul|team)leitung"
    r"|Fräulein|MTRA?|MTA|MFA|ZFA|GuKG|DGKP|DGKS|OTA|ATA|OÄ|CÄ|FÄ|AÄ|Graf(?! I)|Eheleute|Familie|Fam\.|Frau|Herrn?)"
)
_SPANISH = (
    r"(?:enfermer[oa]|matr[oó]na|matr[oó]n|comadrona|partera|residente|adjunt[oa]|supervisora?|celadora?|auxiliar|t[eé]cnic[oa]|fisio(?:terapeuta)?|logopeda|psic[oó]log[oa]|farmac[eé]utic[oa]|cirujan[oa]|m[eé]dic[oa]|facultativ[oa]|doctora?|profesora?|especialista|becari[oa]|alumn[oa]|estudiante"
    r"|[a-záéíóú]{3,}(?:[oó]log[oa]|[ií]atra|ista|terapeuta)|pediatra|geriatra|dentista|trabajadora?(?: social)?|capell[aá]n|sacerdote|p[aá]rroco|coordinadora?|int[eé]rprete|agente|jef[ea](?: de \w+)?|secretari[oa]|administrativ[oa]|cuidadora?|maestr[oa]|tutora?|vecin[oa]|c[oó]nyuge|amig[oa]|compañer[oa]|novi[oa]"
    r"|espos[oa]|marido|mujer|madre|padre|hij[oa]|herman[oa]|abuel[oa]|t[ií]o|tía|sobrin[oa]|niet[oa]|cuñad[oa]|suegr[oa]|yerno|nuera|prim[oa]|señora?|señorita|niñ[oa]|TCAE|TER|TSID|MIR|DUE|EIR|R[1-5]|médic[oa] de (?:guardia|familia|cabecera|planta))"
)
_BEFORE = re.compile(
    rf"(?<![\w/.-])(?P<role>(?i:{_ENGLISH}|{_GERMAN}|{_SPANISH}))(?:,? |: ?|\s\()(?:(?:Dr|Dra|Prof|Frau|Herrn?|Hr|Fr)\.? )*(?P<name>{PART})(?: (?P<second>{PART}))?(?![\w/])"
)
_LETTERS = r"(?:CRNA|DPT|CNM|LPN|LVN|APRN|PharmD|Pharm\.D\.|LCSW|RVT|RPh|EMT(?:-P)?|NRP|OTR(?:/L)?|FACS|FACC|FACEP|FAAP|FACOG|FASE|BSN|MSN|RDCS|RCS|ARRT|CCRN|CEN|RRT|CCC-SLP|AuD|PsyD|DMD|DVM|ANP-BC|FNP-BC|AGACNP(?:-BC)?|ACNP|PNP|CNP|WHNP|MBChB|MB ?ChB|M\.B\.|NP(?=,? (?:saw|was|removed|called|changed|placed|told)\b)|MRCGP|FRANZCR|FFRRCSI|FRCPC|FRCA|FRCOphth|RGN|RMN|SRN|R\.D\.|DC|D\.C\.|LMFT|LPC|CHES|RT\([A-Z]{1,3}\)|RT)"
_DEGREE = re.compile(rf"({PART})(?:,? | \()(?:{_LETTERS})(?![\w-])")
_SHORT_LETTERS = re.compile(
    rf"({PART}) ({PART}|[A-Z]\.)(?: {PART})?, ?(?:NP|PT|OT|OD|RD|SLP|MPH|MS|MA|PA|MSc|BSc|MBA|CNS|LD|DNP)(?![\w-])"
)
"""Letters that mean other things as often: behind two words with capitals and a comma."""
_LETTERED = re.compile(rf"({PART}),? \((?:MD|RN|NP|PA|DO|PhD|{_LETTERS})\)")
_BEHIND = re.compile(
    rf"(?<![\w-])(?P<name>{PART})(?:, | \(| [-–/] )(?:the |der |die |el |la |our |his |her |on[- ]call |leitende[rn]? |zuständige[rn]? )?(?P<role>{_ENGLISH}|{_GERMAN}|{_SPANISH})(?![\w-])"
)
_ABSTRACT = ("ung", "ungen", "heit", "keit", "tion", "schaft", "tät", "nis", "ismus", "gabe", "wunsch", "termin")
_LONGEST_NOUN = 12
_ROLE = re.compile(rf"(?i:{_ENGLISH}|{_GERMAN}|{_SPANISH})")
_JOINED = re.compile(r"^(?:Mc|Mac|Fitz|O['’]|D['’]|De|Di|La|Le|Van)(?=[A-Z])")


def has_name_beside_role(text: str, language: str) -> bool:
    """Whether a word with a capital stands directly behind what somebody is, or before it behind a comma; or before the
    letters of a degree."""
    of_things = terms(text)
    for form in (_BEFORE, _BEHIND):
        for match in form.finditer(text):
            is_heading = match["role"][0].isupper() or form is _BEHIND
            groups = [group for group in ("name", "second") if match.groupdict().get(group)]
            if any(
                (match.start(group) not in of_things or (language == "de" and form is _BEFORE))
                and may_be_somebody(match[group], language, is_heading=is_heading, may_be_noun=group == "name")
                for group in groups
            ):
                return True
    lettered = [match[1] for form in (_DEGREE, _SHORT_LETTERS, _LETTERED) for match in form.finditer(text)]
    return any(may_be_somebody(word, "en", is_heading=True) for word in lettered)


def may_be_somebody(word: str, language: str, *, is_heading: bool = False, may_be_noun: bool = True) -> bool:
    """Whether a word with a capital, beside a word that announces people, is no role and no word of reports. In German any
    noun has a capital: none that is abstract or long counts, and none that is listed or made of known words unless it `may_be_noun`.
    In a heading of other languages any word has one, too: only what no dictionary has, or has as a name."""
    if not _is_shaped_like_a_name(word) or _is_of_nobody(word, language):
        return False
    if is_name(word.capitalize()) and language != "de":
        return True
    if is_name_like(word, language, strictly=True) and not (
        language == "de" and (is_common(word, "de") or word.lower().endswith(_ABSTRACT))
    ):
        return True
    if language != "de":
        return not is_heading
    low = word.lower()
    if is_medical_compound(low) or low.endswith(_ABSTRACT):
        return False
    if is_listed(word, "de") or is_compound(low):
        return (may_be_noun and len(low) <= _LONGEST_NOUN) or (not is_listed(word, "de") and ends_like_a_surname(low))
    return may_be_noun or len(low) <= _LONGEST_NOUN


def _is_shaped_like_a_name(word: str) -> bool:
    """Whether each part has one capital, the first, or all letters are capitals, four at least: no RapidArc, no CT."""
    first = re.split(r"[-'’]", _JOINED.sub("", word))[0]
    return len(first) > 2 and first[0].isupper() and (first[1:].islower() or (first.isupper() and len(first) > 3))


def _is_of_nobody(word: str, language: str) -> bool:
    """Whether it is a small word, a role or clearly of medicine."""
    known, low = vocabulary(), word.lower()
    if low in known["stops"] | known["nobody"] | known[f"small_{language}"] or is_role(word) or _ROLE.fullmatch(word):
        return True
    return is_clearly_of_medicine(word) and (low in known["report"] or not is_name(word.capitalize()))


def is_role(word: str) -> bool:
    """Whether the word says what somebody is, or a compound of such: Stationsschwester, patólogos."""
    return word in roles() or (len(word) > 6 and bool(ROLE_ENDING.search(word)))


@cache
def roles() -> frozenset[str]:
    """Words of all languages that say what somebody is, or where one works."""
    known = vocabulary()
    return known["role_en"] | known["role_de"] | known["role_es"]
