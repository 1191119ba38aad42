"""What of a text may be learnt where somebody took names and dates out, or speaks of whom the findings were told to."""

import re

REDACTED = re.compile(r"X{3,}|_{3,}|\[\*\*.*?\*\*\]|\[(?:REDACTED|DE-?ID\w*)\]")
"""Where somebody took a name or a date out: XXXX in Open-i, ___ in MIMIC, [** … **] in older exports."""
_ABBREVIATIONS = (
    "approx|no|nos|vs|cf|ca|fig|figs|st|e\\.g|i\\.e|etc|resp|incl|max|min|vol|ant|post|lat|inf|sup|dr|drs|mr|mrs|ms"
    "|prof|m\\.d|d\\.o|ph\\.d|p\\.a|n\\.p|r\\.n|a\\.m|p\\.m|p\\.o|b\\.i\\.d"
)
_END = re.compile(r"[.!?][\"')\]]*(?=\s+(\S)|$)")
_ABBREVIATED = re.compile(rf"(?i:(?<![\w.])(?:{_ABBREVIATIONS})\.$)|(?:^|[\s(])[A-Z]\.$|^\s*\(?\d{{1,2}}\.$")
"""Before a full stop that ends no sentence: 'Dr.', 'approx.', an initial, the number of a list."""
_UNITS = re.compile(r"(?i:a\.m|p\.m|etc|m\.d|d\.o|ph\.d|n\.p|r\.n)\.$")
"""Abbreviations that may end a sentence as well: they do before a capital letter."""
_HEAD = re.compile(r"^(?:Findings|Impression|Addendum|Wet read): ")
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
_LEADING = re.compile(rf"^{_ADJUNCT.pattern}[^§]*§(?:\s+(?:at|and)?\s*§)*\s+(?=(?:there|the|an?|no|both|left|right)\b)")
_VERB = re.compile(r"\b(?:is|are|was|were|has|have|shows?|remains?|appears?|demonstrates?)\b", re.IGNORECASE)
_JOINT = re.compile(r",\s+(?:and|but|while|although|however,?)\s+(?=.*)")
_FEWEST_WORDS = 2


def without_redactions(text: str, *, is_told: bool) -> str:
    """The text without what a redaction mark belongs to: its clause, where the rest is a sentence of its own, else its
    sentence. With `is_told` (a caption, a report), sentences that say whom the findings were told to go as well.

    Lines and the heads of sections stay where anything is left below them.
    """
    if not REDACTED.search(text) and not (is_told and _NOTIFIES.search(text)):
        return text
    lines = []
    for line in text.split("\n"):
        head = found[0] if (found := _HEAD.match(line)) else ""
        kept = (_kept(sentence, is_told) for sentence in sentences(line[len(head) :]))
        if said := " ".join(sentence for sentence in kept if sentence):
            lines.append(head + said)
    return "\n".join(lines)


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
    for clause in re.split(r",\s+", main):
        if "§" in clause:
            if _ADJUNCT.match(clause) or not re.search(r"\w", clause.replace("§", "")):
                continue
            clause = _TRAILING.sub("", clause)
        if "§" in clause:
            said = ", ".join(_independent(main))
            break
        said += (" " if _VERB.match(clause) else ", ") * bool(said) + clause
    said = re.sub(r"^(?:and|but|however,)\s+", "", said)
    return f"{said}{end}" if len(said.split()) >= _FEWEST_WORDS else ""


def _independent(marked: str) -> list[str]:
    """Of main clauses joined by a conjunction those without a mark and with a verb of their own."""
    return (
        [part for part in _JOINT.split(marked) if "§" not in part and _VERB.search(part)]
        if _JOINT.search(marked)
        else []
    )
