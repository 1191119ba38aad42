"""Any folder of DICOM files: one record per frame, facts from an allow-list of tags and from labels.csv.

Ultrasound, secondary captures and screen saves may have names burned into the pixels. Their frames are cut to the tissue
regions that the header names, or to the `crop` of labels.csv; without either, and without `burned_in,no` from a person
who looked, the file is quarantined. So is any file of a private source in whose pixels something seems to be written. The
option `burned_in: allow` lets all of them pass.

A file without PatientID is its study's: one patient a StudyInstanceUID. `window` in labels.csv names the windows of CT
to see a file through; several, joined by ';', are a record each. `reports.csv` holds reports (`dicom_reports.py`). Series of
heads of a private source are held until their owner says that the faces were taken off (`dicom_heads.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.images.deidentify import METHOD
from components.images.dicom import DicomImage, is_dicom, open_dicom
from components.images.dicom_pixels import SPOILT, Shown
from components.images.limits import ImageError, LeftOutError
from components.images.resize import with_square_pixels
from components.images.slide import tissue_share
from components.images.windows import SOFT_TISSUE, WINDOWS, percentile_limits, window_name, without_background
from components.images.windows import window as as_window
from components.records.origins import HEADER
from components.records.record import Record
from components.records.vocabulary import Modality
from components.sources.delivery_folder import Delivery, Item
from components.sources.generic.dicom_copies import copies
from components.sources.generic.dicom_reports import NAME as REPORTS
from components.sources.generic.dicom_reports import Reports
from components.sources.generic.dicom_stacks import Filling, Stacks
from components.sources.generic.dicom_words import MODALITIES, PROJECTION, region, side_facts
from components.sources.reading.burned_in import is_cleared
from components.sources.reading.languages import language_of
from components.sources.reading.slicing import Cut, slice_mm
from components.sources.reading.writing import refuse_writing
from components.storage.keys import keyed_hash

FRAME_STEP = 5
_TISSUE_SHARE = 0.4
"""Of a slide's tile: what is mostly glass shows nothing."""
_VIEWER_FILES = (
    *(".exe", ".dll", ".inf", ".ini", ".ico", ".htm", ".html", ".css", ".js", ".jar", ".bat", ".cmd", ".sh", ".plist"),
    *(".log", ".lnk", ".url", ".chm", ".hlp", ".cab", ".msi", ".ttf", ".woff", ".woff2", ".pdf"),
    *(".doc", ".docx", ".odt", ".rtf", ".xls", ".xlsx", ".ods", ".ppt", ".pptx"),
)
_VIEWER_NAMES = ("lockfile", "version")
"""What a hospital's discs and folders hold beside their images."""


def read(delivery: Delivery) -> Iterator[Item]:
    """One record per frame (every 5th of a clip, or the option `frame_step`), window and ultrasound region; of series that are
    a volume, one per slice of the other planes too. `slice_mm` is how far apart slices lie at least."""
    reports, files = Reports(), []
    for name, path in delivery.files():
        if name == REPORTS:
            yield from delivery.read(name, path, lambda p: reports.read(delivery, p))
        else:
            files.append((name, path))
    again = copies(files, delivery)
    for name in again:
        yield delivery.unreadable(name, LeftOutError("same file", "another file of the delivery has the same bytes"))
    files = [file for file in files if file[0] not in again]
    try:
        found = Stacks(files, delivery)
    except ImageError as error:
        yield delivery.unreadable("options", error)
        return
    for name, path, ended in found.order(files):
        yield from delivery.read(name, path, lambda p, n=name: read_file(delivery, n, p, found, reports))
        for filling in ended:
            yield from delivery.read(name, path, lambda p, n=name, f=filling: _other_planes(delivery, n, p, found, f))
    yield from reports.rest(delivery)


def read_file(
    delivery: Delivery, name: str, path: Path, found: Stacks | None = None, reports: Reports | None = None
) -> Iterator[Item]:
    """The records of one DICOM file; raises ImageError when it can have none."""
    is_viewers = path.suffix.lower() in _VIEWER_FILES or path.stem.lower() in _VIEWER_NAMES
    if is_viewers and not is_dicom(path):
        raise LeftOutError("viewer file", "it belongs to a viewer or a page beside the images")
    image = open_dicom(path, secret=delivery.secret, patient_secret=delivery.patient_secret)
    image.check_is_wanted()
    file = _File.of(delivery, name, image)
    step = int(delivery.settings.options.get("frame_step", FRAME_STEP)) if image.is_clip else 1
    turns = reports.of(image) if reports else ()
    if found:
        found.heads.refuse(name, image, file.anatomy, file.modality)
    count = 0
    for index in range(0, image.frames, step):
        for record in file.frame(index, found.slot(name, index) if found else None):
            count += 1
            yield replace(record, turns=turns, language=language_of(turns[0].answer)) if turns else record
    if not count and file.modality is Modality.HISTOPATHOLOGY:
        raise LeftOutError("no tissue", f"no tile of {image.frames} is stained on {_TISSUE_SHARE:.0%} of it")
    if not count:
        raise LeftOutError("thinned out", f"another slice lies nearer than {slice_mm(delivery)} mm (slice_mm)")


def _other_planes(delivery: Delivery, name: str, path: Path, found: Stacks, filling: Filling) -> Iterator[Item]:
    """The slices of a whole stack in the planes that nobody took, seen through the windows of its last file."""
    if filling.values is None or not filling.is_whole or delivery.labels.crop(name):
        return
    file = _File.of(delivery, name, open_dicom(path, secret=delivery.secret))
    spread = percentile_limits(without_background(filling.values), 1.0, 99.5)
    is_ct = file.modality is Modality.CT
    for window in file.windows or ("",):
        limits = WINDOWS.get(window) or ((file.image.window or SOFT_TISSUE) if is_ct else spread)
        for cut, values, apart in found.cuts(filling, limits, is_ct=is_ct):
            pixels = with_square_pixels(as_window(values, *limits), *apart)
            if delivery.secret and not is_cleared(delivery, name):
                refuse_writing(delivery, pixels, cut.locator)
            yield file.cut(filling, cut, pixels, window, limits)


@dataclass(frozen=True, kw_only=True, slots=True)
class _File:
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
    def of(cls, delivery: Delivery, name: str, image: DicomImage) -> "_File":
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

    def frame(self, index: int, slot: tuple[Filling, int] | None = None) -> Iterator[Record]:
        """The records of a frame, one a window and ultrasound region; of a stack's slice its values go there."""
        is_wanted, limits = True, None
        if slot is not None:
            filling, at = slot
            is_wanted = at in filling.wanted
            if not (is_wanted or filling.planes):
                return
            limits = filling.limits
        for number, window in enumerate(self.windows or ("",)):
            shown = self.image.shown(index, limits=WINDOWS.get(window, limits), is_trusted=slot is not None)
            if limits is not None and not window:
                shown = replace(shown, remark=SPOILT)
            if slot is not None and number == 0:
                filling.put(at, shown.values, as_whole_numbers=self.modality is Modality.CT)
            if not is_wanted or self._is_glass(shown.pixels):
                return
            for part_number, box in enumerate(self.boxes):
                part = cut(shown.pixels, box, self.name) if box else shown.pixels
                if self.delivery.secret and not is_cleared(self.delivery, self.name):
                    refuse_writing(self.delivery, part, f"frame {index}")
                yield self._record(index, part_number, replace(shown, pixels=part), window)

    def cut(
        self, filling: Filling, cut: Cut, pixels: NDArray[np.uint8], window: str, limits: tuple[float, float]
    ) -> Item:
        """The record of a slice that was cut out of a stack."""
        is_ct = self.modality is Modality.CT
        series = keyed_hash(
            *("dicom-series", self.delivery.source, self.image.series, str(filling.number)),
            key=self.delivery.secret,
            digest_bytes=8,
        )
        return self._made(
            f"{series}-{cut.name}" + _suffix(window),
            pixels,
            locator=" ".join(part for part in (cut.locator, f"{window} window" if window else "") if part),
            facts={**cut.facts, "window": window_name(*limits) if is_ct else ""},
            position=cut.position,
            remark=f"cut out of {len(filling.stack.places)} {filling.stack.plane} slices",
        )

    def _record(self, index: int, part_number: int, shown: Shown, window: str) -> Record:
        parts = []
        if self.image.frames > 1:
            parts.append((f"-f{index:04d}", f"frame {index}"))
        if len(self.boxes) > 1:
            parts.append((f"-r{part_number}", f"region {part_number}"))
        if window:
            parts.append((_suffix(window), f"{window} window"))
        plane, position = self.image.place(index)
        return self._made(
            self.native + "".join(suffix for suffix, _ in parts),
            shown.pixels,
            locator=" ".join(locator for _, locator in parts),
            facts={"plane": plane, "window": shown.window},
            position=position,
            remark=shown.remark,
        )

    def _made(
        self,
        native: str,
        pixels: NDArray[np.uint8],
        *,
        locator: str,
        facts: Mapping[str, str],
        position: float | None,
        remark: str,
    ) -> Record:
        told = ["as delivered", METHOD if self.delivery.secret else "", remark]
        known = {**facts, "projection": PROJECTION.get(self.image.modality, "")}
        record = self.delivery.record(
            native,
            pixels,
            subject=self.subject,
            modality=self.modality,
            anatomy=self.anatomy,
            file=self.name,
            licence=self.delivery.labels.of(self.name).get("licence", "unknown"),
            locator=locator,
            facts={name: value for name, value in known.items() if value}
            | side_facts(self.image.laterality, self.anatomy),
            origins={"laterality": HEADER},
            position=position,
            method="; ".join(part for part in told if part),
        )
        return replace(record, person=_hashed(self.image.person, self.delivery.secret))

    def _is_glass(self, pixels: NDArray[np.uint8]) -> bool:
        """Whether it is a slide's tile that shows hardly any tissue."""
        is_tile = self.modality is Modality.HISTOPATHOLOGY and self.image.frames > 1
        return is_tile and (pixels.ndim != 3 or tissue_share(pixels) < _TISSUE_SHARE)


def _suffix(window: str) -> str:
    return f"-{window.replace(' ', '-')}" if window else ""


def _nameless(image: DicomImage, name: str) -> str:
    """The subject of a file without PatientID: one a study, else one a frame of reference, a series, a file."""
    return keyed_hash("dicom-subject", image.study or image.space or image.series or image.instance or name)


def _hashed(person: tuple[str, ...], secret: bytes) -> tuple[str, ...]:
    return tuple(keyed_hash("person", value, key=secret, digest_bytes=8) if value else "" for value in person)


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
