"""The values that facts may have. What lies outside is a mislabelled record, never a new word by accident."""

from collections.abc import Iterable, Mapping

from components.images.volume import PLANES
from components.images.windows import WINDOWS
from components.records.findings import FINDINGS, VIEWS
from components.records.targets import ENHANCED_T1, OWN_TARGETS, SHOWN
from components.records.vocabulary import FREE_FACTS, PROJECTIONS, Modality
from components.sources.reading.structures import ORGANS

YES_NO = ("yes", "no")
ANATOMIES = (
    "brain",
    "neck",
    "chest",
    "heart",
    "breast",
    "abdomen",
    "pelvis",
    "spine",
    "shoulder",
    "arm",
    "hand",
    "leg",
    "foot",
    "eye",
    "skin",
    "oesophagus",
    "stomach",
    "small bowel",
    "colon",
    "rectum",
    "kidney",
    "lymph node",
    "tissue",
    "whole body",
    "unknown",
)
FACTS: dict[str, tuple[str, ...]] = {
    "plane": PLANES,
    "contrast": ("T1", ENHANCED_T1, "T2", "FLAIR", "PD"),
    "map": ("none", "grey matter", "white matter"),
    "stain": ("H&E", "immunohistochemistry"),
    "colour": YES_NO,
    "tumour": YES_NO,
    "nodule": YES_NO,
    "doppler": YES_NO,
    "retinopathy": YES_NO,
    "laterality": ("left", "right"),
    "projection": PROJECTIONS,
    "window": tuple(WINDOWS),
    "level": ("lower", "middle", "upper"),
}
LIST_FACTS = {
    "organs": ORGANS,
    "unclear_organs": ORGANS,
    "findings": FINDINGS,
    "absent_findings": FINDINGS,
    "view": VIEWS,
}
"""Facts that hold words joined by ';'."""
NEVER_COLOUR = tuple(m.value for m in (Modality.MRI, Modality.CT, Modality.XRAY, Modality.NUCLEAR))
ALWAYS_COLOUR = (Modality.HISTOPATHOLOGY.value, Modality.FUNDUS.value)


def unknown_words(facts: Mapping[str, str], targets: Iterable[str] = ()) -> str:
    """Names of facts and paired images, and words of list facts, that the vocabulary does not hold; empty when all is
    known."""
    found = [
        f"fact {name!r}" for name in facts if name not in FACTS and name not in FREE_FACTS and name not in LIST_FACTS
    ]
    for name, words in LIST_FACTS.items():
        found += [f"{name} {word!r}" for word in facts.get(name, "").split(";") if word and word not in words]
    found += [f"target {name!r}" for name in targets if name not in SHOWN and name not in OWN_TARGETS]
    return ", ".join(found)
