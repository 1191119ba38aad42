"""The language of a caption, as far as its small words give it away."""

import re
from collections.abc import Mapping

from components.sources.reading.report_heads import language_of_head

ENGLISH = "en"
_SMALL: Mapping[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        ENGLISH: "the of with and in at on by to from is are was were showing shows a an for this that after before no",
        "fr": "le la les l de des du d un une et avec dans par sur est au aux en sans qui que montrant chez après",
        "de": "der die das den dem des ein eine einer einem und mit im von vom bei zur zum auf ist nach ohne zeigt",
        "es": "el la los las de del un una y con en por que se es al sin para muestra su tras",
        "it": "il lo la le gli di del della dei delle un una e con in per che si è al nel nella da",
        "pt": "o os as de do da dos das um uma e com em no na por que se ao para sem",
    }.items()
}
"""Language -> words that its sentences cannot do without."""
_WORD = re.compile(r"[^\W\d_]+")
_HEAD = re.compile(r"(?m)(?:^|[.!?;])[ \t]*([^\W\d_](?:[^\W\d_]|[ -]){2,40}?)[ \t]*:")
_OF_A_HEAD = 2
"""Small words that the head of a report's section is worth: 'Befund: Herz normal groß.' has none."""


def language_of(text: str) -> str:
    """Two letters. English unless two small words or more say otherwise, and clearly most of them: names in Latin, a
    French hospital, an abbreviation like LA make no language. Heads of a report's sections tell it as well."""
    heads = [language_of_head(head) for head in _HEAD.findall(text)]
    words = [word.lower() for word in _WORD.findall(text) if len(word) == 1 or not word.isupper()]
    found = {language: sum(word in small for word in words) for language, small in _SMALL.items()}
    for language in filter(None, heads):
        found[language] = found.get(language, 0) + _OF_A_HEAD
    first, second = sorted(found, key=lambda language: -found[language])[:2]
    return first if found[first] >= 2 and found[first] > found[second] else ENGLISH
