"""The vocabulary of paired images: what a target shows, by name, and which of them an image can be turned into."""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from components.records.vocabulary import Modality


class PairKind(StrEnum):
    """How an image and its target belong together."""

    TRANSLATION = "translation"
    """The same place in another contrast or modality."""
    STAINING = "staining"
    """The same tissue with another stain or marker."""
    MAP = "map"
    """The image's own structures in colours or white: labels, which only nearest neighbour may scale."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """What a paired image may show."""

    name: str
    """Key of `Record.targets`."""
    words: str
    """As it stands in an instruction; with its article where it is drawn only and can be counted."""
    kind: PairKind
    value: str = ""
    """The fact `contrast` or `stain`, else the modality, of a record that shows the same itself; empty: no record does."""


class Paired(Protocol):
    """A record as far as its pairs go."""

    @property
    def modality(self) -> Modality: ...

    @property
    def facts(self) -> Mapping[str, str]: ...

    @property
    def targets(self) -> Container[str]: ...


ENHANCED_T1 = "contrast-enhanced T1"
_KINDS: Mapping[PairKind, tuple[tuple[str, str, str], ...]] = {
    PairKind.TRANSLATION: (
        ("t1", "T1-weighted MRI", "T1"),
        ("t1c", "contrast-enhanced T1-weighted MRI", ENHANCED_T1),
        ("t2", "T2-weighted MRI", "T2"),
        ("flair", "FLAIR MRI", "FLAIR"),
        ("pd", "proton density MRI", "PD"),
        ("mri", "MRI", Modality.MRI.value),
        ("ct", "CT image", Modality.CT.value),
    ),
    PairKind.STAINING: (
        ("he", "H&E stain", "H&E"),
        ("ihc", "immunohistochemistry", "immunohistochemistry"),
        ("counterstain", "a haematoxylin counterstain", ""),
        ("dapi", "DAPI fluorescence", ""),
        ("lap2", "LAP2 beta fluorescence", ""),
        ("marker", "a fluorescent protein marker", ""),
    ),
    PairKind.MAP: (
        ("cell_map", "cells", ""),
        ("lesion_map", "lesion", ""),
        ("pneumothorax_map", "pneumothorax", ""),
        ("polyp_map", "polyp", ""),
        ("structure_map", "structures", ""),
        ("tumour_map", "tumour", ""),
        ("vessel_map", "vessels", ""),
    ),
}
SHOWN: Mapping[str, Shown] = {
    name: Shown(name=name, words=words, kind=kind, value=value)
    for kind, entries in _KINDS.items()
    for name, words, value in entries
}
"""By name. A new one is a new line above; the edits follow from it."""

LABEL_TARGETS = frozenset({"organ_map", *(shown.name for shown in SHOWN.values() if shown.kind is PairKind.MAP)})
"""Targets whose colours are labels."""
OWN_TARGETS = ("grey_matter", "white_matter", "organ_map", "haematoxylin", "output")
"""Further names of targets: edits of the default corpus, and what a source's own conversation draws."""


def shown_by(image: Paired) -> str:
    """What the image itself shows, as targets name it: contrast or stain where it is known, else the modality; nothing
    of a tissue map."""
    if image.facts.get("map", "none") != "none":
        return ""
    value = image.facts.get("contrast") or image.facts.get("stain") or image.modality.value
    return next((shown.name for shown in SHOWN.values() if shown.value == value), "")
