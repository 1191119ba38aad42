"""SA-Med2D-20M as published: `images/{modality}_{sequence}--{set}--{case}--{slice}.png`, `masks/{image}--{class}_{n}.png`,
`SAMed2D_v1.json` (image -> masks), `SAMed2D_v1_class_mapping_id.json` (set -> class name -> number)."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from components.images.limits import ImageError, LeftOutError
from components.images.png import encode_png
from components.images.raster import SUFFIXES
from components.images.stored import StoredImage
from components.records.targets import ENHANCED_T1
from components.records.vocabulary import Modality
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.label_colours import painted
from components.sources.reading.labelled_images import Shot, labelled_record, mask_of
from components.sources.reading.rows import json_object

LICENCE = "CC BY-NC-SA 4.0 (SA-Med2D-20M); each set's own terms"
LISTED, CLASSES = "SAMed2D_v1.json", "SAMed2D_v1_class_mapping_id.json"
LEAST_SHARE = 0.0005
"""Share of the image that a mask covers, at least: thousands are next to empty."""
_MASK = re.compile(r"(.+?)--(\d+)(?:--|_)(\d+)")
_MODALITIES = {
    "ct": Modality.CT,
    "mr": Modality.MRI,
    "x": Modality.XRAY,
    "endoscopy": Modality.ENDOSCOPY,
    "fundus": Modality.FUNDUS,
    "ultrasound": Modality.ULTRASOUND,
    "pet": Modality.NUCLEAR,
}
"""Of the prefix before its first underscore; others are unknown to us."""
_CONTRASTS = {
    **dict.fromkeys(("t1", "t1w", "mprage"), "T1"),
    **dict.fromkeys(("t1c", "t1ce", "t1gd"), ENHANCED_T1),
    **dict.fromkeys(("t2", "t2w"), "T2"),
    "flair": "FLAIR",
    "pd": "PD",
}
_ANATOMY = {"fundus": "eye", "dermoscopy": "skin"}


@dataclass(frozen=True, slots=True)
class _Found:
    images: dict[str, tuple[str, Path]] = field(default_factory=dict)
    """Stem of the image -> (name, path)."""
    masks: dict[str, list[tuple[str, Path]]] = field(default_factory=lambda: defaultdict(list))
    tables: dict[str, Path] = field(default_factory=dict)


def read(delivery: Delivery) -> Iterator[Item]:
    """One record an image, with its classes painted as what may be drawn; the patient is the set and its case. An image
    or mask that the list names and that was not delivered is unreadable, and so is an image without a mask to speak of."""
    found, classes, listed = _Found(), {}, {}
    for name, path in delivery.files():
        if not _sorted_in(found, name, path):
            yield delivery.unknown(name, f"SA-Med2D holds images/, masks/, {LISTED} and {CLASSES}")
    for table, path in found.tables.items():
        try:
            delivery.check(path)
            whole = json_object(path)
            if PurePosixPath(table).name == CLASSES:
                classes = {text: _names(numbers) for text, numbers in whole.items()}
            else:
                listed = {PurePosixPath(image).stem: _stems(masks) for image, masks in whole.items()}
        except ImageError as error:
            yield delivery.unreadable(table, error)
    for stem in sorted(set(listed) - set(found.images)):
        yield delivery.unreadable(f"images/{stem}.png", ImageError("missing image", f"{LISTED} names it"))
    masks = dict(found.masks)
    for stem, (name, path) in sorted(found.images.items()):
        own = masks.pop(stem, [])
        missing = sorted(set(listed.get(stem, ())) - {PurePosixPath(mask).stem for mask, _ in own})
        yield from delivery.read(name, path, lambda p, n=name, o=own, m=missing: _record(delivery, n, p, o, m, classes))
    for stem, strays in sorted(masks.items()):
        if stem not in listed:
            for name, _ in strays:
                yield delivery.unknown(name, "a mask without its image")


def _sorted_in(found: _Found, name: str, path: Path) -> bool:
    parts = PurePosixPath(name).parts
    stem, folder = PurePosixPath(name).stem, parts[-2] if len(parts) > 1 else ""
    if path.name in (LISTED, CLASSES):
        found.tables[name] = path
    elif path.suffix.lower() not in SUFFIXES:
        return False
    elif folder == "masks":
        mask = _MASK.fullmatch(stem)
        if mask is None:
            return False
        found.masks[mask[1]].append((name, path))
    else:
        found.images[stem] = name, path
    return True


def _record(
    delivery: Delivery,
    name: str,
    path: Path,
    masks: Sequence[tuple[str, Path]],
    missing: Sequence[str],
    classes: Mapping[str, Mapping[int, str]],
) -> Iterator[Item]:
    stem = PurePosixPath(name).stem
    parts = stem.split("--")
    if len(parts) < 4:
        raise ImageError("bad name", f"{stem!r} is not <modality>--<set>--<case>--<slice>")
    if missing:
        raise ImageError("missing mask", f"{len(missing)} masks were not delivered, the first is {missing[0]}.png")
    image = StoredImage.of(path)
    named = _named_masks(delivery, masks, image.shape, classes.get(parts[1], {}))
    if not named:
        raise LeftOutError("near-empty mask", f"no mask covers {LEAST_SHARE:.2%} of it; {len(masks)} were delivered")
    kind, _, sequence = parts[0].partition("_")
    modality = _MODALITIES.get(kind, Modality.UNKNOWN)
    facts = {"description": "; ".join(sorted({label.replace("_", " ") for label, _ in named}))}
    if modality is Modality.MRI and sequence in _CONTRASTS:
        facts["contrast"] = _CONTRASTS[sequence]
    shot = Shot(
        file=name,
        image=image,
        subject=f"{parts[1]}--{parts[2]}",
        targets={"structure_map": encode_png(painted(named, image.shape))},
    )
    yield labelled_record(
        delivery, stem, shot, modality=modality, anatomy=_ANATOMY.get(kind, "unknown"), licence=LICENCE, facts=facts
    )


def _named_masks(
    delivery: Delivery, masks: Sequence[tuple[str, Path]], shape: tuple[int, ...], names: Mapping[int, str]
) -> list[tuple[str, NDArray[np.bool_]]]:
    """(class, mask) of each class that is large enough; a union of others only where it stands alone."""
    whole: dict[str, NDArray[np.bool_]] = {}
    for name, path in masks:
        number = int(_MASK.fullmatch(PurePosixPath(name).stem)[2])  # type: ignore[index]
        label = names.get(number, f"class {number}")
        mask = mask_of(delivery, name, path, shape)
        whole[label] = whole[label] | mask if label in whole else mask
    large = [(label, mask) for label, mask in sorted(whole.items()) if mask.mean() >= LEAST_SHARE]
    parts = [(label, mask) for label, mask in large if not label.startswith("union_")]
    return parts or large


def _names(numbers: object) -> dict[int, str]:
    """Number -> class of one set. Raises ImageError, reason 'bad classes'."""
    try:
        return {int(number): str(label) for label, number in numbers.items()}  # type: ignore[attr-defined]
    except (AttributeError, TypeError, ValueError):
        raise ImageError("bad classes", "each set needs {class name: number}") from None


def _stems(masks: object) -> list[str]:
    if not isinstance(masks, list):
        raise ImageError("bad list", "each image needs a list of its masks")
    return [PurePosixPath(str(mask)).stem for mask in masks]
