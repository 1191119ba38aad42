"""Drawing from an image: which edits exist, what they start from, what they end in, and how they are asked for."""

from collections.abc import Mapping
from dataclasses import dataclass

from components.assembly.corpus import Entry
from components.recipes.reading import nearest


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """One editing task. Its name is its metric's name and its weight's key in the recipe."""

    name: str
    task: str
    benchmark: str
    wordings: tuple[str, ...]
    """The benchmark uses the first."""
    target: str = ""
    """Which paired image is drawn; empty: the record's own image from its degraded self."""
    labels: bool = False
    """The target is a map of labels: scaled by nearest neighbour only."""
    method: str = ""
    """How the pair came about, for the provenance; empty: as the record says."""

    def applies(self, entry: Entry) -> bool:
        """Whether the record has what the edit needs."""
        return not self.target or self.target in entry.targets

    @property
    def prompt_id(self) -> str:
        """Identity of the benchmark's prompt."""
        return f"unimed.{self.name}@1"


EDITS: Mapping[str, Edit] = {
    edit.name: edit
    for edit in (
        Edit(
            name="super-resolution",
            task="super_resolution",
            benchmark="sr",
            wordings=(
                "Transform this low-resolution image into a high-resolution equivalent.",
                "Enhance the spatial resolution of this image.",
            ),
            method="derived: condition degraded by bicubic scaling down and up",
        ),
        Edit(
            name="translation-grey-matter",
            task="translation",
            benchmark="translation",
            target="grey_matter",
            wordings=(
                "Translate this T1-weighted MRI into a grey matter map.",
                "Using this T1-weighted MRI, draw its grey matter map.",
            ),
        ),
        Edit(
            name="translation-white-matter",
            task="translation",
            benchmark="translation",
            target="white_matter",
            wordings=(
                "Translate this T1-weighted MRI into a white matter map.",
                "Using this T1-weighted MRI, draw its white matter map.",
            ),
        ),
        Edit(
            name="organ-map",
            task="organ_map",
            benchmark="organ_map",
            target="organ_map",
            labels=True,
            wordings=("Draw the organ map of this image.", "Segment the organs of this image in colour."),
        ),
        Edit(
            name="staining",
            task="staining",
            benchmark="staining",
            target="haematoxylin",
            wordings=(
                "Draw this tissue with its haematoxylin stain alone.",
                "Remove every stain but haematoxylin from this image.",
            ),
            method="derived: colour deconvolution",
        ),
    )
}


def edit(name: str) -> Edit:
    """The edit of that name; raises ValueError for an unknown one."""
    if name not in EDITS:
        raise ValueError(f"unknown edit {name!r} in assembly.edits{nearest(name, EDITS)}")
    return EDITS[name]
