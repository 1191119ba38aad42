"""Any folder of DICOM files: one record per frame, facts from an allow-list of tags and from labels.csv.

Ultrasound, secondary captures and screen saves may have names burned into the pixels. Their frames are cut to the tissue
regions that the header names, or to the `crop` of labels.csv; without either, and without `burned_in,no` from a person
who looked, the file is quarantined. So is any file of a private source in whose pixels rows of letters are found. The
option `burned_in: allow` lets all of them pass.

A file without PatientID is its study's: one patient a StudyInstanceUID. `window` in labels.csv names the windows of CT
to see a file through; several, joined by ';', are a record each.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.images.deidentify import METHOD
from components.images.dicom import DicomImage, is_dicom, open_dicom
from components.images.dicom_pixels import Shown
from components.images.limits import ImageError, LeftOutError
from components.images.slide import tissue_share
from components.images.windows import WINDOWS
from components.records.vocabulary import Modality
from components.sources.delivery_folder import Delivery, Item
from components.sources.generic.dicom_words import MODALITIES, PROJECTION, region, side_facts
from components.sources.reading.burned_in import is_cleared, refuse_text
from components.storage.keys import keyed_hash

FRAME_STEP = 5
_TISSUE_SHARE = 0.4
"""Of a slide's tile: what is mostly glass shows nothing."""
_VIEWER_FILES = (
    *(".exe", ".dll", ".inf", ".ini", ".ico", ".htm", ".html", ".css", ".js", ".jar", ".bat", ".cmd", ".sh", ".plist"),
    *(".log", ".lnk", ".url", ".chm", ".hlp", ".cab", ".msi", ".ttf", ".woff", ".woff2", ".pdf"),
)
"""What a hospital's discs hold beside their images."""


def read(delivery: Delivery) -> Iterator[Item]:
    """One record per frame (every 5th of a clip, or the option `frame_step`), window and ultrasound region."""
    for name, path in delivery.files():
        yield from delivery.read(name, path, lambda p, n=name: read_file(delivery, n, p))


def read_file(delivery: Delivery, name: str, path: Path) -> Iterator[Item]:
    """The records of one DICOM file; raises ImageError when it can have none."""
    if path.suffix.lower() in _VIEWER_FILES and not is_dicom(path):
        raise LeftOutError("viewer file", "it belongs to a viewer or a page beside the images")
    image = open_dicom(path, secret=delivery.secret)
    image.check_is_wanted()
    found = _Found.of(delivery, name, image)
    step = int(delivery.settings.options.get("frame_step", FRAME_STEP)) if image.is_clip else 1
    count = 0
    for index in range(0, image.frames, step):
        for record in found.frame(index):
            count += 1
            yield record
    if not count:
        raise LeftOutError("no tissue", f"no tile of {image.frames} is stained on {_TISSUE_SHARE:.0%} of it")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """A file with what its header and labels.csv say of it."""

    delivery: Delivery
    name: str
    image: DicomImage
    native: str
    subject: str
    modality: Modality
    anatomy: str
    boxes: Sequence[tuple[int, int, int, int] | None]
    windows: Sequence[str]

    @classmethod
    def of(cls, delivery: Delivery, name: str, image: DicomImage) -> "_Found":
        labels = delivery.labels.of(name)
        modality = MODALITIES.get(image.modality)
        if modality is None and "modality" not in labels:
            raise ImageError(
                "unknown modality", f"DICOM modality {image.modality!r} is not an image we know; name it in labels.csv"
            )
        return cls(
            delivery=delivery,
            name=name,
            image=image,
            native=keyed_hash("dicom", delivery.source, image.instance or name, key=delivery.secret, digest_bytes=8),
            subject=labels.get("subject") or image.patient or _nameless(image, name),
            modality=modality or Modality.TEXT,
            anatomy=labels.get("anatomy") or region(image.modality, image.body_part),
            boxes=_boxes(delivery, name, image),
            windows=delivery.labels.windows(name) if modality is Modality.CT else (),
        )

    def frame(self, index: int) -> Iterator[Item]:
        """The records of a frame, one a window and ultrasound region."""
        for window in self.windows or ("",):
            shown = self.image.shown(index, limits=WINDOWS.get(window))
            if self.modality is Modality.HISTOPATHOLOGY and self.image.frames > 1 and not _is_stained(shown.pixels):
                return
            for number, box in enumerate(self.boxes):
                part = cut(shown.pixels, box, self.name) if box else shown.pixels
                if self.delivery.secret and not is_cleared(self.delivery, self.name):
                    refuse_text(part, f"frame {index}")
                yield self._record(index, number, replace(shown, pixels=part), window)

    def _record(self, index: int, number: int, shown: Shown, window: str) -> Item:
        image, parts = self.image, []
        if image.frames > 1:
            parts.append((f"-f{index:04d}", f"frame {index}"))
        if len(self.boxes) > 1:
            parts.append((f"-r{number}", f"region {number}"))
        if window:
            parts.append((f"-{window.replace(' ', '-')}", f"{window} window"))
        plane, position = image.place(index)
        told = ["as delivered", METHOD if self.delivery.secret else "", shown.remark]
        return replace(
            self.delivery.record(
                self.native + "".join(suffix for suffix, _ in parts),
                shown.pixels,
                subject=self.subject,
                modality=self.modality,
                anatomy=self.anatomy,
                file=self.name,
                licence=self.delivery.labels.of(self.name).get("licence", "unknown"),
                locator=" ".join(locator for _, locator in parts),
                facts=self._facts(plane, shown),
                position=position,
                method="; ".join(part for part in told if part),
            ),
            person=_hashed(image.person, self.delivery.secret),
        )

    def _facts(self, plane: str, shown: Shown) -> dict[str, str]:
        found = {"plane": plane, "window": shown.window, "projection": PROJECTION.get(self.image.modality, "")}
        return {name: value for name, value in found.items() if value} | side_facts(self.image.laterality, self.anatomy)


def _nameless(image: DicomImage, name: str) -> str:
    """The subject of a file without PatientID: one a study, else one a frame of reference, a series, a file."""
    return keyed_hash("dicom-subject", image.study or image.space or image.series or image.instance or name)


def _hashed(person: tuple[str, ...], secret: bytes) -> tuple[str, ...]:
    return tuple(keyed_hash("person", value, key=secret, digest_bytes=8) if value else "" for value in person)


def _is_stained(pixels: NDArray[np.uint8]) -> bool:
    return pixels.ndim == 3 and tissue_share(pixels) >= _TISSUE_SHARE


def cut(pixels: NDArray[np.uint8], box: tuple[int, int, int, int], name: str) -> NDArray[np.uint8]:
    """The box (x0, y0, x1, y1) of an image; raises ImageError when it reaches beyond the image."""
    x0, y0, x1, y1 = box
    if x1 > pixels.shape[1] or y1 > pixels.shape[0]:
        raise ImageError(
            "bad labels", f"crop {box} of {name} reaches beyond its {pixels.shape[1]} x {pixels.shape[0]} pixels"
        )
    return np.ascontiguousarray(pixels[y0:y1, x0:x1])


def _boxes(delivery: Delivery, name: str, image: DicomImage) -> list[tuple[int, int, int, int] | None]:
    crop = delivery.labels.crop(name)
    if crop is not None:
        return [crop]
    if image.regions:
        return list(image.regions)
    if image.burned_in and not is_cleared(delivery, name):
        raise ImageError(
            "burned-in risk",
            f"{image.modality or 'this'} frames may show names; look at them, then say `burned_in,no` or give `crop` "
            "in labels.csv",
        )
    return [None]
