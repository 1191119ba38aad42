"""What English, German and Spanish call the days, weeks, months and feasts of a year, and what stands beside a date."""

import re
from collections.abc import Sequence

from components.sources.names.lexicon import words

MONTHS: dict[str, tuple[str, ...]] = {
    "en": words("January February March April May June July August September October November December"),
    "de": words("Januar Februar März April Mai Juni Juli August September Oktober November Dezember"),
    "es": words("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"),
}
WEEKDAYS: dict[str, tuple[str, ...]] = {
    "en": words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday"),
    "de": words("Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag"),
    "es": words("lunes martes miércoles jueves viernes sábado domingo"),
}
_OTHERS: dict[str, tuple[str, int]] = {
    short: (language, number)
    for language, listed in {
        "en": "jan=1 feb=2 mar=3 apr=4 jun=6 jul=7 aug=8 sep=9 sept=9 oct=10 nov=11 dec=12",
        "de": "jänner=1 jän=1 feber=2 febr=2 maerz=3 mär=3 mrz=3 okt=10 dez=12",
        "es": "ene=1 mzo=3 abr=4 ago=8 agto=8 setiembre=9 septbre=9 sepbre=9 octbre=10 novbre=11 dic=12 dicbre=12",
    }.items()
    for short, number in ((pair.partition("=")[0], int(pair.partition("=")[2])) for pair in words(listed))
}
MONTH_OF: dict[str, tuple[str, int]] = _OTHERS | {
    name.lower(): (language, number) for language, names in MONTHS.items() for number, name in enumerate(names, 1)
}
"""Name or abbreviation -> (the language that writes it, 1 to 12)."""
WEEKDAY_OF: dict[str, tuple[str, int]] = {
    name.lower(): (language, at) for language, names in WEEKDAYS.items() for at, name in enumerate(names)
} | {"sonnabend": ("de", 5), "miercoles": ("es", 2), "sabado": ("es", 5)}
"""Name -> (its language, 0 to 6)."""
SHORT_WEEKDAYS: dict[str, str] = {
    "en": r"Mon|Tues?|Weds?|Thu(?:rs?)?|Fri|Sat|Sun",
    "de": r"Mo|Di|Mi|Do|Fr|Sa|So",
    "es": r"[Ll]un|[Mm]ar|[Mm]i[ée]r?c?|[Jj]ue|[Vv]ie|[Ss][áa]b|[Dd]om",
}
DAYS_IN_WORDS: dict[str, str] = {
    "en": r"(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|(?:thir|four|fif|six|seven|eigh|nine)teenth"
    r"|twentieth|thirtieth|twenty[- ](?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)|thirty[- ]first)",
    "de": r"(?:(?:(?:ein|zwei|drei|vier|fünf|sechs|sieben|acht|neun)und)?(?:zwanzig|dreißig|dreissig)st|ers|zwei|drit|vier|fünf|sechs|sieb(?:en)?|ach|neun|zehn|elf|zwölf"
    r"|(?:drei|vier|fünf|sech|sieb|acht|neun)zehn)t?e[nr]?",
    "es": r"(?:primero|uno|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce|trece|catorce|quince|dieci\w{4,6}|veinte|veinti\w{3,6}|treinta(?: y uno)?)",
}
YEARS_IN_WORDS = (
    r"(?:nineteen|twenty)[ -](?:(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|oh)(?:[ -](?:one|two|three|four|five|six|seven|eight|nine))?|(?:thir|four|fif|six|seven|eigh|nine)teen|ten|eleven|twelve)"
    r"|two thousand (?:and )?(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty(?:[- ]\w+)?)"
    r"|neunzehnhundert\w{3,}|zweitausend(?:und)?(?:eins|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|\w+zehn|\w*zwanzig)"
    r"|mil novecientos \w+(?: y \w+)?|dos mil (?:uno|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce|trece|catorce|quince|dieci\w+|veinte|veinti\w+)"
)
FEASTS = (
    r"(?:Christmas(?: Eve| Day)?(?! (?:tree|disease|factor))|Xmas|Boxing Day|New Year['’]?s?['’]?(?: (?:Eve|Day))|Thanksgiving|Good Friday|Palm Sunday|Easter|Whit ?(?:sun|Sunday|Monday)|Pentecost|Ascension Day|Epiphany"
    r"|Halloween|Hallowe['’]en|All Saints['’]?(?: Day)?|Guy Fawkes|Bonfire Night|Independence Day|Fourth of July|4th of July|Labou?r Day|Memorial Day|Veterans Day|Columbus Day|Presidents['’]? Day|Juneteenth|MLK Day|Mother['’]?s['’]? Day|Father['’]?s['’]? Day|Valentine['’]?s(?: Day)?"
    r"|(?:St\.?|Saint) Patrick['’]?s(?: Day)?|Canada Day|Australia Day|ANZAC Day|(?:August |spring |May )?bank holiday|Ash Wednesday|Shrove Tuesday|Mardi Gras|Ramadan|Eid(?: al-\w+)?|Diwali|Hanukkah|Chanukah|Passover|Yom Kippur|Rosh Hashanah|(?:Chinese|Lunar) New Year"
    r"|Heilig(?:en |er )?abend|Silvester|Neujahr(?:stag)?|Heilige[nr]? Drei Könige|Dreikönig(?:stag)?|Karfreitag|Gründonnerstag|Palmsonntag|Ostern|Oster(?:sonntag|montag|samstag|wochenende|ferien)|Pfingsten|Pfingst(?:sonntag|montag|wochenende|ferien)|(?:Christi )?Himmelfahrt|Fronleichnam|Allerheiligen|Allerseelen"
    r"|Rosenmontag|Weiberfastnacht|Fastnacht|Fasching|Karneval|Aschermittwoch|Nikolaustag|Martinstag|Sankt Martin|Reformationstag|Totensonntag|Volkstrauertag|Bu(?:ß|ss)- und Bettag|Muttertag|Vatertag|Walpurgisnacht|Tag der (?:Arbeit|Deutschen Einheit)|Nationalfeiertag|Weihnachten|Weihnachts(?:feier)?tag|Weihnachtsferien|(?:ersten |zweiten |dritten |vierten |[1-4]\. )Advent"
    r"|Nochebuena|Nochevieja|(?<!árbol de )(?<!árboles de )Navidad(?:es)?|Año Nuevo|(?:día|noche|víspera) de (?:Reyes|Navidad|la Inmaculada|San \w+|la Madre|Todos los Santos|los Inocentes|los Muertos|Difuntos|la Hispanidad|la Constitución|Canarias|Andalucía)"
    r"|(?:antes|después|víspera|vísperas|tras|hasta|desde|por|en) (?:de )?Reyes|Semana Santa|(?:Jueves|Viernes|Sábado|Lunes) Santo|Domingo de (?:Ramos|Resurrección|Pascua)|Lunes de Pascua|Pascua(?: Militar)?|Pentecostés|Corpus Christi|Miércoles de Ceniza|Carnavales?|Todos los Santos|Fiestas Patrias|San Valentín|Fin de Año)"
    r"\b(?:,? (?:of |de |del )?(?:19|20)\d\d)?"
)
"""Days that have a name; each falls on one day of the year, or nearly."""
EXAMINATIONS = (
    r"(?:scans?|films?|CT|CTA|CXR|MRI|MRA|MR|MRT|US|PET|ultrasounds?|sonograms?|sonography|x-?rays?|radiographs?|stud(?:y|ies)|exam(?:ination)?s?|echo|mammogra(?:m|phy|ms)|biops(?:y|ies)|surgery|operation|procedure|visits?|appointments?|clinic|reports?|imaging|admission|discharge|labs|bloods|review|follow-up|angiogram|colonoscopy|endoscopy"
    r"|Aufnahmen?|Voraufnahmen?|Untersuchung(?:en)?|Voruntersuchung(?:en)?|Röntgen(?:bild)?|Sono(?:graphie|grafie)?|Termin|Kontrolle|Verlaufskontrolle|Befund|Vorbefund|OP|Operation|Biopsie|Entlassung|Vorstellung|Mammographie|Mammografie|Konferenz|Tumorboard|Tumorkonferenz"
    r"|placas?|estudios?|TC|TAC|RM|RMN|RX|Rx|eco|ecograf[ií]as?|radiograf[ií]as?|resonancia|control|visita|cita|consulta|ingreso|alta|biopsia|cirugía|intervención|informe|mamograf[ií]a|revisión|comité(?: de tumores)?)"
)
"""What is done on a day."""
EVENTS = (
    r"(?:Qx|IQ|(?:films?|scans?|x-rays?|radiographs?|CT|MRI|US) of|LMP|EDD|EDC|FUR|FUM|FPP|Stand|letzte (?:Regel|Periode)|adm|adm\.|d/c|dc'?d|f/u|w/c|wk/o|wk|appt|appts|replaced|al|on|dated|since|until|till|by|prior|previous|before|after|again|from|done|seen|taken|performed|obtained|acquired|removed|out|placed|inserted|exchanged|changed|given|started|stopped|admitted|discharged|booked|scheduled|planned|due|repeated?|reported|diagnosed|dx|died|operated|reviewed|received|completed|dictated|collected|drawn|wk of|week of|month of|date"
    r"|am|vom|v\.|bis|seit|zum|ab|datiert|gezogen|entfernt|durchgeführt|erfolgt|geplant|Datum|Termin|Erstdiagnose|ED|Rezidiv|Zyklus|Eingriff|Fadenzug|Gipswechsel|Verbandswechsel|Drainage ex|Fäden ex|ex|zuletzt|Z\. ?n\. .{0,30}"
    r"|el|del|desde|hasta|día|fecha|visto|vista|previ[oa]|retirad[oa]s?|cambiad[oa]|colocad[oa]|realizad[oa]|programad[oa]|citad[oa]|operad[oa]|intervenid[oa]|diagnosticad[oa]|diagnóstico|ingresad[oa]|iniciad[oa]|suspendid[oa]|tomad[oa]|hech[oa]|puest[oa]|informad[oa]|cambio de \w+|retirada|datum)"
)
"""What says that a day follows: prepositions, and what happens to somebody."""
PARTS = r"(?:early|mid|late|beginning of|start of|end of|middle of|(?:first|second) half of|Anfang|Mitte|Ende|principios de|primeros de|mediados de|finales de|fines de|últimos de|comienzos de)"
"""Parts of a month or a year."""
OF_THIS_MONTH: dict[str, str] = {
    "en": r"(?:of\s+(?:this|last|next|the(?: (?:same|current|previous|following|coming|past))?)\s+month|(?:inst|ult|prox)\b\.?)",
    "de": r"(?:d(?:es|ieses)?\.?\s*(?:M(?:ts?)?\b\.?|(?:(?:Vor|Folge)monats|(?:(?:letzten|vorigen|vergangenen|nächsten|kommenden|laufenden|gleichen|folgenden) )?Monats))|ds\.(?:\s?M(?:ts?)?\b\.?)?|(?:vorigen|letzten|vergangenen|kommenden|nächsten|laufenden|folgenden) Monats|[lvnc]\.\s?M\.)",
    "es": r"del?\s+(?:(?:los\s+)?(?:corrientes?|ctes?\b\.?|actual|presente(?: mes)?)|(?:este|pasado|próximo|mismo|presente) mes|mes (?:pasado|anterior|próximo|siguiente|corriente|actual|que viene|en curso|presente)|p?pdo\b\.?|próximo pasado)",
}
"""What stands behind a day whose month is said by the day of writing."""


def any_of(names: Sequence[str]) -> str:
    """A pattern of any of the names, the longest first."""
    return "|".join(sorted(map(re.escape, names), key=len, reverse=True))
