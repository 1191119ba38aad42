"""What of a text may be learnt where somebody took names and dates out, or speaks of whom the findings were told to."""

import re

from components.assembly.conversations.lost_findings import SIGN, affirmed
from components.sources.reading.report_heads import LABELS

REDACTED = re.compile(r"(?:\b[xX]-)?X{3,}|_{3,}|\[\*\*.*?\*\*\]|\[(?:REDACTED|DE-?ID\w*)\]")
"""Where somebody took a name or a date out: XXXX in Open-i, ___ in MIMIC, [** … **] in older exports."""
_NORMAL = r"(?:normal|negative|unremarkable)"
_FILM = re.compile(
    rf"(?i)\b((?:{_NORMAL}|clear|stable)\s+(?:[\w-]+\s+){{0,3}}?)(?:X{{3,}}\s+)?(chest) x-X{{3,}}s?"
    r"(?=\W*(?:$|\n|\s+without\b|[.;]\s))"
    rf"|\b({_NORMAL}\s+)(chest) X{{3,}}(?=\.|$|\n)"
    rf"|\b(chest) x-X{{3,}}(?=\s+(?:is|was)\s+{_NORMAL}\b)"
)
"""Where only the name of the examination is gone: 'Normal chest x-XXXX.' says what 'Normal chest.' says."""
_FINDING = r"(?:opacit|densit|atelecta|scar|infiltrat|consolidat|effusion|nodul|calcif|deformit|marking|thicken)[a-z]*"
_ATTRIBUTE = re.compile(
    r"(?im)(?P<before>(?:^(?:(?:Findings|Impression|Addendum|Wet read): )?|[.;]\s+|\d[.)]\s+"
    r"|\b(?:there (?:is|are|was|were)|with|without|no|or|shows?|demonstrates?|represents?)\s+)"
    r"(?:(?:an?|some|few|multiple|numerous|scattered|mild|minimal|moderate|severe|slight|subtle|vague|small|large|tiny|patchy"
    r"|hazy|focal|areas? of)\s+)+(?:(?:left|right|basilar|basal|bibasilar|bilateral|lower|upper)\s+)*)X{3,}\s+"
    r"(?=(?P<behind>(?:(?:left|right|bibasilar|basilar|bilateral|perihilar|subsegmental|linear|airspace|interstitial)\s+)*"
    rf"{_FINDING}\b))"
)
"""Where one attribute of a finding is gone that can have denied nothing: 'There are mild XXXX opacities' says 'There are mild
opacities'. The words before it begin a clause or follow what names a finding, and ask for a noun: what stands alone there, as
in 'is mild XXXX opacities', 'on the left XXXX opacities', can have had a 'without' behind it, what begins a clause a 'No', and
of two words that are gone one can have been the noun."""
_TURNED = re.compile(
    rf"(?i)({SIGN}\w*(?:\s+(?!(?:n?or|and)\b)[\w-]+){{0,4}}?)(?>(?:\s+(?:{REDACTED.pattern}))+)(?!\s*(?:[.,;]|n?or\b|and\b|$))"
)
"""Behind a finding, and before more: a 'but' or a 'not' can be gone, as in 'No effusion XXXX small nodule' or 'effusion XXXX
resolved'."""
_REASSURES = re.compile(
    r"(?i)\b(?:no|nor|not|none|never|without|free of|negative|absent|absence|excluded|ruled out|unlikely|unremarkable|normal|clear"
    r"|resolved|otherwise)\b"
)
_ABBREVIATIONS = (
    "approx|no|nos|vs|cf|ca|fig|figs|st|e\\.g|i\\.e|etc|resp|incl|max|min|vol|ant|post|lat|inf|sup|dr|drs|mr|mrs|ms"
    "|prof|m\\.d|d\\.o|ph\\.d|p\\.a|n\\.p|r\\.n|a\\.m|p\\.m|p\\.o|b\\.i\\.d"
)
_END = re.compile(r"[.!?][\"')\]]*(?=\s+(\S)|$)")
_ABBREVIATED = re.compile(rf"(?i:(?<![\w.])(?:{_ABBREVIATIONS})\.$)|(?:^|[\s(])[A-Z]\.$|^\s*\(?\d{{1,2}}\.$")
"""Before a full stop that ends no sentence: 'Dr.', 'approx.', an initial, the number of a list."""
_UNITS = re.compile(r"(?i:a\.m|p\.m|etc|m\.d|d\.o|ph\.d|n\.p|r\.n)\.$")
"""Abbreviations that may end a sentence as well: they do before a capital letter."""
_LABELS = sorted({label for labels in LABELS.values() for label in labels.values()})
_HEAD = re.compile(rf"^(?:Findings|Impression|Addendum|Wet read|{'|'.join(_LABELS)}): ")
_IMPRESSION = "Impression: "
_PERSON = (
    r"(?:Drs?\b|doctors?\b|M\.?D\b|physicians?\b|clinicians?\b|nurses?\b|N\.P\.|R\.N\.|providers?\b|surgeons?\b"
    r"|(?:clinical|medical|surgical|primary|care|covering|trauma|ED|ICU|emergency)\s+team\b|house\s?staff\b|residents?\b)"
)
_CHANNEL = r"(?:(?:tele)?phone|pager|paging|e-?mail|in person|dashboard)"
_TELLING = (
    r"\b(?:discussed|communicated|conveyed|relayed|reported|telephoned|phoned|called|paged|notified|informed|e-?mailed"
    r"|entered|posted|aware|reviewed with|spoke)\b"
)
_NOTIFIES = re.compile(rf"(?i:{_TELLING})(?=.*(?:{_PERSON}|(?i:\b{_CHANNEL}\b)))|(?:{_PERSON}).*(?i:{_TELLING})")
_PRIOR = (
    r"in comparison (?:with|to)|(?:when |as )?compared (?:with|to)|comparison (?:is made )?(?:with|to)|relative to"
    r"|(?:un|not )changed|no change|stable|similar|since|as (?:seen|noted|described)|(?:also )?seen on|dated|performed"
    r"|(?:new|increased|decreased|improved|worse(?:ned)?) (?:since|from|compared)|from the (?:prior|previous|earlier)|per\b"
)
_ADJUNCT = re.compile(rf"(?i:(?:and |but |which is |as |largely |essentially |grossly )?(?:{_PRIOR}))")
"""Begins a clause that only says what the finding is compared with."""
_TRAILING = re.compile(
    r"(?i:\s+(?:since|from|as compared (?:with|to)|compared (?:with|to)|in comparison (?:with|to)|relative to|than on|on)"
    r"(?:\s+(?:the|a|an))?(?:\s+(?:prior|previous|earlier|most recent|recent|last|outside|study|studies|exam|examination"
    r"|radiographs?|films?|images?|CTs?|MRIs?|scans?|chest|x-rays?|of|from|dated|performed|and))*\s+§(?:\s+(?:at|and)?\s*§)*)$"
)
"""Ends a clause and only says what it is compared with."""
_VERB = re.compile(r"\b(?:is|are|was|were|has|have|shows?|remains?|appears?|demonstrates?)\b", re.IGNORECASE)
_LEADING = re.compile(
    rf"^{_ADJUNCT.pattern}[^§]*§(?:\s+(?:at|and)?\s*§)*\s+"
    rf"(?=(?:there|the|an?|no|both|left|right)\b.*{_VERB.pattern})"
)
_JOINT = re.compile(r",\s+(?:and|but|while|although|however,?)\s+(?=.*)")
_FEWEST_WORDS = 2
_HALF = re.compile(
    r"(?i)^(?:if|when|while|whereas|although|though|because|since|given|unless|until|whether|as|after|before|due|which)\b"
    r"|\b(?:is|are|was|were|has|have|been|the|an?|of|with|and|or|to|in|on|at|by|for|from|no)$"
)
"""Begins or ends what is no sentence of its own once the rest of it is cut."""
_NEEDS_VERB = re.compile(r"(?i)^(?:the|this|these|that|those|there|it|they)\b")
_REFERS = re.compile(
    r"(?i)^(?:\(?\d{1,2}[.)]\s*)?(?:(?:this|these|those|that|it|its|they|their|such|also|however|but|another|which"
    r"|additionally|furthermore|moreover|nevertheless|in addition|the (?:former|latter|other|others|same|remaining))\b"
    r"|there (?:is|are) also\b)|\b(?:otherwise|additional|elsewhere|remainder of)\b"
)
"""Leans on the sentence before it: 'This may be …', 'Otherwise, clear.', 'The lungs are otherwise clear.'"""


def without_redactions(text: str, *, is_told: bool) -> str:
    """The text without what a redaction mark belongs to: its clause, where the rest is a sentence of its own, else its
    sentence and those that lean on it. With `is_told` (a caption, a report), sentences that say whom the findings were
    told to go as well.

    Lines and the heads of sections stay where anything is left below them. Empty where what is left would mislead: the
    impression is gone, or a finding is named no more that the whole text affirms, unless an impression that lost nothing
    says what is ill and calls nothing normal.
    """
    if not REDACTED.search(text) and not (is_told and _NOTIFIES.search(text)):
        return text
    lines, has_lost = [], False
    told = _ATTRIBUTE.sub(_unattributed, _FILM.sub(lambda found: "".join(filter(None, found.groups())), text))
    for line in told.split("\n"):
        head = found[0] if (found := _HEAD.match(line)) else ""
        said, lost = _left(sentences(line[len(head) :]), is_told, has_lost)
        has_lost |= lost
        if said:
            lines.append(head + said)
        elif head == _IMPRESSION:
            return ""
    left = "\n".join(lines)
    return left if affirmed(_TURNED.sub(r"\1.", text)) <= affirmed(left) or _is_summed_up(told, left) else ""


def _unattributed(found: re.Match[str]) -> str:
    """What stood before the attribute, with the article that goes with what stands behind it."""
    article = "an" if found["behind"][0] in "aeiouAEIOU" else "a"
    return re.sub(r"(?i)\b(a)n?(?=\s+$)", lambda said: said[1] + article[1:], found["before"])


def _is_summed_up(told: str, left: str) -> bool:
    """Whether the impression stands as it was told, affirms a finding and denies none."""
    said, kept = ([line for line in text.split("\n") if line.startswith(_IMPRESSION)] for text in (told, left))
    return bool(said) and said == kept and bool(affirmed(said[0])) and not _REASSURES.search(said[0])


def sentences(text: str) -> list[str]:
    """The sentences of a line of text. Abbreviations, initials, numbers of a list and decimals end none."""
    found, start = [], 0
    for end in _END.finditer(text):
        before, following = text[start : end.end()], end[1] or ""
        if _ABBREVIATED.search(before) and not (_UNITS.search(before) and following.isupper()):
            continue
        found.append(before.strip())
        start = end.end()
    return [sentence for sentence in (*found, text[start:].strip()) if sentence]


def _left(said: list[str], is_told: bool, has_fallen: bool) -> tuple[str, bool]:
    """(what stays of a line's sentences, whether one fell whole). `has_fallen` says whether one fell before the line."""
    kept, lost = [], False
    for sentence in said:
        if not re.search(r"[^\W\d]", sentence):
            continue
        left = "" if has_fallen and _REFERS.search(sentence) else _kept(sentence, is_told)
        has_fallen = not left
        lost |= has_fallen
        kept.append(left)
    return " ".join(sentence for sentence in kept if sentence), lost


def _kept(sentence: str, is_told: bool) -> str:
    """What stays of one sentence; empty where nothing does."""
    if is_told and _NOTIFIES.search(sentence):
        return ""
    if not REDACTED.search(sentence):
        return sentence
    said = "; ".join(part for part in map(_clauses, re.split(r";\s+", sentence)) if part)
    end = sentence[-1] if said and said[-1] not in ".!?" and sentence[-1] in ".!?" else ""
    return said[:1].upper() + said[1:] + end


def _clauses(part: str) -> str:
    """A part between semicolons without the clauses that hold a mark; empty where the mark is in the main one."""
    if not REDACTED.search(part):
        return part
    marked = re.sub(r"\s*[(\[][^()\[\]]*§[^()\[\]]*[)\]]", "", REDACTED.sub("§", part))
    end = marked[-1] if marked[-1:] in (".", "!", "?") else ""
    main = _LEADING.sub("", marked.rstrip(".!? "))
    said = ""
    clauses = re.split(r",\s+", main)
    for number, clause in enumerate(clauses):
        if "§" in clause:
            is_bare = not re.search(r"\w", clause.replace("§", ""))
            if is_bare and _is_listed(clauses, number):
                return ""
            if is_bare or _ADJUNCT.match(clause):
                continue
            clause = _TRAILING.sub("", clause)
        if "§" in clause:
            said = ", ".join(_independent(main))
            break
        said += (" " if _VERB.match(clause) else ", ") * bool(said) + clause
    said = re.sub(r"^(?:and|but|however,)\s+", "", said)
    return f"{said}{end}" if _is_sentence(said) else ""


def _is_listed(clauses: list[str], number: int) -> bool:
    """Whether the clause is one of a list, which without it would be wrong: 'XXXX, disc spaces, and alignment are normal'."""
    return number == 0 or any(re.match(r"(?:and|or)\b", clause) for clause in clauses[number + 1 :])


def _is_sentence(said: str) -> bool:
    """Whether what is left of a cut sentence can stand alone. Reports leave out verbs: 'Heart size normal.'"""
    if len(said.split()) < _FEWEST_WORDS or _HALF.search(said):
        return False
    return not _NEEDS_VERB.match(said) or _VERB.search(said) is not None


def _independent(marked: str) -> list[str]:
    """Of main clauses joined by a conjunction those without a mark; none where a part has no verb of its own: that is
    a list."""
    parts = _JOINT.split(marked)
    return [part for part in parts if "§" not in part] if all(map(_VERB.search, parts)) else []
