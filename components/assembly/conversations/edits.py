"""Drawing from an image: which edits exist, what they start from, what they end in, and how they are asked for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from components.recipes.nearest import nearest
from components.records.targets import SHOWN, Paired, PairKind, Shown, shown_by

PAIRED = "paired"
"""In a recipe's weights of edits: the weight of each edit that they do not name."""


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
    source: str = ""
    """What the record must show itself, as `targets.py` names it; empty: anything."""
    labels: bool = False
    """The target is a map of labels: scaled by nearest neighbour only."""
    method: str = ""
    """How the pair came about, for the provenance; empty: as the record says."""

    def applies(self, image: Paired) -> bool:
        """Whether the record has what the edit needs."""
        if self.target and self.target not in image.targets:
            return False
        return not self.source or self.source == shown_by(image)

    @property
    def prompt_id(self) -> str:
        """Identity of the benchmark's prompt."""
        return f"unimed.{self.name}@1"


def _paired_edits() -> Iterator[Edit]:
    """One edit for each target that records may have, and for each kind of image that it may be drawn from."""
    for target in SHOWN.values():
        if target.kind is PairKind.MAP:
            yield _map_edit(target)
            continue
        for source in SHOWN.values():
            if source.kind is target.kind and source.value and source is not target:
                yield _pair_edit(source, target)


def _map_edit(target: Shown) -> Edit:
    return Edit(
        name=target.name.replace("_", "-"),
        task="segmentation",
        benchmark="segmentation",
        target=target.name,
        labels=True,
        wordings=(
            f"Draw the {target.words} of this image as a map.",
            f"Segment the {target.words} in this image.",
            f"Mark the {target.words} of this image in a map.",
            f"Make a map of the {target.words} in this image.",
        ),
    )


def _pair_edit(source: Shown, target: Shown) -> Edit:
    if target.kind is PairKind.STAINING:
        wordings = (
            f"Draw this tissue with {target.words} instead of {source.words}.",
            f"Exchange this tissue's {source.words} for {target.words}.",
            f"Show the same tissue with {target.words}.",
            f"How would this tissue look with {target.words}? Draw it.",
        )
    else:
        wordings = (
            f"Translate this {source.words} into the {target.words} of the same place.",
            f"Draw the {target.words} that belongs to this {source.words}.",
            f"Turn this {source.words} into {target.words}.",
            f"How would this {source.words} look as {target.words}? Draw it.",
        )
    return Edit(
        name=f"{target.kind.value}-{source.name}-to-{target.name}",
        task=target.kind.value,
        benchmark=target.kind.value,
        source=source.name,
        target=target.name,
        wordings=wordings,
    )


EDITS: Mapping[str, Edit] = {
    edit.name: edit
    for edit in (
        *_paired_edits(),
        Edit(
            name="super-resolution",
            task="super_resolution",
            benchmark="sr",
            wordings=(
                "Transform this low-resolution image into a high-resolution equivalent.",
                "Enhance the spatial resolution of this image.",
                "Sharpen this low-resolution image.",
                "Draw this image at a higher resolution.",
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
                "Draw the grey matter of this T1-weighted MRI as a map.",
                "Make a grey matter map of this T1-weighted MRI.",
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
                "Draw the white matter of this T1-weighted MRI as a map.",
                "Make a white matter map of this T1-weighted MRI.",
            ),
        ),
        Edit(
            name="organ-map",
            task="organ_map",
            benchmark="organ_map",
            target="organ_map",
            labels=True,
            wordings=(
                "Draw the organ map of this image.",
                "Segment the organs of this image in colour.",
                "Colour the organs of this image in a map.",
                "Make a map of the organs in this image.",
            ),
        ),
        Edit(
            name="staining",
            task="staining",
            benchmark="staining",
            target="haematoxylin",
            wordings=(
                "Draw this tissue with its haematoxylin stain alone.",
                "Remove every stain but haematoxylin from this image.",
                "Show only the haematoxylin of this tissue.",
                "Keep the haematoxylin of this image and nothing else.",
            ),
            method="derived: colour deconvolution",
        ),
    )
}


def edit(name: str) -> Edit:
    """The edit of that name; raises ValueError for an unknown one."""
    if name not in EDITS:
        raise ValueError(f"unknown edit {name!r} in assembly.edits{nearest(name, [*EDITS, PAIRED])}")
    return EDITS[name]


def weighted_edits(weights: Mapping[str, float]) -> dict[str, float]:
    """Edit -> weight: those that the recipe names, then all others by what it says for `paired`, if it does.

    Raises ValueError for an unknown name.
    """
    named = {edit(name).name: weight for name, weight in weights.items() if name != PAIRED}
    others = {name: weights[PAIRED] for name in EDITS if name not in named} if PAIRED in weights else {}
    return named | others
