"""Ultrasound: clips and stills as video or image files, and exams as DICOM; text around the tissue is cut away."""

from collections.abc import Iterator
from pathlib import Path

from components.images.clip import SUFFIXES, read_frames
from components.images.dicom import is_dicom
from components.images.limits import ImageError, LeftOutError
from components.images.raster import check_file, read_raster
from components.images.windows import drop_grey_channels
from components.records.vocabulary import Modality
from components.sources.delivery_folder import Delivery, Item
from components.sources.generic.dicom import FRAME_STEP, cut, read_file

_PHANTOMS = ("phantom", "clarius", "axial-lateral", "interson")
_FROZEN = 0.5
"""Grey levels: frames of a clip that differ by less are one picture."""


def read(delivery: Delivery) -> Iterator[Item]:
    """One record per distinct frame (every 5th of a clip); recordings of phantoms are left out by name."""
    for name, path in delivery.files():
        yield from delivery.read(name, path, lambda p, n=name: _file(delivery, n, p))


def _file(delivery: Delivery, name: str, path: Path) -> Iterator[Item]:
    if any(word in name.lower() for word in _PHANTOMS):
        raise LeftOutError("phantom", "a recording of a test object is not a patient")
    check_file(path)
    if is_dicom(path):
        yield from read_file(delivery, name, path)
        return
    labels = delivery.labels.of(name)
    box = delivery.labels.crop(name)
    if box is None and labels.get("burned_in") != "no":
        raise ImageError(
            "burned-in risk",
            "frames may show names; look at them, then say `burned_in,no` or give `crop` in labels.csv",
        )
    step = int(delivery.settings.options.get("frame_step", FRAME_STEP))
    frames = (
        read_frames(path, step=step, still_below=_FROZEN)
        if path.suffix.lower() in SUFFIXES
        else [(0, read_raster(path))]
    )
    subject = labels.get("subject") or Path(name).stem
    for index, frame in frames:
        yield delivery.record(
            f"{name.replace('/', '-')}-f{index:04d}",
            drop_grey_channels(cut(frame, box, name) if box else frame),
            subject=subject,
            modality=Modality.ULTRASOUND,
            anatomy=labels.get("anatomy") or "unknown",
            file=name,
            licence=labels.get("licence", "unknown"),
            locator=f"frame {index}",
        )
