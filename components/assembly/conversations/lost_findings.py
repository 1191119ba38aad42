"""Which findings a report says are there, to tell whether a report that sentences were taken from became a normal one."""

import re
from functools import lru_cache

from components.records.denials import affirms
from components.records.findings import FINDINGS, NOT_ILL, wordings

_SIGNS = (
    "aberrant|abnormal|abscess|adenopath|aneurysm|anomal|arthr|aspirat|asymmetr|atelecta|atheroscl|blunt"
    "|bronchiectas|bronchit|bulla|calcifi|cancer|carcinoma|cardiomegal|cavit|collaps|compress|congest"
    "|consolidat|crowding|cyst|deformit|degenerat|densit|dilat|disease|dislocat|ectasia|ectatic|edema"
    "|effusion|elevat|embol|emphysem|engorge|enlarge|fibro|fractur|granulom|haematom|haemorrhag"
    "|haemothora|haze|hazi|hazy|hematom|hemorrhag|hemothora|hernia|hydropneumo|hyperinflat|hypoinflat"
    "|infarct|infiltrat|inflam|ischaem|ischem|kypho|lesion|lucenc|lymphadenopath|malignan|markings|mass"
    "|metasta|necro|nodul|obscur|oedema|opaci|osteopeni|osteophyt|osteopor|pneumomediast|pneumonia"
    "|pneumoperiton|pneumothora|promin|radiodensit|scar|sclero|scolio|spondyl|spur|stenos|sublux|swell"
    "|swollen|thicken|thromb|tortuo|tuberculo|tumor|tumour|wedg|widen"
)
"""How words begin that name something ill, singular, plural or adjective: opacity, opacities, opacification."""
_WORDINGS = sorted(
    {word for name in FINDINGS if name not in NOT_ILL for word in wordings(name)}, key=lambda word: (-len(word), word)
)
SIGN = rf"\b(?:{_SIGNS})"
"""How a word begins that names something ill, in lower case."""
_SIGN = re.compile(SIGN)
_PHRASES = [phrase for phrase in _WORDINGS if not _SIGN.search(phrase)]
_NAMED = re.compile(rf"\b(?:(?:{_SIGNS})|(?:{'|'.join(map(re.escape, _PHRASES))})\b)")


def affirmed(text: str) -> frozenset[str]:
    """The findings that an English text names without denying them, each by how its words begin."""
    plain = text.lower()
    return frozenset(name for name in set(_NAMED.findall(plain)) if affirms(plain, _pattern(name)))


@lru_cache(maxsize=2**10)
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(rf"\b{re.escape(name)}")
