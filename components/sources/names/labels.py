"""Names behind a label and a colon, of which the value is nothing else: `Ordering: Hill`, `Diktat: Vogel`, `Guardia: Holgado`."""

import re

from components.sources.names.bare import terms
from components.sources.names.cue_words import PART, UPPER
from components.sources.names.roles import may_be_somebody

_ENGLISH = (
    r"(?:ordering|referring|requesting|reading|reporting|performing|supervising|interpreting|consulting|dictating|scanning|admitting|covering|discharging|receiving|responsible)(?: (?:provider|physician|doctor|md|clinician|radiologist|surgeon|consultant|nurse|practitioner|tech(?:nologist)?|team))?"
    r"|transcription(?:ist)?|transcriber|typist|scribe|scribed|checked|signed(?: off)?|sign[- ]?off|consult(?:ed|ant)?|re|regarding|(?:first|second|third|final|initial|backup|double)?[- ]?read(?:er)?(?: ?(?:\d|[AB]))?|chair|discussed|donor|recipient|present|attendees|in attendance|approved|ordered|requested|referred|performed|reviewed|reported|verified|dictated|interpreted"
    r"|proceduralist|operator|primary operator|assist(?:ant)?s?|scrub(?:bed)?(?: nurse)?|circulat(?:or|ing)(?: nurse)?|runner|an(?:a)?esthesia|sedation|injector|tech|technologist|sonographer|radiographer|rad|attending|resident|fellow|pcp|gp|provider|physician|clinician|surgeon|consultant|registrar|nurse|rn|midwife|author|editor|scanned|entered|recorded|witness(?:ed|es)?|chaperone"
    r"|interpreter|contact|next of kin|nok|carer|guardian|mother|father|parent|spouse|partner|wife|husband|son|daughter|caller|called|notified|informed|told|aware|spoke (?:to|with)|handover|handed over|handoff|cc|bcc|copy|copies|to|from|attn|fao|name|patient|pt|surname|first name|last name|forename|given name|family name|maiden name|alias|aka|signature|sig|by|via|team|on[- ]?call|bleep(?:ed)?|paged|protocoll?ed|qc|qa|proof(?:ed)?|addendum|amended|teacher|coach|student|trainee|author(?:ized|ised)"
)
_GERMAN = (
    r"diktat|diktiert|diktant|dikt|schreib(?:er|erin|kraft)?|geschrieben|op|operateure?|1\. operateur|operation|eingriff|konsil|konsiliar(?:ius|arzt)?|anwesend|anwesende|ha|hausarzt|ka|fa|visite|protokoll|dienst|nachtdienst|frühdienst|spätdienst|bereitschaft|rufdienst|leitung|moderation|vorsitz|referent(?:in)?"
    r"|assistenz|assistent(?:in)?|(?:1|2|erste|zweite)\.? ?assistenz|an(?:ä)sthesie|narkose|aufklärung|aufgeklärt|befund|(?:befund )?erhoben|befundet|befunder(?:in)?|vorbefunder|zweitbefund(?:er|ung)?|vorabbefund|berichterstatter(?:in)?|korrektur|korr|vidiert|validiert|freigabe|freigegeben|kontrolle|kontrolliert|geprüft|gesehen|besprochen|informiert|verständigt|mitgeteilt an|anrufer(?:in)?|telefonat|gespräch"
    r"|einsender(?:in)?|zuweiser(?:in)?|überweiser(?:in)?|anforderer|angefordert|auftraggeber|untersucher(?:in)?|untersucht|durchgeführt|erstellt|verfasser(?:in)?|autor(?:in)?|unterschrift|unterzeichner|gez|sign|hz|kürzel|name|vorname|nachname|familienname|geburtsname|mädchenname|rufname|patient(?:in)?|pat|betrifft|betr|angehörige[r]?|kontakt(?:person)?|ansprechpartner(?:in)?|notfallkontakt|betreuer(?:in)?|bevollmächtigte[r]?"
    r"|vollmacht|vormund|eltern|mutter|vater|ehefrau|ehemann|partner(?:in)?|sohn|tochter|begleitung|begleitperson|begleiter(?:in)?|dolmetscher(?:in)?|zeuge[n]?|zeugin|verteiler|kopie|an|von|team|mtra?|mta|mfa|pflege|schwester|pfleger|hebamme|springer|instrumentierend|instrumenteur|spender(?:in)?|empfänger(?:in)?|nachtrag|ergänzung|übersetzung|verantwortlich|zuständig|gerufen|übergabe(?: an)?|oa|oä|aa|ca|arzt|ärztin"
)
_SPANISH = (
    r"guardia|de guardia|presentes?|asistentes|familiar|contacto|map|dr/a|dra?/dra?|dr\(a\)|médic[oa]|médic[oa] de \w+|segunda lectura|primera lectura|lectura|nota(?: de \w+)?|adenda|addendum|donante|receptora?|peticionari[oa]|solicitante|solicita(?:do)?|remite|remitente|remitido|informa(?:do)?|informante|firma(?:do)?|firmante|fdo|realiza(?:do)?|revisa(?:do)?|valida(?:do)?|dicta(?:do)?|transcri(?:be|to|pción|ptora?)"
    r"|cirujan[oa]|1\.?[eª]?r? cirujano|ayudantes?|(?:primer|segundo) ayudante|anestesia|anestesista|instrumentista|circulante|enfermer[oa]|enfermería|matrona|técnic[o]|ter|tsid|tcae|auxiliar|celador|radiólog[oa]|residente|mir|adjunt[oa]|supervis(?:a|ora?|ión)|responsable|coordinador[a]?|tutora?(?: legal)?|testigos?|intérprete|acompañante|cuidador[a]?|madre|padre|hij[oa]|espos[oa]|marido|pareja|avisad[oa]|avisar|llamar"
    r"|comunicado|comentado|consentimiento|autora?|redacta|elabora|colabora|asiste|opera|explora|atiende|atendido|valora(?:do)?|visto|vº ?bº|v\.?º ?b\.?º|visto bueno|atte|att|a/a|cc|copia|de|para|nombre|apellidos?|paciente|pte|profesor[a]?|alumn[oa]|equipo|turno|entrante|saliente|jef[ea](?: de \w+)?|facultativ[oa]|facultativo responsable|colegiad[oa]"
)
_LABELLED = re.compile(
    rf"(?:^|[\n.;,|(\[]|(?<=\s))\s*(?i:{_ENGLISH}|{_GERMAN}|{_SPANISH})\s?(?:\.:|:|=)\s*(?:[{UPPER}]\.[ -]?){{0,2}}({PART})(?:,? (?:{PART}|[{UPPER}]\b\.?)){{0,2}}\s*(?=$|[\n.;,/|)\]]|\s[-–/]|\s\(|\s(?:and|und|y|&)\s)"
)

_UNMARKED = re.compile(
    rf"(?:^|[\n.;] ?)(?:(?:[Tt]elefonisches |[Cc]hirurgisches |[Aa]ugenärztliches )?Konsil|Zweitbefund|Vorabbefund|Erstbefund|Gegenbefund|Diktat|Nachtrag|Vermerk|Notiz|Eintrag|Visite|Assistenz|Korrektur|Pat\.|Addendum|Dictation|Overread|Prelim|Sign-?out|Handoff|Adenda|Relevo|Lectura|Dictado|Guardia)"
    rf" \(?({PART})(?: {PART})?\)?\s*(?=$|[\n:;,]|\.(?:\s|$))"
)
"""A note's kind and who wrote it, without a colon."""


def has_labelled_name(text: str, language: str) -> bool:
    """Whether what stands alone behind the label of a person's field may be a name."""
    of_things = terms(text)
    return any(
        match.start(1) not in of_things and may_be_somebody(match[1], language)
        for form in (_LABELLED, _UNMARKED)
        for match in form.finditer(text)
    )
