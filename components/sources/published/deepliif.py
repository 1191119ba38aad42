"""DeepLIIF as published: `{train,val,test}/*.png`, six panels side by side: immunohistochemistry, its haematoxylin
counterstain, DAPI, LAP2 beta, the protein marker, and the cells (red with the marker, blue without, green borders).

Images to predict on come in the same form with the first panel six times: there is nothing to draw then.
"""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from components.images.limits import ImageError
from components.images.png import encode_png
from components.images.raster import SUFFIXES, read_raster
from components.images.windows import drop_grey_channels
from components.records.vocabulary import Modality
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.labelled_images import Shot, labelled_record
from components.sources.reading.row_records import split_of

LICENCE = "Apache-2.0 with Commons Clause (DeepLIIF)"
TARGETS = ("counterstain", "dapi", "lap2", "marker", "cell_map")
"""Panels behind the first, from left to right."""
_CELLS = np.array([(0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255)], np.int16)


def read(delivery: Delivery) -> Iterator[Item]:
    """One record a file; the patient is the tissue or case that the name begins with: Lung1 and Lung2 are one."""
    for name, path in delivery.files():
        if path.suffix.lower() in SUFFIXES:
            yield from delivery.read(name, path, lambda p, n=name: _record(delivery, n, p))
        else:
            yield delivery.unknown(name, "DeepLIIF holds images of six panels")


def _record(delivery: Delivery, name: str, path: Path) -> Iterator[Item]:
    whole = read_raster(path)
    height, width = whole.shape[:2]
    if width != height * (len(TARGETS) + 1) or whole.ndim != 3:
        raise ImageError("wrong panels", f"{width} x {height} pixels are not six square panels in colour")
    image, *panels = np.split(whole, len(TARGETS) + 1, axis=1)
    targets = {
        target: encode_png(_cells(panel) if target == "cell_map" else drop_grey_channels(panel))
        for target, panel in zip(TARGETS, panels, strict=True)
        if not np.array_equal(panel, image)
    }
    stem = PurePosixPath(name).stem
    shot = Shot(
        file=name,
        image=np.ascontiguousarray(image),
        subject=_subject(stem),
        split=split_of(name.rsplit("/", 1)[0]) if "/" in name else None,
        targets=targets,
        locator="panel 1 of 6",
        method="as delivered" if targets else "as delivered; its panels repeat it, so that nothing is paired",
    )
    yield labelled_record(
        delivery,
        name.removesuffix(path.suffix),
        shot,
        modality=Modality.HISTOPATHOLOGY,
        anatomy="tissue",
        facts={"stain": "immunohistochemistry"},
        licence=LICENCE,
    )


def _cells(panel: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The panel in its four exact colours: some files hold a few pixels beside them."""
    distance = np.abs(panel[:, :, None, :].astype(np.int16) - _CELLS).sum(axis=3)
    return _CELLS[distance.argmin(axis=2)].astype(np.uint8)


def _subject(stem: str) -> str:
    """Letters that the name begins with, else its first number."""
    found = re.match(r"[A-Za-z]+|\d+", stem)
    return found[0].lower() if found else stem
