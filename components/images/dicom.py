"""DICOM files to 8-bit images: only pixels and an allow-list of technical tags leave this file, from a data set that was
de-identified before anything else looked at it."""

import io
import logging
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.images.deidentify import deidentify
from components.images.dicom_kinds import check_has_pixels, check_is_wanted, is_clip, may_hold_text
from components.images.dicom_limits import LimitedReader, check_items, check_items_of
from components.images.dicom_orientation import laterality, plane_and_position, upright
from components.images.dicom_pixels import Shown, frame_group, frame_pixels, header_limits, spacing
from components.images.limits import MAX_FRAMES, ImageError, check_size
from components.images.raster import check_file
from components.images.resize import square_size, with_square_pixels
from components.images.windows import drop_grey_channels

DEFLATED = "1.2.840.10008.1.2.1.99"
_MAX_INFLATED_BYTES = 128 * 2**20
_NEEDED = ("SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored", "PixelRepresentation")
"""What pixels cannot be read without."""


@dataclass(frozen=True, slots=True)
class DicomImage:
    """An opened file: technical header facts, and the data set that its frames are decoded from."""

    modality: str
    body_part: str
    patient: str = field(repr=False)
    """The patient's id as the header has it; hashed before anything is written."""
    instance: str = field(repr=False)
    """SOPInstanceUID; hashed before anything is written."""
    study: str = field(repr=False)
    accession: str = field(repr=False)
    series: str = field(repr=False)
    space: str = field(repr=False)
    """FrameOfReferenceUID."""
    person: tuple[str, ...] = field(repr=False)
    """Name, date of birth and sex; compared under hashes, to tell two people of one id apart."""
    frames: int
    plane: str
    """Of the first frame: axial, coronal, sagittal, or empty when oblique or unknown."""
    position: float | None
    """Of the first frame: millimetres along the plane's axis (RAS)."""
    regions: tuple[tuple[int, int, int, int], ...]
    """Boxes (x0, y0, x1, y1) of tissue images inside an ultrasound frame; text lies outside of them."""
    burned_in: bool
    """Whether text with identifiers may be burned into the pixels."""
    is_clip: bool
    """Whether its frames follow each other in time."""
    laterality: str
    """left or right where the header names one side, else empty."""
    dataset: Any = field(repr=False)

    def check_is_wanted(self) -> None:
        """Raise LeftOutError for a segmentation or dose, a localizer, and a slide's label, overview and thumbnail."""
        check_is_wanted(self.dataset)

    @property
    def window(self) -> tuple[float, float] | None:
        """The first window of its header, from black to white; None where it has none."""
        with quiet():
            return header_limits(frame_group(self.dataset, 0, "FrameVOILUTSequence"))

    def place(self, index: int) -> tuple[str, float | None]:
        """(plane, position) of a frame; the frames of an enhanced object each have their own."""
        return plane_and_position(self.dataset, index) if self.frames > 1 else (self.plane, self.position)

    def frame(self, index: int = 0, *, limits: tuple[float, float] | None = None) -> NDArray[np.uint8]:
        """One frame as (H, W) or (H, W, 3) uint8, windowed, upright, its pixels square. `limits` overrides the header's
        window."""
        return self.shown(index, limits=limits).pixels

    def shown(self, index: int = 0, *, limits: tuple[float, float] | None = None, is_trusted: bool = False) -> Shown:
        """As `frame`, and which window it is seen through; the header's is not judged by the frame where it is trusted."""
        try:
            with quiet():
                shown = frame_pixels(self.dataset, index, self.frames, limits, is_trusted=is_trusted)
                turns, (down, across) = upright(self.dataset, index), spacing(self.dataset, index)
                pixels = turns.of(drop_grey_channels(shown.pixels))
                if turns.transposed:
                    down, across = across, down
                return replace(shown, pixels=with_square_pixels(pixels, down, across))
        except ImageError:
            raise
        except Exception as error:  # pydicom and its decoders raise whatever they like on broken pixel data
            missing = [name for name in _NEEDED if self.dataset.get(name) is None]
            if missing:
                told = f"it does not say {', '.join(missing)}; add it to the header, or export the file again"
                raise ImageError("unreadable header", told) from None
            syntax = self.dataset.file_meta.get("TransferSyntaxUID", "unknown")
            raise ImageError(
                "undecodable",
                f"{type(error).__name__} in frame {index} of {self.frames}, transfer syntax "
                f"{getattr(syntax, 'name', syntax)}; deliver the file again",
            ) from None


def open_dicom(path: Path, *, secret: bytes = b"", patient_secret: bytes = b"") -> DicomImage:
    """The file's header facts, with its pixels still encoded; its data set is de-identified, its identities keyed by the
    secret, its dates moved by the patients' (the same where none is given). Raises ImageError with a reason."""
    check_file(path)
    try:
        with quiet():
            return _opened(path, secret, patient_secret)
    except ImageError:
        raise
    except Exception as error:
        # A hostile header can raise anything, RecursionError included. Its words may quote a name, so they stay here.
        raise ImageError("undecodable", f"{type(error).__name__} in the header; deliver the file again") from None


def is_dicom(path: Path) -> bool:
    """Whether the file has the DICOM mark after its preamble."""
    with path.open("rb") as handle:
        return handle.read(132)[128:] == b"DICM"


def series_order(images: list[DicomImage]) -> list[int]:
    """Order of a series along its normal, feet to head (back to front, left to right), never by instance number."""
    positions = [image.position if image.position is not None else 0.0 for image in images]
    return sorted(range(len(images)), key=lambda i: (positions[i], images[i].instance))


@contextmanager
def quiet() -> Iterator[None]:
    """Silences pydicom, which quotes header values in warnings and logs them too."""
    logger = logging.getLogger("pydicom")
    was_disabled, logger.disabled = logger.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = was_disabled


def _opened(path: Path, secret: bytes, patient_secret: bytes) -> DicomImage:
    import pydicom
    from pydicom.errors import InvalidDicomError
    from pydicom.filereader import read_file_meta_info

    if not is_dicom(path):
        raise ImageError(
            "not an image", "the file has no DICOM mark; a data set without one has to be written as a file"
        )
    check_items(path)
    try:
        meta = read_file_meta_info(path)
        syntax = str(meta.get("TransferSyntaxUID", ""))
        if syntax == DEFLATED:
            dataset: Any = _deflated(path, meta)
        else:
            with LimitedReader(io.FileIO(path)) as handle:
                dataset = pydicom.dcmread(handle)
    except InvalidDicomError as error:
        raise ImageError("not an image", str(error)) from None
    check_has_pixels(dataset)
    check_size(int(dataset.Columns), int(dataset.Rows))
    frames = int(dataset.get("NumberOfFrames") or 1)
    if not 1 <= frames <= MAX_FRAMES:
        raise ImageError("too many frames", f"{frames} frames, the limit is {MAX_FRAMES}")
    patient, instance = str(dataset.get("PatientID") or "").strip(), str(dataset.get("SOPInstanceUID", ""))
    study, series, space = (
        str(dataset.get(f"{of}UID") or "") for of in ("StudyInstance", "SeriesInstance", "FrameOfReference")
    )
    person = tuple(_folded(dataset.get(name)) for name in ("PatientName", "PatientBirthDate", "PatientSex"))
    accession = str(dataset.get("AccessionNumber") or "").strip()
    deidentify(dataset, secret=secret, patient_secret=patient_secret)
    plane, position = plane_and_position(dataset, 0)
    return DicomImage(
        modality=str(dataset.get("Modality", "")),
        body_part=str(dataset.get("BodyPartExamined", "")).strip().lower(),
        patient=patient,
        instance=instance,
        study=study,
        accession=accession,
        series=series,
        space=space,
        person=person,
        frames=frames,
        plane=plane,
        position=position,
        regions=_regions(dataset),
        burned_in=may_hold_text(dataset),
        is_clip=frames > 1 and is_clip(dataset),
        laterality=laterality(dataset),
        dataset=dataset,
    )


def _folded(value: Any) -> str:
    """A header's value however its writer spaces and capitalises it."""
    return " ".join(str(value or "").replace("^", " ").casefold().split())


def _deflated(path: Path, meta: Any) -> Any:
    """The data set of a deflated file, inflated once and under a limit: a bomb is refused before memory is gone."""
    from pydicom.dataset import FileDataset
    from pydicom.filereader import read_dataset

    data = path.read_bytes()
    # The meta group says its own length; what follows it is one raw deflate stream.
    start = 144 + int.from_bytes(data[140:144], "little")
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    plain = inflater.decompress(data[start:], _MAX_INFLATED_BYTES + 1)
    if len(plain) > _MAX_INFLATED_BYTES:
        raise ImageError("too large", f"the deflated data set is over the limit of {_MAX_INFLATED_BYTES} bytes")
    check_items_of(plain)
    dataset = read_dataset(LimitedReader(io.BytesIO(plain)), is_implicit_VR=False, is_little_endian=True)
    return FileDataset(path, dataset, file_meta=meta, is_implicit_VR=False, is_little_endian=True)


def _regions(dataset: Any) -> tuple[tuple[int, int, int, int], ...]:
    """Tissue regions of an ultrasound frame (region data type 1), largest first, boxes inside the upright image."""
    found = []
    width, height = int(dataset.Columns), int(dataset.Rows)
    for region in dataset.get("SequenceOfUltrasoundRegions") or []:
        if int(region.get("RegionDataType", 0)) not in (1, 2):
            continue
        x0, y0 = int(region.RegionLocationMinX0), int(region.RegionLocationMinY0)
        x1, y1 = int(region.RegionLocationMaxX1), int(region.RegionLocationMaxY1)
        if 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height:
            found.append(_shown_box(dataset, (x0, y0, x1, y1)))
    return tuple(sorted(found, key=lambda b: (-(b[2] - b[0]) * (b[3] - b[1]), b)))


def _shown_box(dataset: Any, box: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    width, height, turns = int(dataset.Columns), int(dataset.Rows), upright(dataset, 0)
    down, across = spacing(dataset, 0)
    x0, y0, x1, y1 = turns.of_box(box, width, height)
    if turns.transposed:
        width, height, down, across = height, width, across, down
    rows, columns = square_size(height, width, down, across)
    return x0 * columns // width, y0 * rows // height, x1 * columns // width, y1 * rows // height
