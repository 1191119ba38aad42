"""Names that something announces: a title before or a degree behind, who signed, who was told, whose mother; in English,
German and Spanish, whatever the text's own language."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from components.sources.names.bare import is_name_like, is_surname, is_unknown, terms
from components.sources.names.compounds import is_medical_compound
from components.sources.names.lexicon import vocabulary, words
from components.sources.names.medicine import is_clearly_of_medicine, is_of_medicine
from components.sources.names.tokens import is_common

_UPPER = "A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĒĖĘĚĞĢĪİĶŁĻŃŅŇŌŐŘŚŞŠŢŤŪŮŰŹŻŽ"
_PART = rf"[{_UPPER}][^\W\d_]*(?:['’-][^\W\d_]+)*"
_WORD = re.compile(r"[^\W\d_]+(?:['’.-][^\W\d_]+)*")
_TITLE = re.compile(
    r"(?<![\w/])(?:(?:Mag|Primar|Primaria|Prim|Univ|LOA|LOÄ|FA|FÄ|Frl|Hrn|DDr|Dres|Sir|Lady|Matron|Pastor|Officer|Ldo|Lda|Dª|Sor|Fray|Doctora|Profa|Profesora?|Señora?|Señorita|Hna|Hno|Mr|Mrs|Ms|Mister|Miss|Dr|DR|Doctor|Prof|Professor|Nurse|Hr|Herrn?|Frau|Fräulein|OA|OÄ|Oberarzt|Oberärztin|Chefarzt|Chefärztin|Assistenzarzt|Assistenzärztin"
    r"|Freiherrn?|Freifrau|Gräfin|Baron(?:in|ess)?|Fürstin|Lord|Colonel|Reverend|Rabbi|Imam|Councillor|Sister|Sres|Sras|Srs|Dtora?|Lcd[oa]|Ilm[oa]|Excm[oa]|Mossèn|Dipl\.?-\w+|Stationsarzt|Stationsärztin|Facharzt|Fachärztin|Ordensschwester"
    r"|Schwester|Pfleger|PD|Priv|Sr|Sra|Srta|Dra|DRA|Don|Doña|Dña|Dn|Lic|Enf|Mme|M\.? ?D|Sgt|Capt|Rev|Fr)\b\.?|(?:MR|MRS|MS|SR|SRA|DÑA|D)\.(?=\s[A-ZÁÉÍÓÚÑ])|(?:MRS|MR|MS|MISS|SRA|SR|SRTA|FRAU|HERRN?|PROF|DOÑA|DON)(?=\s[A-ZÄÖÜÁÉÍÓÚÑ'’]{3,}))"
    r"(?:[ ,]*(?:med|Med|univ|Univ|dent|habil|Dipl|Ing|Dr|Dra|Prof|h\.c|rer|nat)\b\.?)*"
)
_SMALL_TITLE = re.compile(
    r"(?<![\w/.])(?:mr|mrs|ms(?=\.)|dr|sr(?=\.)|sra|srta|dra|doctor|doctora|profesora?|señora?|señorita|don|d(?=\.)|hr(?=\.)|fr(?=\.)|herrn?|frau|doña|dña|prof)\b\.?\s+([^\W\d_]{3,})"
)
_DEGREE = re.compile(
    rf"({_PART}),?\s+(?:M\.?\s?D\.?|D\.?O\.|DO|R\.?N\.?|Ph\.?\s?D\.?|MBBS|MBBCh|FRCR|FRCS|FRCP|FACR|MRCP|PA-C|ARNP|CRNP|DNP|FNP|NP-C|DPM|DDS|BSN|DABR|RDMS|R\.?T\.?\s?\(R\))(?![\w-])"
)
_CUES = re.compile(
    r"(?<!\w)(?:"
    # English
    r"(?:e-?|electronically |digitally )?(?:signed|dictated|transcribed|typed|read|reviewed|re-?read|verified|approved|authenticated|interpreted|reported|performed|requested|ordered|referred|prepared|validated|finalized|authorized|attested|co-?signed|examined|scanned|acquired|supervised|seen|treated|injected|placed|inserted|entered|assisted)(?: out)?(?: on [\d/. -]+)?(?: by|:)"
    r"|signed|signature|s/|dictating|(?:attending|resident|fellow|radiologist|technologist|sonographer|operator|surgeon|assistant|anesthesiologist|physician|provider|consultant|clinician|reader|author|referrer|doctor|nurse|technician|pathologist|cardiologist|neurologist|urologist|oncologist|internist|hospitalist|pcp|gp)(?:s?:|,| on call,?)?"
    r"|discussed (?:\w+ ){0,4}?with|discussion with|(?:communicated|relayed|conveyed|reported|given|telephoned|phoned|called|faxed|sent|read|provided|transmitted|e-?mailed|paged|reported|shown|handed|texted|delivered)(?: \w+){0,4}? to|(?:notified|informed|alerted|contacted|paged|telephoned|phoned|called|told|thank(?: you)?|thanks|asked|advised|updated)|(?:spoke|spoken|conferred|consulted|conversation|correlated|reviewed|agreed|confirmed|met|call)(?: \w+){0,3}? (?:with|to)"
    r"|(?:best|cheers|thanks|cordially|warmly|respectfully)(?=,)|signed off(?: by)?|sgd|sig|rad(?:s)?[.:]|tech[.:]|typist|scribe|cosigner|co-?signer|countersigned(?: by)?|initial(?:l)?ed(?: by)?|addendum by|witness(?:ed by)?|interpreter|translator|chaperone|escorted by|emergency contact|next-of-kin|nok|relative"
    r"|(?:yours |very )?(?:sincerely|truly|faithfully|respectfully)(?: yours| submitted)?|(?:kind |best |warm )?(?:regards|wishes)|(?:telephone |phone )?(?:conversation|call|discussion) with|via|from:|to:|attending:|(?:first|second|primary) reader|reader \d|handed over to|handover to|escalated to|acknowledged(?: by)?|read back(?: by)?|received by|confirmed by|repeated by|taken by|checked by|edited by|added by|submitted by|written by|carried out by|assessed by"
    r"|cc|copy(?: sent)? to|attn|attention|dear|c/o|at the request of|courtesy of|per|according to|on behalf of|under the care of|care of|contact|aware|accompanied by|brought (?:in )?by"
    r"|(?:wife|husband|spouse|mother|father|mom|dad|son|daughter|brother|sister|aunt|uncle|grandmother|grandfather|partner|guardian|caregiver|carer|next of kin|friend|neighbou?r|cousin|niece|nephew)(?:,|:| is| called| named)?"
    r"|(?:patient|pt|subject|client|infant|baby|child|boy|girl|man|woman|lady|gentleman)(?:,|:| is| called| named|'s name is)?|named|known as|a\.?k\.?a\.?|né?e|name(?: is|:)|surname|initials|by"
    # German
    r"|gez\.?|gezeichnet|(?:elektronisch |digital )?(?:unterschrieben|signiert|unterzeichnet)(?: von| durch|:)?|unterschrift|i\.\s?[AV]\.|(?:telefonische |tel\. |persönliche )?rücksprache (?:\w+ ){0,3}?mit|(?:telefonisch |tel\. |persönlich |heute |mündlich )?(?:besprochen|abgesprochen|erörtert|diskutiert|demonstriert)(?: \w+){0,2}? mit|(?:mit|an|von|durch)"
    r"|laut|gegenüber|im beisein(?: von)?|in anwesenheit(?: von)?|im auftrag(?: von)?|auf wunsch(?: von)?|unter (?:anleitung|aufsicht|leitung)(?: von)?|anästhesist(?:in)?|autor(?:in)?|absender(?:in)?|empfänger(?:in)?|adressat|kontakt(?:person)?|rückruf(?: an)?|rückfragen(?: an| bei)?|abgezeichnet|paraphiert|handzeichen|hz|freig\.|korr\.|sign\.|unterz\.|bef\.|verantw\."
    r"|freundlichst|herzlichst|(?:viele|beste[nr]?|herzliche[nr]?|liebe) grüße|lg(?=,|\n)|vg(?=,|\n)|ihre?(?=\s+[A-ZÄÖÜ]\w+ [A-ZÄÖÜ]\w+$)|(?:gemeinschafts|haus)?(?:arzt)?praxis"
    r"|dikt\.?|vis\.?|diktatzeichen|kürzel|schreibdienst|sekretariat|sachbearbeiter(?:in)?|ansprechpartner(?:in)?|zeuge|zeugin|dolmetscher(?:in)?|begleitperson|(?:telefonat|gespräch|telefonkontakt|absprache|abstimmung|besprechung) mit|weitergegeben an|weitergeleitet an|gemeldet an|gefaxt an|übergeben an|übergabe an|bescheid(?: gegeben)? an|angerufen(?: bei)?|rückgemeldet|zur kenntnis|z\.\s?k\.|bestätigt(?: von| durch)?|erfasst(?: von| durch)?|eingetragen von|aufgenommen von|angefertigt von|entgegengenommen von|beurteilt von|ausgewertet von|gesehen von|gegengezeichnet|gegengelesen(?: von)?|gesprochen mit|nachgefragt bei|liebe[r]?|verteiler|nachrichtlich|kopie an|cc|von:|an:"
    r"|mitgeteilt|übermittelt|informiert|verständigt|benachrichtigt|(?:befundet|diktiert|vidiert|validiert|freigegeben|geschrieben|erstellt|durchgeführt|untersucht|überwiesen|zugewiesen|angefordert|begutachtet|gelesen|kontrolliert|supervidiert|verfasst|operiert|behandelt|betreut|dokumentiert|visitiert)(?: von| durch|:| am [\d.]+ von)?"
    r"|(?:befunder|befunderin|befundender arzt|arzt|ärztin|radiologe|radiologin|überweiser|zuweiser|überweisender arzt|anforderer|untersucher|untersucherin|operateur|operateurin|assistenz|mtra|mtr|mta|hausarzt|hausärztin|kollegen?|kollegin|stationsarzt|dienstarzt|facharzt|fachärztin|verfasser|schreibkraft|betreuer|betreuerin)(?:,|:)?"
    r"|(?:ehefrau|ehemann|ehegatte|mutter|vater|sohn|tochter|bruder|schwester|tante|onkel|großmutter|großvater|oma|opa|lebensgefährtin?|lebensgefährte|partnerin?|enkelin?|nichte|neffe|nachbarin?|freundin?)(?:,|:)?|(?:patient|patientin|pat|kind|herrn?|frau|name|nachname|vorname)(?:\.|,|:)?|namens|genannt|geborene|geb\.|z\.\s?hd\.?(?: v\.| von)?|sehr geehrte[r]?|(?:mit freundlichen|freundliche|kollegiale[nr]?) grüßen?|mfg|hochachtungsvoll|verantwortlich"
    # Spanish
    r"|(?:informa|realiza|valida|dicta|revisa|solicita|interpreta|transcribe|supervisa|aprueba|explora|opera|asiste|remite):|(?:responsable|encargad[oa]|autor[a]?) de(?:l| la)? \w+:|cordialmente|afectuosamente|un abrazo|atte\.?"
    r"|según|a cargo de|a petición de|en presencia de|dirigido a|junto (?:a|con)|supervisión de|a nombre de|en nombre de|contacto(?: con)?|al habla con|de acuerdo con|presentes?|ayudante|instrumentista|anestesista|anestesiólog[oa]|autor[a]?|remite|remitente|destinatario|resp\.|dpto\.|col\.|n\.º col\."
    r"|(?:un |cordiales? )?saludos?(?: cordiales?)?|v\.?º\s?b\.?º|visto bueno|de parte de|(?:conversación|llamada|conversado|acordado|consenso)(?: telefónica)?(?: \w+)? (?:con|a)|acompañad[oa] (?:por|de)|intérprete|testigo|enterad[oa]|conforme|redactor[a]?|transcriptora?|secretari[oa]|(?:se )?avisa a|confirmado por|recibido por|anotado por|escrito por|hecho por|tomado por|emitido por|visto por|leída por|entregado a|copia a|contacto|rubricado(?: por)?|suscrito(?: por)?|responsable|queridos?|querida|de:|para:"
    r"|firmado(?: por| digitalmente(?: por)?| electrónicamente(?: por)?)?|firma(?: de| del)?|fdo|atentamente|(?:comentado|discutido|consensuado|consultado|hablado|revisado|valorado|contactado|comentada|discutida)s?(?: \w+){0,3}? con|(?:se )?(?:comunic[aóo]|comunicado|comunicados|avisado|notificado|notific[aó]|inform[aó]|transmitido|entregado|enviado|avis[aóo]|llam[aó]|telefone[aó]|coment[aó]|comenta|habl[aóo])(?: \w+){0,4}? (?:al?|con)"
    r"|(?:informado|dictado|validado|revisado|realizado|solicitado|remitido|derivado|transcrito|leído|interpretado|elaborado|supervisado|redactado|aprobado|atendido|operado|valorado|pedido|enviado|intervenido|explorado)(?: por|:)"
    r"|(?:médic[oa](?: responsable| solicitante| remitente| peticionari[oa]| informante| de guardia| de familia)?|radiólog[oa]|técnic[oa]|enfermer[oa]|cirujan[oa]|residente|adjunt[oa]|facultativ[oa]|doctora?|compañer[oa]|peticionario|solicitante|informante|mir|tsid|ter|especialista|auxiliar)(?:,|:)?"
    r"|(?:paciente|esposa|esposo|marido|mujer|madre|padre|hij[oa]|herman[oa]|abuel[oa]|tí[oa]|cuidador[a]?|familiar|sobrin[oa]|niet[oa]|niñ[oa]|bebé|pareja|vecin[oa]|amig[oa]|nombre|apellidos?|tutora?)(?:,|:| es)?|llamad[oa]|apodad[oa]|de nombre|se llama|estimad[oa]|a la atención de|a/a|por|colegiado"
    r")(?!\w)",
    re.IGNORECASE,
)
_WEAK_TITLES = words(
    "D Fr PD Priv Sr SR OA M MD M.D Miss MISS Nurse Schwester Pfleger MS MR MRS SRA DON Baron Sister Stationsarzt Facharzt"
)
_HALF_TITLES = words("Fr OA Schwester Pfleger Nurse Sister Stationsarzt Facharzt")
"""Titles of German and English where nearly any noun behind them is a name, if no other language has it."""
_ONE_INITIAL = re.compile(r"[,\s]{0,2}[A-ZÄÖÜ]\b(?!['’-])\.?")
_AGED = re.compile(
    rf"(?<![\w-])({_PART}),?\s+\(?\d{{1,3}}\s?-?\s?(?:y\b|yo\b|y/o|yrs?\b|years?\b|jähr|J\.|Jahre|años|[mf]\b)"
)
_ROLE_BEHIND = re.compile(
    rf"(?<![\w-])({_PART})(?:,|\s\(|\s[-–/])\s*(?:the |der |die |el |la |our |on[- ]call )?(?:(?:duty|senior|junior|chief|consultant|attending|staff|primary|diensthabende[rn]?|leitende[rn]?|zuständige[rn]?|médic[oa]|enfermer[oa]|técnic[oa]) )?"
    r"(?:radiologist|attending|resident|nurse|physician|surgeon|consultant|registrar|fellow|sonographer|technologist|radiographer|practitioner|midwife|technician|pathologist|cardiologist|oncologist|neurologist|physiotherapist"
    r"|Assistenzarzt|Assistenzärztin|Oberarzt|Oberärztin|Facharzt|Fachärztin|Chefarzt|Chefärztin|Stationsarzt|Stationsärztin|Hausarzt|Hausärztin|Radiologe|Radiologin|Chirurg|Chirurgin|MTRA|MTR|MTA|OA|OÄ|AA|CA|FA|Ärztin|Arzt|Pfleger|Krankenschwester|Pflegefachkraft|Hebamme|PJ"
    r"|adjunt[oa]|residente|radiólog[oa]|enfermer[oa]|técnic[oa]|cirujan[oa]|facultativ[oa]|MIR|R[1-5]|TSID|DUE|jefe|jefa|médic[oa]|matrona|celador|fisioterapeuta)\b"
)
_VERB_BEHIND = re.compile(
    rf"(?<![\w-])(?!Se\b)({_PART}) (?:has |had |hat |ha |wurde |was )?(?:signed|dictated|transcribed|reviewed|reported|notified|informed|paged|verified|scanned|befundet|diktiert|vidiert|unterschrieben|informiert|verständigt|benachrichtigt|gegengelesen"
    r"|firma|firmó|firmado|dictó|dictado|informa|informó|revisó|revisado|validó|validado|avisad[oa]|realizó)\b"
)
"""What announces a person from behind."""
_BROAD = re.compile(
    r"(?i)(?:laut|gegenüber|kontakt|según|contacto|presentes?|by|per|mit|an|von|durch|por|cc|aware|contact|according to|read|seen|treated|placed|entered|injected|performed|requested|reported|given|sent|called|told|asked|arzt|kollegen?|name"
    r"|(?:patient|pt|subject|client|infant|baby|child|boy|girl|man|woman|lady|gentleman|patientin|pat|kind|paciente|niñ[oa]|bebé|familiar|mujer|herrn?|frau).?(?: is)?|firma del?|técnic[oa]|médic[oa]|operator|reader|assistant|fellow|resident|friend|partner)"
)
"""Cues that announce other things as often as people: then only what is like a name counts."""
_ROLE = re.compile(
    r"(?i)(?:cc|by|von|an|por|de|arzt|ärztin|kolleg|técnic|médic|operator|reader|assistant|fellow|resident|requested|reported|performed|injected|placed|read)"
)
"""Of the broad ones those that announce nobody but people where a colon stands behind them."""
_STRONG = re.compile(
    r"(?i)(?:dear|liebe|querid|estimad|sehr geehrt|.*(?:regards|sincerely|faithfully|respectfully|cordially|grüßen?)$|best$|cheers|freundlichst|herzlichst|cordialmente|afectuosamente|un abrazo|atte|mfg|hochachtungsvoll|atentamente|.*saludos?|z\.\s?hd|i\.\s?[av]|im auftrag|on behalf|en nombre|named|namens|genannt|geborene|se llama|de nombre|known as"
    r"|witness|zeug|testigo|interpreter|dolmetscher|intérprete|sign|dictat|gez|unterschr|firm|fdo|befunder|diktiert|vidiert|transcri|initials|dictad|validad|approved|read by|verif)"
)
_FOR_SOMEBODY = re.compile(
    rf"(?:^|[\n.;])\s*(?:P\.\s?[OADP]\.|p\.\s?p\.|pp\.?|ppa\.|P/O)[:,]?\s+({_PART})\s+(?:[a-zé]{{2,3}}\s+)?({_PART})"
)
"""Who signs in another's place, two words with capitals behind it: `P. O. Ana Ruiz`. By mouth is written so too."""
_BETWEEN = re.compile(r"[\s.,:;/()\"„“-]*")
_INITIALED = re.compile(rf"(?<![\w.])(?:[{_UPPER}]\.[ -]?){{1,3}}\s?({_PART})")
_INVERTED = re.compile(rf"(?<![\w.-])({_PART}),?\s(?:[{_UPPER}]\.\s?){{1,2}}(?!\w)")
_INITIALS = re.compile(r"[A-ZÄÖÜ]{2,3}\b(?![-/])|(?:[A-ZÄÖÜ]\.\s?){2,3}|[A-Z][A-Za-z]?/[A-Z][A-Za-z]?\b")
_WHOLE_WORD = 6
"""Letters from which a cue is no abbreviation: a stop behind it ends its sentence."""
_SENTENCE_ENDS = re.compile(r"\.\s")
_MOST_SKIPPED = 5
"""Words between a cue and the name: articles, titles, what somebody is."""


def has_titled_name(text: str) -> bool:
    """Whether a title stands before a word with a capital or an initial, or a degree behind one."""
    roles = _roles()
    for match in _TITLE.finditer(text):
        if match.group().startswith("Fr") and text[: match.start()].rstrip()[-1:].isdigit():
            continue  # French, the size of a catheter
        is_weak = match.group().rstrip(".") in _WEAK_TITLES
        if not is_weak and _ONE_INITIAL.match(text, match.end()):
            return True
        found = next(_following(text, match.end()), None)
        if found is None or found.text in roles or found.text[0].islower():
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
    return any(match[1] not in roles and len(match[1]) > 2 for match in _DEGREE.finditer(text))


def has_cued_name(text: str, language: str) -> bool:
    """Whether a word that announces a person is followed by what may be one's name, or initials stand beside one."""
    for match in _CUES.finditer(text):
        is_strong = bool(_STRONG.match(match.group()))
        is_broad = bool(_BROAD.fullmatch(match.group()))
        # Behind a label, and where a capital says something, as not in German, any cue that announces little else is enough.
        is_label = match.group()[-1] in ":/" or text[match.end() : match.end() + 1] in (":", "/", "=")
        is_broad = is_broad and not (is_label and _ROLE.match(match.group()))
        if not is_strong and len(match.group()) >= _WHOLE_WORD and _SENTENCE_ENDS.match(text, match.end()):
            continue
        found = list(_following(text, match.end()))
        if is_broad and found and found[0].start in terms(text):
            continue
        is_enough = is_strong or (not is_broad and (is_label or language != "de"))
        if any(_is_announced(each, language, is_strong=is_enough, is_broad=is_broad) for each in found):
            return True
        if is_broad and len(found) > 1 and _are_small_names(found[0].text, found[1].text, language):
            return True
        if is_strong and _is_signed_short(text, match.end()):
            return True
    if any(all(map(_is_plain_capital, match.groups())) for match in _FOR_SOMEBODY.finditer(text)):
        return True
    if any(_is_plain_capital(match[1]) for match in _ROLE_BEHIND.finditer(text)):
        return True
    if any(_is_person(match[1], language) for form in (_AGED, _VERB_BEHIND) for match in form.finditer(text)):
        return True
    initialed = [match[1] for match in _INITIALED.finditer(text) if match[1] not in _morbus(match)]
    if any(is_surname(word) and not is_of_medicine(word) for word in initialed):
        return True
    initialed += [match[1] for match in _INVERTED.finditer(text) if not _is_graded(match[1])]
    return any(len(word) > 2 and not word.isupper() and _is_person(word, language) for word in initialed)


def _is_announced(found: "_Found", language: str, *, is_strong: bool, is_broad: bool) -> bool:
    """Whether what follows a cue is a name: like one, or behind initials or a signature any word with a capital that is no
    role; in small letters, behind a cue that announces little else, what no dictionary knows."""
    word = found.text
    if word[0].isupper():
        if _is_person(word, language, strictly=not is_broad):
            return True
        small = vocabulary()[f"small_{language}"] | vocabulary()["stops"]
        if is_broad or word in _roles() or word.lower() in small or (word.isupper() and len(word) < 4):
            return False
        if found.is_initialed or found.is_followed_by_initial:
            return True
        return is_strong and _is_plain_capital(word, language)
    parts = [part for part in re.split(r"[-'’]", word) if len(part) > 2]
    is_nobody = is_broad or not parts or word.lower() in vocabulary()["stops"]
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
        and word not in _roles()
        and word.lower() not in vocabulary()["stops"] | vocabulary()["nobody"]
    )


def _morbus(match: re.Match[str]) -> frozenset[str]:
    """The eponyms, where the initial is an M: M. Crohn."""
    return vocabulary()["eponyms"] | vocabulary()["alone"] if match.group().startswith("M.") else frozenset()


def _is_graded(word: str) -> bool:
    """Whether a letter behind the word is a grade: Weber B., Child-Pugh A."""
    known = vocabulary()
    return any(part in known["eponyms"] | known["alone"] for part in word.split("-"))


def _is_person(word: str, language: str, *, strictly: bool = False) -> bool:
    """Whether any part of a word with a capital is like a name; `strictly` where a cue stands before it."""
    if word in _roles() or (word.isupper() and len(word) < 4):
        return False
    parts = [part for part in re.split(r"[-'’.]", word) if len(part) > 2] or [word]
    return any(is_name_like(part, language, strictly=strictly) and part not in _roles() for part in parts)


def _is_signed_short(text: str, at: int) -> bool:
    """Whether initials alone stand behind a signature's cue."""
    rest = text[_BETWEEN.match(text, at).end() :]  # type: ignore[union-attr]
    found = _INITIALS.match(rest)
    return bool(found) and found.group().strip() not in _roles()


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
    joining, roles, small = vocabulary()["joining"], _roles(), _small_roles()
    is_initialed, is_second, said = False, False, ""
    for _ in range(_MOST_SKIPPED):
        between = _BETWEEN.match(text, at)
        assert between is not None
        gap = between.group()
        word = _WORD.match(text, between.end())
        if (
            word is None
            or gap.count("\n") > 2
            or (". " in gap and (len(gap) > 3 or len(said) >= _WHOLE_WORD))
            or (is_second and gap not in (" ", ", "))
        ):
            return
        at = word.end()
        said = word.group().rstrip(".")
        if len(said) == 1 and said.isupper():
            is_initialed = True
            continue
        if said.lower() in joining or said in roles or said.lower() in small:
            if is_second:
                return
            continue
        yield _Found(said, word.start(), is_initialed, bool(_ONE_INITIAL.match(text, at)))
        if is_second:
            return
        is_second = True


@cache
def _roles() -> frozenset[str]:
    known = vocabulary()
    return known["role_en"] | known["role_de"] | known["role_es"]


@cache
def _small_roles() -> frozenset[str]:
    return frozenset(word.lower() for word in _roles())
