"""DRIVE as published: `{training,test}/images/21_training.tif`, `1st_manual/21_manual1.gif` (vessels), `2nd_manual/` (another
observer's) and `mask/` (the field of view)."""

import re
from collections.abc import Iterator
from pathlib import Path

from components.images.masks import white
from components.images.png import encode_png
from components.images.stored import StoredImage
from components.records.vocabulary import Modality
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.labelled_images import Shot, labelled_record, mask_of
from components.sources.reading.row_records import SPLITS

LICENCE = "not stated (DRIVE, by registration)"
_IMAGE = re.compile(r"(?:(.*)/)?images/(\d+)_(training|test)\.tif")
_BESIDE = re.compile(r"(?:.*/)?(?:2nd_manual/\d+_manual2|mask/\d+_(?:training|test)_mask)\.gif")
_VESSELS = re.compile(r"(?:(.*)/)?1st_manual/(\d+)_manual1\.gif")


def read(delivery: Delivery) -> Iterator[Item]:
    """One record a photograph, with the vessels as what may be drawn where the first observer's are delivered."""
    paths = dict(delivery.files())
    maps = {(found[1], found[2]): name for name in paths if (found := _VESSELS.fullmatch(name))}
    for name, path in paths.items():
        found = _IMAGE.fullmatch(name)
        if found:
            vessels = maps.pop((found[1], found[2]), "")
            file = (vessels, paths[vessels]) if vessels else None
            yield from delivery.read(name, path, lambda p, n=name, f=found, v=file: _record(delivery, n, p, f, v))
        elif not (_BESIDE.fullmatch(name) or _VESSELS.fullmatch(name)):
            yield delivery.unknown(name, "DRIVE is read as images/21_training.tif and 1st_manual/21_manual1.gif")
    for name in maps.values():
        yield delivery.unknown(name, "a vessel map without its photograph")


def _record(
    delivery: Delivery, name: str, path: Path, found: re.Match[str], vessels: tuple[str, Path] | None
) -> Iterator[Item]:
    image = StoredImage.of(path)
    targets = {}
    if vessels:
        targets["vessel_map"] = encode_png(white(mask_of(delivery, *vessels, image.shape)))
    shot = Shot(file=name, image=image, subject=found[2], split=SPLITS[found[3]], targets=targets)
    yield labelled_record(
        delivery,
        f"{found[2]}-{found[3]}",
        shot,
        modality=Modality.FUNDUS,
        anatomy="eye",
        licence=LICENCE,
    )
