"""Clips and stills as video, image or DICOM files, of any modality that labels.csv names; text around the picture is cut away."""

from collections.abc import Iterator
from pathlib import Path

from components.images.clip import SUFFIXES, read_frames
from components.images.dicom import is_dicom
from components.images.limits import ImageError
from components.images.raster import check_file, read_raster
from components.images.windows import drop_grey_channels
from components.records.vocabulary import Modality
from components.sources.delivery_folder import Delivery, Item
from components.sources.generic.dicom import FRAME_STEP, cut, read_file
from components.sources.reading.labelled_images import labelled_modality

_FROZEN = 0.5
"""Grey levels: frames of a clip that differ by less are one picture."""


def read(delivery: Delivery) -> Iterator[Item]:
    """One record per distinct frame (every 5th of a clip, or the option `frame_step`); the patient is the label `subject`,
    else the file."""
    for name, path in delivery.files():
        yield from delivery.read(name, path, lambda p, n=name: read_clip(delivery, n, p))


def read_clip(delivery: Delivery, name: str, path: Path, modality: Modality | None = None) -> Iterator[Item]:
    """The records of one file. Raises ImageError for one whose frames nobody looked at, and, without a `modality` for the
    whole source, for one that labels.csv names none for."""
    check_file(path)
    if is_dicom(path):
        yield from read_file(delivery, name, path)
        return
    labels = delivery.labels.of(name)
    modality = modality or labelled_modality(labels)
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
            modality=modality,
            anatomy=labels.get("anatomy") or "unknown",
            file=name,
            licence=labels.get("licence", "unknown"),
            locator=f"frame {index}",
        )
