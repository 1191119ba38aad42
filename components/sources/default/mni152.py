"""The MNI ICBM152 average head out of nilearn: T1, grey matter and white matter on one grid, in three planes."""

from collections.abc import Iterator

import numpy as np

from components.images.limits import ImageError
from components.images.stored import StoredImage
from components.images.volume import PLANES, Volume, read_volume, same_grid, usable_slices
from components.images.windows import window
from components.records.vocabulary import Modality
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.levels import levels

LICENCE = "ICBM 2009a notice (free use with attribution, McConnell Brain Imaging Centre); nilearn BSD-3-Clause"
SUBJECT = "mni152"
_FILES = {
    "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz": ("t1", {"contrast": "T1", "map": "none"}),
    "mni_icbm152_gm_tal_nlin_sym_09a_converted.nii.gz": ("gm", {"map": "grey matter"}),
    "mni_icbm152_wm_tal_nlin_sym_09a_converted.nii.gz": ("wm", {"map": "white matter"}),
}
"""File -> its key, and what it shows: an image, or the map of a tissue."""
_TARGETS = {"gm": "grey_matter", "wm": "white_matter"}
_TISSUE_SHARE = 0.15


def read(delivery: Delivery) -> Iterator[Item]:
    """One record per slice, plane and contrast; the T1 slices carry grey and white matter of the same place as targets."""
    volumes: dict[str, tuple[str, dict[str, str], Volume]] = {}
    for name, path in delivery.files():
        if name not in _FILES:
            yield delivery.unknown(name, f"this source holds {', '.join(sorted(_FILES))}")
            continue
        key, shown = _FILES[name]
        try:
            delivery.check(path)
            volumes[key] = (name, shown, read_volume(path))
        except ImageError as error:
            yield delivery.unreadable(name, error)
    if volumes:
        yield from _slices(delivery, volumes)


def _slices(delivery: Delivery, volumes: dict[str, tuple[str, dict[str, str], Volume]]) -> Iterator[Item]:
    order = [key for key in ("gm", "wm", "t1") if key in volumes]
    first = volumes[order[-1]][2]
    for key in list(order):
        if not same_grid(first, volumes[key][2]):
            yield delivery.unreadable(
                volumes[key][0], ImageError("grids differ", f"not on the grid of {volumes[order[-1]][0]}")
            )
            order.remove(key)
    mask = np.asarray(first.data) > 0
    for plane in PLANES:
        indices = usable_slices(first, mask, plane, _TISSUE_SHARE)
        heights = levels(mask, indices) if plane == "axial" else {}
        for index in indices:
            targets: dict[str, bytes] = {}
            for key in order:
                file, shown, volume = volumes[key]
                image = StoredImage.of_pixels(window(volume.slice(plane, index), 0, 255))
                facts = {"plane": plane, **shown}
                if index in heights:
                    facts["level"] = heights[index]
                yield delivery.record(
                    f"{key}-{plane}-{index:03d}",
                    image,
                    subject=SUBJECT,
                    modality=Modality.MRI,
                    anatomy="brain",
                    file=file,
                    licence=LICENCE,
                    locator=f"{plane} {index}",
                    facts=facts,
                    targets=targets if key == "t1" else None,
                    position=volume.position(plane, index),
                )
                if key in _TARGETS:
                    targets[_TARGETS[key]] = image.data
