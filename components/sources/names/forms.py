"""What names a person by its form, whatever the language: numbers, addresses of every kind, files, dates of birth."""

import re

_UNIT = (
    r"(?!\s*(?:/\s*)?(?:µ[lL]|mcl|mm3|mm³|m[lL]\b|cc\b|cells?\b|Zellen|células|counts?\b|copies|Kopien|copias|IU\b|IE\b|UI\b|U/|ng\b|pg\b"
    r"|mg\b|g/|kg\b|Bq\b|MBq|Hz|kHz|MHz|HU\b|UH\b|HE\b|mm\b|cm\b|µm\b|um\b|ms\b|s\b|x\d|×|%|platelets|Thrombozyten|plaquetas|leu[ck]o|Leukozyten))"
)
_DIGIT_BEFORE = r"(?<![\d.,])"
_LABEL = (
    r"(?:mrn|m\.r\.n\.|hosp|unit|pid|uhid|emr|crn|health card|medical record|record|chart|case|file|accession|acc|account|acct|encounter|visit|order|requisition|request"
    r"|exam(?:ination)?|study|specimen|policy|insurance|member|passport|licen[cs]e|serial|nhs|hospital|patient|pat|pt|ssn|id|ref(?:erence)?"
    r"|fall|patienten|pat|auftrags?|aufnahme|akten|akzessions?|versicherten|versicherungs|kassen|untersuchungs|befund|archiv|anforderungs|journal"
    r"|historia(?: cl[ií]nica)?|nhc|h\.?c|n\.?h\.?c|expediente|episodio|paciente|petici[oó]n|solicitud|afiliaci[oó]n|tarjeta sanitaria|dni|nie|nif|cip|nuhsa|folio|estudio|subject|donor|trial|registry|invoice|claim|ticket|caso|p[oó]liza|factura|c[oó]digo|registro|salida|historia|cama|habitaci[oó]n|room|bed|bett|zimmer)"
)
_NUMBER = r"(?:\s*[-.]?\s*(?:no|nos|nr|num|number|nummer|n[º°]|n[uú]mero|n[uú]m|id|#))"
_CASE = r"(?!\s*(?:_|x{2,}|\[|\*|withheld|unknown|not\b|none|n/a|no consta|no\b|unbekannt|fehlt|kein))"
_LABELLED = (
    # A number that is called one: `accession 1234`, `Fall-Nr. 4711`, `NHC: 12-34`. Of one to three digits it counts a series.
    rf"\b{_LABEL}(?:{_NUMBER}\.?|)\s*[:#=.]*\s*(?!(?:19|20)\d\d\b)[A-Z]{{0,4}}[-/]?\d[\d./-]{{2,}}\d"
    # Letters and digits of a thing that bears a number: `Lot 22B91`, `SN 4411-X`.
    rf"|\b(?:s/?n|lot|batch|charge|ch\.-b\.|lote|serial|serien|seriennummer|n\.?[º°o]\.? de serie|udi|slide|ref(?:erence)?|barcode)(?:{_NUMBER}\.?|)\s*[:#=.]*\s*(?=[A-Z\d/-]*\d[A-Z/-]*\d[A-Z/-]*\d)[A-Z\d][A-Z\d/-]{{3,}}\b"
    # What is called somebody's or something's number, of three digits and more.
    r"|\b[\wäöüß-]*(?:-nr|(?<=\w)nr|-no|nummer)\b\.?\s*[:#]?\s*[A-Z]{0,3}[ -]?\d[\d./-]{2,}|\bn\.?[º°]\.?\s*(?:(?:de|col)\b\.? ?(?:\w+ )?)?[A-Z]{0,3}[-/]?\d{3,}|\bno\. ?\d{4,}|\btarjeta(?: sanitaria)?\s*:?\s*[A-Z]{2,4}\s?\d"
    # In groups, where it is called a number.
    rf"|\b{_LABEL}{_NUMBER}\.?\s*[:#=.]*\s*\d[\d ./-]{{3,}}\d\b(?!\s*(?:mm|cm|ml))"
    rf"|\b(?:mrn|nhc|dni|nie|nif|ssn|nhs|acc(?:ession)?(?:{_NUMBER})|(?:medical record|chart|patient|historia cl[ií]nica)(?:{_NUMBER}|'s id|en-?id))\.?\s*[:#=]+{_CASE}\s*\w"
    rf"|\b(?:patient(?:'s)?\s+name|name\s+of\s+(?:the\s+)?patient|name|nombre(?: y apellidos| del paciente)?|apellidos?|patientenname|nachname|vorname|surname)\s*[:=]+{_CASE}\s*[^\W\d_]"
)
_THING = (
    r"(?:log|logbook|film|folder|tray|sample|specimen|tube|vial|code|block|badge|incident|ticket|disc|disk|cd|dvd|req|randomi[sz]ation|endoscopy|enrolled as|enrol?ment|kit|bag|cassette|tag|wristband|bracelet|referral|report|letter|receipt|voucher|prescription|rx|protocol|plate|registration|asset|pacemaker|implant|device|theatre book|book"
    r"|buch|op-buch|bogen|probe|probandin?|präparat|histo(?:logie)?|zytologie|pathologie|az|aktenzeichen|zeichen|vorgang|rechnung|cirs|kostenstelle|sieb|funker|pieper|kassette|röhrchen|beutel|konserve|rezept|überweisung|schein|formular|meldung|ausweis|kennzeichen|inventar|gerät|schrittmacher|implantat|spender(?:in)?|teilnehmer(?:in)?|randomisation|charge|chargen?nummer|siegel|armband|umschlag|mappe|ordner"
    r"|libro|muestra|biopsia|citolog[ií]a|anatom[ií]a patol[oó]gica|a\.?p|bloque|tubo|bolsa|donante|sujeto|aleatorizaci[oó]n|exp|parte|volante|placa|caja|matr[ií]cula|incidencia|turno|identificador|reg|colegiad[oa]|col|orden|vale|receta|sobre|carpeta|tomo|pulsera|brazalete|marcapasos|implante|dispositivo|inventario|justificante|certificado|tarjeta|resguardo|etiqueta|participante)"
)
_MARKED = (
    # Letters, digits and slashes of a thing's mark, of which three are digits; plain digits from four on.
    rf"\b(?:[\wäöüß]+-)?{_THING}(?: de \w+)?(?:{_NUMBER}\.?|)\s*[:#=.]*\s*(?!(?:19|20)\d\d\b(?![-/]))(?:(?=(?:[A-Z/:.-]*\d){{3}})(?=\d*[A-Z/:-])[A-Z\d]+(?:[-/:.]?[A-Z\d]+)+|\d{{4,}}|[A-Z]\d{{3,}}(?: \d+)+)\b(?![.,]\d)(?!\s*(?:mm|cm|ml|mg|µ|cells|Hz|ms|kg|g\b|x\b|%))"
    # A running number of any kind of thing: `Nr. 20/441`, `No. 4412-B`, `n.º 20-117`.
    r"|(?<!\w)(?:nr|no|num|núm|number|nummer|n\.?\s?[º°])\.?\s*[:#]?\s*(?=(?:[A-Z/-]*\d){4})[A-Z\d]{1,6}[-/][A-Z\d]{1,6}\b"
    r"|\b(?:last (?:four|4)|ending(?: in)?|ends in|endet (?:auf|mit)|endend auf|acab\w+ en|terminad\w+ en|últim[oa]s (?:cuatro|4))\D{0,14}\d{3,}"
    r"|\b(?:plate|kennzeichen|matr[ií]cula)\s*:?\s*(?=[\w -]*\d)[A-ZÄÖÜ\d-]{1,5} ?[A-Z\d]{1,4}"
)
_PLACE = r"(?:[A-ZÄÖÜÁÉÍÓÚÑ][\w'’.-]*)"
_STREET = (
    rf"\b\d{{1,5}}[a-z]?,?\s+(?:(?:North|South|East|West|[NSEW])\.?\s+)?(?:{_PLACE}\s+|\d+(?:st|nd|rd|th)\s+){{1,3}}"
    r"(?:Street|St|Str|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Way|Place|Pl|Square|Terrace|Crescent|Close|Highway|Hwy|Parkway|Pkwy|Gardens|Row|Hill|Mews|Grove|Circle)\b"
    r"|\b[A-ZÄÖÜ][a-zäöüß-]*(?:straße|strasse|str\.|weg|gasse|allee|platz|ufer|damm|ring|chaussee|steig|promenade)\s+\d{1,4}\s?[a-z]?\b"
    r"|\b[A-ZÄÖÜ][\wäöüß.-]*[ -](?:Straße|Strasse|Str\.|Weg|Gasse|Allee|Platz|Ufer|Damm|Ring|Chaussee)\s+\d{1,4}\s?[a-z]?\b"
    r"|\b(?:Am|An der|Im|Auf der|Zum|Zur|Unter den|In der)\s+[A-ZÄÖÜ][a-zäöüß]+(?:\s[A-ZÄÖÜ][a-zäöüß]+)?\s+\d{1,4}\s?[a-z]?,"
    r"|\b(?:[Cc]alle|[Cc]/|C\.|[Aa]venida|[Aa]vda\.?|[Aa]v\.|[Pp]laza|[Pp]za\.?|[Pp]l\.|[Pp]aseo|[Pp]º|[Cc]amino|[Cc]arretera|[Cc]tra\.?|[Rr]onda|[Tt]raves[ií]a|[Uu]rb(?:anizaci[oó]n|\.)|[Cc]arrer)\s*"
    r"(?:de(?:l| la| las| los)?\s+|el\s+|la\s+)?[A-ZÁÉÍÓÚÑ]\w+[\w\sáéíóúñ.]{0,40}?,?\s*(?:n[º°.]*\s*|núm\.?\s*)?(?:\d{1,4}\b|s/n)"
    r"|\b(?:P\.?\s?O\.?\s?Box|Postfach|Apartado(?: de correos)?|Apt\.?|Apartment|Suite|Flat)\s*#?\s*\d+"
    r"|\b[A-Z]{1,2}\d[A-Z\d]?\s\d[A-Z]{2}\b"
    r"|\b(?:[Ww]ard|[Ss]tation|[Ff]loor|[Uu]nit|[Pp]lanta|[Uu]nidad|[Bb]lock|[Bb]loque|[Hh]aus|[Tt]ower|[Pp]abellón|[Rr]oom|[Zz]immer|[Hh]abitación|[Hh]ab\.|\d{1,2}\. ?(?:OG|UG|Stock|Etage))\s?[\w.ªº]{0,6},?\s+(?:\d\. ?(?:OG|UG|EG),?\s+)?(?:[Rr]oom|[Bb]ed|[Zz]immer|[Zz]i\.|[Bb]ett|[Cc]ama|[Hh]abitación|[Hh]ab\.|[Bb]ox|[Bb]ay)\s*[A-Z]?\d+"
    r"|\b(?:An der|Am|Auf der|Auf dem|Zum|Zur|Unter den|In der|Im)\s+(?:[A-ZÄÖÜ][a-zäöüß]+\s){1,2}\d{1,3}\s?[a-z]?\b(?!\s*(?:mm|cm|ml|Grad|°|%))"
    r"|\b(?:[A-ZÄÖÜ]?\w*[Kk]rankenhaus|\w*[Kk]linikum|\w+klinik|LKH|Pflegeheim|Altenheim|Seniorenheim|Seniorenresidenz|Hospiz|MVZ|Sanatorium|Seniorenzentrum|Stift)\s+(?:(?:am|an der|im|in|zum|zur|St\.|Sankt|Heilig)\s?)?[A-ZÄÖÜ][a-zäöüß]{3,}"
    r"|\b(?!(?:Outside|Outlying|Local|General|University|Community|District|Regional|The|This|That|Our|Your|Another|Other|Day|Referring|Base|City|County|State|Private|Public|Teaching|Same|Academic|Cancer|Women|Children|Veterans|Acute|Eye|Heart|Mental|Field|Vascular|Cardiac|Plastic|Oral|Thoracic|Orthop[a-z]+|Spinal|Trauma|Hand|Colorectal|Breast|Bariatric|Maxillofacial|Cardiothoracic|Previous|Prior|Elective|Emergency|Tertiary|Rural|Urban)\b)"
    r"[A-Z][a-z’']{3,}(?: (?:St|Saint|Royal|General|Community|District|Memorial|Valley|Park|Hill|Green|Cottage|Regional|University|Children['’]s|Lodge|House|County|City|Road))* (?:Hospital|Infirmary|Hospice|Nursing Home|Care Home|Medical Cent(?:er|re)|Health Cent(?:er|re)|Surgery(?=[,. ]*(?:$|on|at|GP))|Primary School|High School|Residential Home)\b"
    r"|\b(?:Hospital|Clínica|Sanatorio|Residencia|Centro de Salud|Policlínica|Colegio|Ambulatorio|CEIP|CAP)\s+(?:(?:de|del|de la|la|el|los|las|San|Santa|Ntra\.|Nuestra|Virgen|Sra\.|Señora)\s+)*(?!(?:General|Universitario|Universitaria|Comarcal|Provincial|Regional|Clínico|Público|Privado|Día|Infantil|Terciario|Referencia|Origen)\b)[A-ZÁÉÍÓÚÑ][\wáéíóúñ]{3,}"
    r"|\b(?:[Zz]immer|[Zz]i\.|[Rr]oom|[Rr]m\.|[Hh]abitaci[oó]n|[Hh]ab\.)\s*\d{2,4}(?:-?[A-Z])?\b|\b(?:[Bb]ed|[Bb]ett|[Cc]ama)\s+(?:n\.?º\s*)?[A-Z]?\d{1,3}[A-Z]?\b"
    r"|\b(?:lives?|living|resid(?:es|ing)|wohnhaft|wohnt|domiciliad[oa]|reside|vive)\s+(?:at|in|en)\s+[A-ZÄÖÜÁÉÍÓÚÑ\d]"
)
_DAY = r"(?:\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|(?:19|20)\d\d|\d{1,2}\.?\s+(?:de\s+)?[a-zä]{3,10}\.?\s+(?:de\s+)?\d{4}|[a-z]{3,9}\.?\s+\d{1,2},?\s+\d{4})"
FORMS: dict[str, re.Pattern[str]] = {
    "number with a label": re.compile(f"{_LABELLED}|{_MARKED}", re.IGNORECASE),
    "date of birth": re.compile(
        rf"\b(?:born|geb\.?|geboren|nacid[oa]|naci[oó]|n\.|jahrgang|jg\.|f\.?\s?nac\.?|d\.?o\.?b\.?|date of birth|geburtsdatum|geb\.-?dat\.|fecha de nacimiento)"
        rf"[:\s]+(?:(?:on|am|in|im|el|en|the)\s+)?{_DAY}",
        re.IGNORECASE,
    ),
    "e-mail address": re.compile(
        r"[\w.+-]+\s?(?:@|\[at\]|\(at\))\s?[\w-]+(?:\s?(?:\.|\[dot\]|\(dot\))\s?[\w-]+)*\.?[a-z]{2,}\b", re.IGNORECASE
    ),
    "web address": re.compile(
        r"\b(?:[a-z]{3,6}://|www\.)\S+|\b[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|edu|gov|de|es|uk|at|ch|fr|it|eu|info|local|mx|ar|cl|co|io)\b(?!\.)(?:/\S*)?"
        r"|\b[a-z][a-z\d-]*\.[a-z][a-z\d.-]+/[a-z\d]+|(?<!\w)@\w{3,}|\b(?:skype|user(?:name)?|login|account|usuario|benutzer(?:name)?|kennung|cuenta|twitter|instagram|whatsapp|teams|zoom)\s*:\s*\w+"
        r"|(?<![\d.])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\d.])",
        re.IGNORECASE,
    ),
    "address": re.compile(_STREET),
    "file name": re.compile(
        r"[\w-]+\.(?:dcm|png|jpe?g|tiff?|nii|gz|pdf|docx?|txt|xml|csv|zip|mp4|avi)\b", re.IGNORECASE
    ),
    "telephone number": re.compile(
        r"(?<![\w.])(?:\(\d{2,5}\)\s?|\d{3}[ .-])\d{3}[ .-]\d{4}\b|(?<!\w)(?:\+|00)\d{1,3}[ /.-]?(?:\(0\)\s?)?\d[\d ()/.-]{5,16}\d"
        r"|\b0\d{1,4}\s?[-/ ]\s?\d[\d ]{3,10}\d\b(?!\s?[x×])|(?<![\d.,/-])(?<![A-Z])\d{3}[- ]\d{4}\b(?!\s*(?:HU|ms|ml|mm|cells))"
        r"|(?<![\d.,-])[6-9]\d{2}[ .-]?\d{3}[ .-]?\d{3}\b(?![.,]?\d)|(?<![\d.,-])[6-9]\d{1,2}(?:[ .-]\d{2,3}){3}\b(?![.,]?\d)"
        r"|\b(?:tel|phone|telephone|cell|mobile|pager|beeper|bleep|bip|dect|funk|hausruf|fax|ext|extension|dial|call(?:ed)? (?:back )?(?:at|on)|telefon|telefonisch unter|durchwahl|dw|handy|piepser|rufnummer|apparat|app"
        r"|tel[eé]fono|tfno|tlf|m[oó]vil|busca|extensi[oó]n|interno)\b\s*(?:n[or]|number|nummer)?[.:#]*\s*(?:is\s+|unter\s+|es\s+)?[-–]?\(?\+?\d[\d ()/.-]*\d",
        re.IGNORECASE,
    ),
    "number": re.compile(
        rf"{_DIGIT_BEFORE}\d{{5,}}(?![.,]\d){_UNIT}|[A-Z]+\d{{5,}}|\d{{5,}}[A-Z]+\b(?<!mm)(?<!ml)|\d{{2}}\.\d{{5,}}|\b[A-Z]\d+\.\d{{3,}}"
        rf"|{_DIGIT_BEFORE}\d{{2,}}(?:[-/.]\d{{2,}}){{2,}}\b(?!\s*(?:mm|cm))"
        r"|(?<![\w.,-])[A-Z]{1,5}[-/]?\d{2,}[-/]\d{2,}\b|(?<![\w.,-])\d{2,4}[-/][A-Z]{1,3}[-/]\d{2,}\b"
        rf"|(?<![\d.,/-])\d{{1,4}}[-/]\d{{5,}}\b|(?<![\d.,/-])\d{{5,}}[-/]\d+\b|(?<![\d.,/-])\d{{1,2}}-\d{{4}}\b(?![.,/-]?\d){_UNIT}"
        r"|(?<![\d.,])\d{1,2}\.\d{3}\.\d{3}(?:-?[A-Z])?\b|\b[XYZ]-?\d{7}-?[A-Z]\b|(?<![\d.])\d+(?:\.\d+){4,}(?![\d.])"
        r"|(?<![\dx×] )(?<![\d.,])\d{2,4}(?: \d{2,4}){2,}\b(?!\s*(?:mm|cm|ml|HU))"
        r"|\b[A-Z]{1,3} \d{3,4}(?: \d{3,4})+\b|\b[A-Z]{2,4} ?\d{2,3} \d{3} ?[A-Z\d]{1,3}\b"
        r"|(?<![\w.,/-])(?!(?:[A-Z]\d{1,2}-)+)(?=[\d/-]*[A-Z])(?=(?:[A-Z/-]*\d){6})[A-Z\d]{2,}(?:[-/][A-Z\d]{2,}){2,}\b|(?<![\d×*] )(?<![\w.,-])x\d{4}\b"
        # A log's number and its year, either first; no repetition and echo times, no visual acuity.
        rf"|(?<![\w.,/-])(?!1/)\d{{1,2}}/\d{{4,}}\b(?![.,/]?\d){_UNIT}|(?<!T[REI] )(?<!T[REI]=)(?<!T[REI]: )(?<!TE\) )(?<!TE )(?<![\w.,/-])\d{{4,}}/\d{{2}}\b(?![.,/]?\d)(?!\s*ms){_UNIT}"
        r"|(?<![\w.,/-])\d{4,}-\d{2}(?:-[A-Z])?\b(?![.,/-]?\d)(?!\s*(?:mm|cm|ml|HU|Hz))|\b[A-Z]{1,4}-\d{3,}-[A-Z\d]+\b|\b\d{4,}/[A-Z]\b|\b\d{2}[A-Z]{1,3}\d{3,}\b|\b(?!(?:TE|TR|TI|HU|HE|UH|BP|CA|SN|FA|IL)\d)[A-Z]{2,4}\d{4,}\b|\b[A-Z]{0,3}\d{2}:[A-Z]{0,3}\d{4,}\b|\b[A-Z]\d{4} \d{2,}\b"
        r"|\b\d{4} [BCDFGHJ-NPRSTV-Z]{3}\b|\b[A-Z]{2}\d{2} [A-Z]{3}\b|\b[A-ZÄÖÜ]{1,3}-[A-Z]{1,2} \d{3,4}\b"
        # Letters and digits by turns, but no vertebrae: T10-T11-L1.
        r"|\b(?!(?:[A-Z]\d{1,2}-)+[A-Z]?\d{1,2}\b)(?=(?:[A-Z-]*\d){4})(?=[A-Z\d-]{7,}\b)(?:[A-Z]+\d+|\d+[A-Z]+)-?(?:[A-Z]+-?\d+|\d+-?[A-Z]+)-?[A-Z\d-]*\b"
    ),
}
"""Kind -> how it looks, in a text whose dates and redactions are blank."""
_REDACTED = re.compile(
    r"\[\*\*.*?\*\*\]|[\[<({](?:de-?identified|redacted|removed|anonymi[sz]ed|name|names|date|id|number|initials|location|hospital|person|patient|doctor|physician|phone|address|age|datum|nombre|fecha|entfernt|geschwärzt|anonymisiert|eliminado|anonimizado)"
    r"[\w #-]{0,24}[\]>)}]|_{2,}|\b[Xx]{3,}\b|\*{3,}|█+",
    re.IGNORECASE,
)


def without_redactions(text: str) -> str:
    """The text with blanks where somebody took something out."""
    return _REDACTED.sub(lambda match: " " * len(match.group()), text)


def form_kinds(text: str) -> list[str]:
    """The kinds of FORMS that the text holds."""
    return [kind for kind, pattern in FORMS.items() if pattern.search(text)]
