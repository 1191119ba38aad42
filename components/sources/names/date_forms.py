"""How dates are written in English, German and Spanish reports: those that can be read with certainty, and those that only
may be one or lack a part."""

import re

from components.sources.names.calendar_words import (
    DAYS_IN_WORDS,
    EVENTS,
    EXAMINATIONS,
    FEASTS,
    MONTH_OF,
    MONTHS,
    OF_THIS_MONTH,
    PARTS,
    SHORT_WEEKDAYS,
    WEEKDAY_OF,
    YEARS_IN_WORDS,
    any_of,
)

_YEAR = r"(?:19|20)\d\d"
_NAME = rf"(?P<name>{any_of(list(MONTH_OF))})(?![^\W\d_])\.?"
_NO_UNIT = r"(?!\s*(?:mm|cm|ml|cc|mg|g|kg|m|HU|UH|HE|ms|Hz|µ|%|x|×|mGy|mSv|MBq|kV|mAs|Gy|cells?|Zellen)\b|\s*[%×])"
_UNTIL = r"(?P<until>\b\d{1,2}\.?(?:st|nd|rd|th)?\s?(?:[-–/]|to|bis|and|und|y|al|a)\s?)"
"""`12.-14.03.2023`: its first day lacks what comes behind."""
_D, _M, _OVER_12 = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:1[3-9]|2\d|3[01])"
_ALONE, _NO_MORE = r"(?<![\w.,/-])", r"(?!\d|[.,/-]\d)"
_SHORT = any_of(
    [
        short
        for short, (language, _) in MONTH_OF.items()
        if not {short, short.capitalize()} & set(MONTHS[language]) and short != "mar"
    ]
)
_SHORT_DAYS = "|".join(SHORT_WEEKDAYS.values())
_AMBIGUOUS = ("May", "March", "Mai", "mayo")
_WHOLE_MONTHS = any_of(
    [month for names in MONTHS.values() for month in names if month not in _AMBIGUOUS] + ["Jänner", "setiembre"]
)
_CAPITAL_MONTHS = any_of(
    [
        f(month)
        for month in (*MONTHS["en"], *MONTHS["de"], "Jänner")
        if month not in _AMBIGUOUS
        for f in (str, str.upper)
    ]
)
_BEHIND_A_DAY = (
    # No noun: `on the 3rd rib` counts ribs.
    r"(?=\s*(?:[.,;:)](?!\d)|$|(?:at|by|with|she|he|they|we|was|were|when|because|but|as|under|again|and(?! (?:the )?\d)"
    r"|um|wurden?|oder|erfolgte?|kam|war|ist|hat|hatte|wird|erneut|gegen|sowie|stellte|bei|mit|nach|von|durch|noch|wieder|entlassen|operiert|aufgenommen|verlegt|und(?! \d)"
    r"|se|fue|por la|a las|ingresa|acude|y(?! (?:el )?\d))\b))"
)
_ANY_MONTH = rf"(?:{any_of(list(MONTH_OF))})\b\.?"
_SHORT_ALONE = r"(?-i:Feb|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|Okt|Dez|Mrz|Jän|Abr|Ago|Dic)"
_LATIN_MONTH = r"(?-i:X?I{1,3}|I?V|VI{1,3}|IX|XI{0,2})"
FORMS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in {
        "week of the year": r"\bKW\s?\d{1,2}\b(?:\s?/\s?\d{2,4})?|\b\d{1,2}\.\s?(?:KW|Kalenderwoche)\b|\bcalendar week \d{1,2}\b|\b(?:20)?\d\d-?W\d\d\b|\b(?:wk|W) ?\d{1,2}/\d{2,4}\b|\bsemana \d{1,2} de(?:l año)? 20\d\d\b",
        "months": rf"(?<!\w){_ANY_MONTH}(?:\s?['’]?\d\d)?\s?(?:[-–/&+]|to|thru|through|until|till|and|or|bis|und|u\.|oder|a|al|y|e|o|hasta)\s?(?:(?:early|late|mid|Anfang|Mitte|Ende|de) )?{_ANY_MONTH}(?:(?:,? | de | del )(?:{_YEAR}|['’]\d\d)\b)?(?!\w)",
        "ymd": rf"(?<![\d.,/-])(?P<y>{_YEAR})(?P<s>[-./_‐‑–])(?P<m>\d{{1,2}})(?P=s)(?P<d>\d{{1,2}})(?!\d|[.,/-]\d)",
        "dmy": rf"(?:{_UNTIL}|(?<![\d.,/-]))(?P<d>\d{{1,2}})(?P<s>\s?[./‐‑–-]\s?)(?P<m>\d{{1,2}})(?P=s)(?P<y>{_YEAR}|['’]?\d\d)(?!\d|[.,/-]\d){_NO_UNIT}",
        "named": rf"(?:{_UNTIL}|(?<![\d.,/-]))(?P<d>\d{{1,2}})(?:st|nd|rd|th|\.?[º°ª]|er|ro)?\.?(?:\s*[-‐‑–/]\s*|\s*(?:of\s+|de\s+)?){_NAME}(?:\s*[-‐‑–/]\s*|,?\s*(?:of\s+|de\s+|del\s+)?)(?P<y>{_YEAR}|['’]?\d\d\b(?!:))",
        "american": rf"\b{_NAME}\s*(?:{_UNTIL})?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?:,\s*|\s+(?:of\s+|de\s+|del\s+)?)(?P<y>{_YEAR})",
        "year first": rf"\b{_YEAR}[-‐‑–./\s]\s?(?:{any_of(list(MONTH_OF))})\b[-‐‑–./\s]\s?\d{{1,2}}\b",
        "worded": rf"\b(?:{'|'.join(DAYS_IN_WORDS.values())}) (?:day )?(?:of |de )?(?:(?-i:{any_of([m for names in MONTHS.values() for m in names])})\b|jänner\b|(?:{_SHORT})\b\.?)(?:,? (?:of |de |del )?{_YEAR})?"
        rf"|\b(?-i:{any_of(MONTHS['en'])}),? (?:the )?{DAYS_IN_WORDS['en']}\b(?:,? {_YEAR})?",
        "worded year": rf"\b(?:{YEARS_IN_WORDS})\b",
        "feast": rf"\b{FEASTS}",
        "years": rf"\b{_YEAR}\s?[-–/]\s?(?:{_YEAR}|\d\d)\b(?![.,/-]\d){_NO_UNIT}",
        "month": rf"(?<![^\W\d_]){_NAME}[\s,/'’-]*(?:of\s+|de\s+|del\s+)?(?P<y>{_YEAR})",
        "my": rf"(?<![\d.,/-])(?P<m>0?[1-9]|1[0-2])(?P<s>[./-])(?P<y>{_YEAR})(?!\d|[.,/-]\d){_NO_UNIT}",
        "ym": rf"(?<![\d.,/-])(?P<y>{_YEAR})(?P<s>[/-])(?P<m>0[1-9]|1[0-2])(?!\d|[.,/-]\d){_NO_UNIT}",
        "roman": r"\b\d{1,2}(?P<s>\.\s?|[-/])(?:I{1,3}|I?V|VI{1,3}|I?X|XI{1,2})(?P=s)\d{2,4}\b",
        "spaced": rf"(?<![\d.,/-]){_D} (?:del? )?{_M} (?:del? )?{_YEAR}\b{_NO_UNIT}|(?<![\d.,/-]){_YEAR} (?:0[1-9]|1[0-2]) (?:0[1-9]|[12]\d|3[01])\b{_NO_UNIT}",
        "quarter": rf"\bQ[1-4]\s?[/'’-]?\s?(?:{_YEAR}|\d\d)\b|\b[1-4]Q\s?[/'’-]?\s?(?:{_YEAR}|\d\d)\b|\b(?:[1-4]\.|I{{1,3}}\.?|IV\.?)\s?Quartal\b(?:\s?(?:{_YEAR}|\d\d)\b)?",
        "short year": r"\b(?:in|since|of|from|until|by|seit|en|del?|desde) ['’]\d\d\b|\b(?:año|Jahr|Jahre|year) ['’]?\d\d\b(?! ?(?:mm|cm|%))|(?<!\w)['’]\d0s\b|\b[5-9]0er[- ]?Jahren?\b|\bden [5-9]0ern\b|\baños (?:[5-9]0|\w+enta)\b"
        r"|\b(?:Jg\.?|Jahrgang|born in|nacid[oa] en(?: el)?) ?['’]?\d\d\b|\b(?:since|seit|(?:desde|en) el|desde|anno) ['’]?\d\d(?=\s*(?:[.,;)](?!\d)|$|(?:bekannt|known|conocid[oa]|stable|stabil|estable)\b))",
        "weekday and day": rf"\b(?:{any_of(list(WEEKDAY_OF))}),?\s+(?:(?:den|dem|the|el|día|der)\s+)?\d{{1,2}}(?:\.\d{{1,2}}\.?|/\d{{1,2}}|-\d{{1,2}}|\.|st|nd|rd|th)?(?!\d|[.,:/]\d|\s*(?:mm|cm|Uhr|h\b|am\b|pm\b|x\b))"
        rf"|(?<!\d )\b(?-i:{_SHORT_DAYS})\b[.,]{{0,2}}\s*(?:(?:den|dem|the|el|día)\s+)?{_D}(?:\.\s?(?:{_M}\b\.?)?|/{_M}|-{_M}|st|nd|rd|th)(?!\d|\s*(?:mm|cm|ml|Uhr|h\b))|\b(?:lun|mi[ée]|jue|vie|s[áa]b)\b\.? {_D}\b"
        r"|\b(?:spring|summer|autumn|fall|winter|Frühjahr|Frühling|Sommer|Herbst|primavera|verano|otoño|invierno)\s+(?:of\s+|del?\s+)?['’]?\d\d\b(?!\d|\s*(?:mm|cm|%))",
        "stopped": rf"(?<![\d.,]){_D}\.(?:\s?[-–/]|\s(?:bis|und))\s?{_D}\.\s?{_M}\.(?!\d)|(?<![\d.,])\d{{1,2}}\.{_M}\.(?=[,;:)]| (?-i:[a-zäöü]))(?!\s*(?:mm|cm)\b)"
        rf"|(?<![\d.,])(?:0[1-9]\.(?:0[1-9]|1[0-2])|{_OVER_12}\.(?:0[1-9]|1[0-2]))\.(?!\d){_NO_UNIT}",
        "yearless": rf"\b(?-i:May) (?:the )?\d{{1,2}}(?:st|nd|rd|th)\b|(?<=on )(?-i:May) \d{{1,2}}\b|(?<![\d.,/-]){_D}(?:(?:st|nd|rd|th|\.?º)?\.?\s*[-/]?\s*(?:of\s+|de\s+)?(?P<name>{_SHORT}|{_WHOLE_MONTHS}|(?-i:May|Mayo?|MAY|MAYO|March|MARCH|Mai|MAI))\b|(?:\s+de\s+|[-/])(?:mayo?|mar)\b|\s+(?-i:mayo)\b)"
        rf"|\b(?P<first>{any_of([m for m in MONTH_OF if m not in ('mar', 'may', 'mayo')])}|(?-i:mayo))\.?(?:\s*['’]|\s+(?:the\s+)?|[-/])\d{{1,2}}(?:st|nd|rd|th)?\b(?![.,]\d){_NO_UNIT}|\b(?:mar|may)[-/'’]\d{{2}}\b|\b(?-i:Mar|MAR)\.? \d{{1,2}}(?:st|nd|rd|th)?\b{_NO_UNIT}|(?<![\d.,/-]){_D}[ -]mar\b",
        "cued": rf"\b(?:{EVENTS}|{EXAMINATIONS})\.?[:,\s(]+(?:the\s+|dem\s+|den\s+|de\s+|el\s+|día\s+)?(?:{_D}\s?[./-]\s?{_D}|{_M}[/-]\d\d){_NO_MORE}\.?{_NO_UNIT}|\b(?-i:ET|LR|LP|SSL):? {_D}\.{_M}\.(?!\d)",
        "pair": rf"{_ALONE}(?!24/7\b)(?:{_OVER_12}/{_M}|{_M}/{_OVER_12}|0[1-9]/\d\d)(?:\s?[-–]\s?{_D}/{_D})?{_NO_MORE}{_NO_UNIT}|{_ALONE}{_D}/{_M}(?=,?\s(?:(?:to )?{_D}/{_M}\b|{EXAMINATIONS}\b|(?:at |um |a las )?\d{{1,2}}(?::\d\d|h\b| ?[ap]\.?m\b| Uhr))){_NO_MORE}|\b{_LATIN_MONTH}[/.](?:{_YEAR}|\d\d)\b|\bFY ?['’]?\d{{2,4}}\b|(?<![\w'’])['’]\d\d\b(?!\s?[\"'’])",
        "of this month": "|".join(
            rf"\b(?:\d{{1,2}}{ordinal}|{DAYS_IN_WORDS[language]})\s*{OF_THIS_MONTH[language]}"
            for language, ordinal in (("en", "(?:st|nd|rd|th)?"), ("de", r"\."), ("es", r"\.?º?"))
        ),
        "day": rf"\b(?:on|since|until|till|by|from) the (?:\d{{1,2}}(?:st|nd|rd|th)){_BEHIND_A_DAY}|\b(?:am|seit dem|bis zum|ab dem|vom|zum|v\.) \d{{1,2}}\.{_BEHIND_A_DAY}"
        r"|\b(?:el|al|del|un|desde el|hasta el|para el) día \d{1,2}\b(?!\s*(?:de(?:l| la)? (?:su |tu )?(?:ingreso|ciclo|trat|vida|evol|estancia|post)|post|p\.?o\b))"
        rf"|\b(?:vist[oa]|citad[oa]|desde|hasta|ingresad[oa]|ingresa|ingresó|alta|operad[oa]|intervenid[oa]|realizad[oa]|retirad[oa]|sale|acude|vuelve) el {_D}\b(?!\s?[%/,.]\s?\d|\s?%)|(?-i:El) {_D}(?= (?:se|fue|ingres|acud|por la|a las|volvi)\w*\b)",
        "month alone": rf"\b(?:{PARTS}|since|last|next|this|during|until|till|by|seit|ab|im|bis|letzten|nächsten|kommenden|diesen|vergangenen|desde|hasta|pasado|próximo|este|hacia|para|in|en)[\s-]+(?:de\s+|mes de\s+)?(?:early |late |mid[ -])?"
        rf"(?:(?:{_WHOLE_MONTHS}|(?-i:March|MARCH|Mai|MAI|mayo|Mayo|MAYO|May(?! be)))\b|(?-i:{any_of([short.capitalize() for short in _SHORT.split('|')])})\b\.?)"
        rf"|\b{_SHORT_ALONE}\b\.?(?![-/]?\w)|\b(?:de|desde|hasta|en|para|este|pasad[oa]|fin de|hacia|seit|ab|bis|since|until|in|by) (?:ene|feb|abr|jun|jul|ago|sept?|oct|nov|dic|okt|dez)\b\.?"
        rf"|\b(?-i:{_CAPITAL_MONTHS}|Mai|MAI)\b|\b(?-i:March)\b(?!\s+(?:fracture|foot|h[ae]mo))|(?-i:{any_of([m for m in MONTHS['es'] if m != 'mayo'])}|(?<!de )mayo)\b|\bde (?-i:mayo)\b"
        rf"|\b(?:of|the|her|his|their|our|prior|previous|to|and|through)\s(?-i:May)\b(?!\s+(?:be|have|also|represent|reflect|indicate|suggest|need|clinic))|\b(?-i:{any_of([short.capitalize() for short in _SHORT.split('|')])})\b\.?(?=[/–-](?-i:[A-Z][a-z]{{2}})|\s{EXAMINATIONS}\b)",
        "weekday shortened": rf"\b(?:on|until|till|by|since|last|next|this|every) (?-i:{SHORT_WEEKDAYS['en']})\b\.?|\b(?-i:{SHORT_WEEKDAYS['en']}) (?:morning|afternoon|evening|night|am|pm|a\.m\.|p\.m\.)(?!\w)"
        rf"|\b(?:am|seit|bis|nächsten|letzten|kommenden|diesen|vergangenen|jeden|ab|vom) (?-i:{SHORT_WEEKDAYS['de']})\b\.?|\b(?:el|del|este|próximo|pasado|cada) (?:lun|mi[ée]|jue|vie|s[áa]b|dom)\b\.?"
        rf"|\b(?-i:(?:{SHORT_WEEKDAYS['en']})(?:(?:\s?[/,–-]\s?| and | & )(?:{SHORT_WEEKDAYS['en']}))+|(?:{SHORT_WEEKDAYS['de']})\.?(?:(?:\s?[/–-]\s?|, | und )(?:{SHORT_WEEKDAYS['de']}))+|(?:{SHORT_WEEKDAYS['es']})\.?(?:(?:[/-]|, | y )(?:{SHORT_WEEKDAYS['es']}))+|[LM]-[XJ]-[VS])\b",
        "weekday": rf"\b(?P<name>{any_of(list(WEEKDAY_OF))})(?=s?\b|morgen|abend|nacht|nachmittag|vormittag|mittag)",
        "year": rf"\b(?:(?:in|since|of|from|until|till|before|after|during|by|year|im Jahre?|Jahre?|seit|von|vom|bis|ab|aus|anno|vor|nach|en|desde|de|del|año|hasta|early|late|mid)[ -]+|[({{\[]\s*|study |exam |CT |MRI |MRT |TC |RM )(?P<y>{_YEAR})\b(?![.,/-]\d|[a-z]){_NO_UNIT}",
        "number": rf"(?<![\d.,/×x-])(?<![\d ]x )(?<!× ){_YEAR}(?:er|s)?\b(?![.,/-]\d|\s?[-–]\s?\d{{1,3}}\b){_NO_UNIT}",
    }.items()
)
"""Kind -> how it looks; what an earlier one has taken is not looked at again. Of the kinds with a group `y` the year, month
and day can be read."""
NEED_A_MONTH = frozenset({"named", "american", "year first", "worded", "month", "months", "yearless", "month alone"})
WITHOUT_DIGITS = frozenset(
    {
        "worded",
        "worded year",
        "months",
        "feast",
        "of this month",
        "month alone",
        "weekday shortened",
        "weekday",
        "quarter",
        "short year",
    }
)
"""Kinds that are looked for in a text only where it has a month's name, and in one without a digit."""
MONTH = re.compile(rf"(?<![^\W\d_])(?:{any_of(list(MONTH_OF))})(?![^\W\d_])", re.IGNORECASE)
EDITIONS = re.compile(
    r"(?:\bT[REI]\b|WHO|OMS|TNM|RADS|Fleischner|Lugano|Atlanta|McDonald|FIGO|ESC|AHA|ACR|ESUR|guidelines?|criteria|classification|edition"
    r"|Leitlinien?|Klassifikation|Kriterien|clasificación|criterios|guías?)[,:]?\s*(?:\w{1,9}\s+){0,2}$",
    re.IGNORECASE,
)
"""`WHO 2016`: what stands before the year of a rule, not of an examination."""
EDITION_BEHIND = re.compile(
    r"\s+(?:WHO|OMS|TNM|FIGO|ESC|AHA|ACR|ESUR|McDonald|guidelines?|criteria|classification|edition)\b"
)
COUNTED_BEFORE = re.compile(
    r"(?:\b(?:VA|GCS|MMSE|MOCA|NIHSS|PHQ|BP|RR|TA|EVA|VAS|NRS|MRC|LNs?|LK|TR|TE|TI|OD|OS|OI|OU|SSW|GA|EG|FLAIR|ADL|[cyp]*[TN]\d\w?)"
    r"|\b(?:scores?|grade|grad|grado|visus|acuity|vision|visión|agudeza|pain|nodes?|ganglios|cores|ratio|images?|series?|slices?|bild|schicht|imagen|cortes?|murmur|strength|glasgow|apgar|barthel|weeks?|sem\.?|semanas?|gestation|eye|ojo|auge|levels?|discs?|segments?|puntuación|punkte|stage))[\s(]*(?:of|von|de|:|=)?\s*$",
    re.IGNORECASE,
)
"""What stands before a share or a count: `image 12/24`, `VA 6/18`."""
COUNTED_BEHIND = re.compile(
    r"\s*(?:of\s+)?(?:the\s+)?(?:positive |negative |benign |malignant |axillary |pelvic |involved |sampled |positiven? |befallenen? )?"
    r"(?:LNs?|lymph|nodes?|cores?|cylinders?|slices?|sections?|points?|Punkten?|puntos|Lymphknoten|LK|Stanzen|ganglios|cilindros|adenopat|fragments|samples|biopsies|pieces|teeth|cycles|Zyklen|ciclos|weeks|SSW|visits|segments?|Segmente|segmentos|vision|pixels)\b",
    re.IGNORECASE,
)
"""And behind: `3/17 lymph nodes`."""
