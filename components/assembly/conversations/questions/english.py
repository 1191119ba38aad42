"""Nouns in English sentences: articles, numbers, lists."""

import re
from collections.abc import Sequence

_SINGULAR_ENDS = ("ss", "us", "is", "as")
"""Ends of words in s that are one thing: oesophagus, pancreas, pelvis."""
_ANY_OF_MANY = {"kidney cyst", "lymph node"}
"""Structures of which a body has many, or none: 'a kidney cyst', never 'the'."""
_COUNTED = [
    "artery",
    "band",
    "cardiomediastinum",
    "cavity",
    "cyst",
    "effusion",
    "fracture",
    "granuloma",
    "hernia",
    "lesion",
    "lung",
    "mass",
    "nodule",
    "opacity",
    "pacemaker",
    "pattern",
    "pneumothorax",
    "pseudonodule",
    "shift",
    "sternotomy",
    "tumour",
]
"""Last words of findings that can be counted: 'a rib fracture', but 'cardiomegaly'."""
_IMAGES = {
    "MRI": "MRI scan",
    "CT": "CT scan",
    "fundus photography": "fundus photograph",
    "clinical photography": "clinical photograph",
    "endoscopy": "endoscopic image",
    "dermoscopy": "dermoscopic image",
}
_VOWEL = re.compile(r"(?:[aeio]|ultra|MRI|MLO|X-ray|OCT|AP\b|[LR]AO)")


def is_plural(noun: str) -> bool:
    """Whether the noun stands for several: the ribs, the iliac arteries; not the pancreas."""
    last = noun.lower().split()[-1] if noun else ""
    return last.endswith("s") and not last.endswith(_SINGULAR_ENDS)


def article(noun: str) -> str:
    """a or an, by how the first word is said: an MRI, an X-ray, an ultrasound image, a CT."""
    return "an" if _VOWEL.match(noun) else "a"


def with_article(noun: str) -> str:
    """The noun with a or an."""
    return f"{article(noun)} {noun}"


def the(noun: str) -> str:
    """The structure or region with its article: the liver, the ribs, a lymph node."""
    return with_article(noun) if noun in _ANY_OF_MANY else f"the {noun}"


def some(finding: str) -> str:
    """The finding as it is seen: a rib fracture, cardiomegaly, support devices."""
    is_counted = not is_plural(finding) and finding.split()[-1] in _COUNTED
    return with_article(finding) if is_counted else finding


def be(noun: str) -> str:
    """Is or Are, as the noun asks for."""
    return "Are" if is_plural(noun) else "Is"


def image_by(modality: str) -> str:
    """What an image of that modality is called: a fundus photograph, an X-ray image."""
    return _IMAGES.get(modality, f"{modality} image")


def listed(nouns: Sequence[str]) -> str:
    """'a, b and c'."""
    return " and ".join(", ".join(nouns).rsplit(", ", 1))
