"""From stored DICOM values to the 8 bits that people look at: decoding, modality and VOI transforms, colours."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.images.codestreams import check_stream
from components.images.colour import in_srgb
from components.images.dicom_hidden import hidden, shutter_of
from components.images.limits import ImageError
from components.images.windows import (
    SOFT_TISSUE,
    is_washed_out,
    percentile_limits,
    window,
    window_name,
    without_background,
)

PROJECTIONS = ("CR", "DX", "RG", "PX", "IO", "XA", "RF", "MG")
"""Modalities whose images are shadows: without a place in space, and the patient fills the frame."""
SPOILT = "seen through its percentiles, the header's window spoils it"
_RLE = "1.2.840.10008.1.2.5"


@dataclass(frozen=True, slots=True)
class Shown:
    """A frame in the 8 bits that people look at."""

    pixels: NDArray[np.uint8]
    window: str = ""
    """Of CT: which of the named windows it is seen through, where it is one of them."""
    remark: str = ""
    """What was done to it beyond what its header asks for."""
    values: NDArray[np.float32] | None = None
    """What it was made of, as it lies in the file: Hounsfield units for CT, padding as low as the lowest of all; None for a
    picture in colour."""


def frame_pixels(
    dataset: Any, index: int, frames: int, limits: tuple[float, float] | None = None, *, is_trusted: bool = False
) -> Shown:
    """Frame `index` as (H, W) or (H, W, 3) uint8, as it lies in the file; padding and what a shutter covers are black.
    `limits` overrides the header's window; one that is trusted is used whatever it shows.

    Raises ImageError where the compressed size is not the header's; pydicom and its decoders raise what they like.
    """
    values = _stored(dataset, index, frames)
    kind = str(dataset.PhotometricInterpretation)
    if kind == "PALETTE COLOR" or values.ndim == 3:
        coloured = _coloured(values, dataset) if kind == "PALETTE COLOR" else _eight_bits(values, dataset)
        coloured = in_srgb(coloured, _profile(dataset)) if coloured.ndim == 3 else coloured
        return Shown(_blackened(coloured, shutter_of(coloured, dataset)))
    covered = hidden(values, dataset)
    measured = _measured(values, dataset, index)
    shown = _greys(measured, covered, dataset, index, limits, is_trusted=is_trusted)
    pixels = 255 - shown.pixels if kind == "MONOCHROME1" else shown.pixels
    if covered is not None and not covered.all():
        measured = np.where(covered, measured[~covered].min(), measured)
    return replace(shown, pixels=_blackened(pixels, covered), values=measured)


def frame_group(dataset: Any, index: int, name: str) -> Any:
    """The functional group `name` of a frame of an enhanced object: its own, else the shared one, else the data set."""
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    shared = dataset.get("SharedFunctionalGroupsSequence") or []
    for group in [*per_frame[index : index + 1], *shared[:1]]:
        if group.get(name):
            return group.get(name)[0]
    return dataset


def spacing(dataset: Any, index: int) -> tuple[float, float]:
    """How far pixels lie apart, (down, across): millimetres in the patient or at the detector, else the ratio that the
    header gives; (1, 1) where it says nothing that can be."""
    measures = frame_group(dataset, index, "PixelMeasuresSequence")
    for said in (
        measures.get("PixelSpacing"),
        dataset.get("PixelSpacing"),
        dataset.get("ImagerPixelSpacing"),
        dataset.get("PixelAspectRatio"),
    ):
        if said and len(said) == 2 and 0 < float(said[0]) < np.inf and 0 < float(said[1]) < np.inf:
            return float(said[0]), float(said[1])
    return 1.0, 1.0


@contextmanager
def _named(what: str) -> Iterator[None]:
    """What goes wrong inside is the fault of that part of the header, not of the file: an ImageError names it."""
    try:
        yield
    except Exception as error:  # pydicom raises whatever it likes on a value that is none
        told = f"{what} is no usable number or table ({type(error).__name__})"
        raise ImageError("unreadable header", f"{told}; correct it in the header, the pixels are whole") from None


def number(value: Any) -> float | None:
    """The value, or the first of several, as a number; None when there is none."""
    if value is None or value == "":
        return None
    try:
        return float(value)
    except TypeError:
        return float(value[0]) if len(value) else None


def _stored(dataset: Any, index: int, frames: int) -> NDArray:
    from pydicom.pixels import pixel_array

    if not 0 <= index < frames:
        raise ImageError("no pixels", f"frame {index} of {frames}")
    is_encapsulated = dataset.file_meta.TransferSyntaxUID.is_encapsulated
    if is_encapsulated:
        _check_compressed(dataset, index, frames)
    # pydicom 3 returns RGB for YBR data already: converting again would turn ultrasound green.
    # Its own decoder of run lengths answers a broken stream with an error, the native one with a panic.
    plugin = "pydicom" if dataset.file_meta.TransferSyntaxUID == _RLE else ""
    values = pixel_array(dataset, index=index, decoding_plugin=plugin)
    bits, allocated = int(dataset.BitsStored), int(dataset.BitsAllocated)
    below = min(int(dataset.get("HighBit") or 0) + 1, allocated) - bits
    # The stream of other codecs says by itself where its bits lie.
    if below <= 0 or (is_encapsulated and not plugin):
        return values
    whole = pixel_array(dataset, index=index, decoding_plugin=plugin, bits_stored=bits + below)
    return _from_the_low_end(values, whole, bits, below)


def _from_the_low_end(cropped: NDArray, whole: NDArray, bits: int, below: int) -> NDArray:
    """The values of so many bits where the header's HighBit says that others lie `below` them; pydicom crops at the top.

    Many a header names the highest bit allocated and means the low end: what all fits there, and uses the bits below, stays
    as it was cropped. Raises ImageError, 'unreadable header', where the values lie in neither place.
    """
    if not (whole & ((1 << below) - 1)).any():
        return whole >> below
    if (whole == cropped).all() or (whole.min() >= 0 and whole.max() < 1 << bits):
        return cropped
    told = f"values of {bits} bits (BitsStored) do not end at HighBit {bits + below - 1}"
    raise ImageError("unreadable header", f"{told}; correct the header")


def _eight_bits(values: NDArray, dataset: Any) -> NDArray[np.uint8]:
    return (values >> max(int(dataset.BitsStored) - 8, 0)).astype(np.uint8)


def _profile(dataset: Any) -> bytes | None:
    """The ICC profile of an image, or of the first optical path of a slide."""
    paths = dataset.get("OpticalPathSequence") or [{}]
    return dataset.get("ICCProfile") or paths[0].get("ICCProfile")


def _blackened(pixels: NDArray[np.uint8], covered: NDArray[np.bool_] | None) -> NDArray[np.uint8]:
    if covered is None:
        return pixels
    pixels = pixels.copy()
    pixels[covered] = 0
    return pixels


def _check_compressed(dataset: Any, index: int, frames: int) -> None:
    from pydicom.encaps import get_frame

    width, height = int(dataset.Columns), int(dataset.Rows)
    data = get_frame(dataset.PixelData, index, number_of_frames=frames)
    check_stream(data, width=width, height=height)
    if dataset.file_meta.TransferSyntaxUID == _RLE:
        plain = width * height * int(dataset.SamplesPerPixel) * int(dataset.BitsAllocated) // 8
        if len(data) > 2 * plain + 1024:
            raise ImageError("undecodable", f"{len(data)} bytes of run lengths for a frame of {plain} bytes")


def _coloured(values: NDArray, dataset: Any) -> NDArray[np.uint8]:
    from pydicom.pixels import apply_color_lut

    coloured = apply_color_lut(values, dataset)
    # Some writers put 8-bit colours into 16-bit tables.
    is_wide = coloured.dtype == np.uint16 and int(coloured.max(initial=0)) > 255
    return (coloured >> 8 if is_wide else coloured).astype(np.uint8)


def _measured(values: NDArray, dataset: Any, index: int) -> NDArray[np.float32]:
    from pydicom.pixels import apply_modality_lut

    transform = frame_group(dataset, index, "PixelValueTransformationSequence")
    with _named("ModalityLUTSequence or its rescale"):
        if transform is dataset:
            return np.asarray(apply_modality_lut(values, dataset), np.float32)
        slope, intercept = number(transform.get("RescaleSlope")), number(transform.get("RescaleIntercept"))
    return values * np.float32(1.0 if slope is None else slope) + np.float32(intercept or 0.0)


def _greys(
    values: NDArray[np.float32],
    covered: NDArray[np.bool_] | None,
    dataset: Any,
    index: int,
    limits: tuple[float, float] | None,
    *,
    is_trusted: bool,
) -> Shown:
    """The grey levels that the caller or the header asks for; without a wish, or where the header's spoils the picture,
    soft tissue for CT and the percentiles of what is seen for others."""
    from pydicom.pixels import apply_voi

    is_ct = dataset.get("Modality") == "CT"
    if limits is not None:
        return Shown(window(values, *limits), window_name(*limits) if is_ct else "")
    voi = frame_group(dataset, index, "FrameVOILUTSequence")
    if voi.get("VOILUTSequence"):
        with _named("VOILUTSequence"):
            looked_up = np.asarray(apply_voi(values.astype(np.int32), voi), np.float32)
        return Shown(window(looked_up, float(looked_up.min()), float(looked_up.max())))
    asked = header_limits(voi)
    if asked is None and is_ct:
        return Shown(window(values, *SOFT_TISSUE), window_name(*SOFT_TISSUE))
    if asked is None and values.min() >= 0 and values.max() <= 255 and int(dataset.BitsStored) == 8:
        return Shown(values.astype(np.uint8))
    seen = values if covered is None or covered.all() else values[~covered]
    if asked is None:
        return Shown(window(values, *percentile_limits(without_background(seen))))
    fills = dataset.get("Modality") in PROJECTIONS
    if not is_trusted and _is_judged(dataset) and is_washed_out(asked, seen, fills_the_frame=fills):
        return Shown(window(values, *percentile_limits(without_background(seen))), remark=SPOILT)
    if voi.get("VOILUTFunction") == "SIGMOID":
        centre, width = sum(asked) / 2, asked[1] - asked[0]
        shown = window(1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -50, 50))), 0, 1)
    else:
        shown = window(values, *asked)
    return Shown(shown, window_name(*asked) if is_ct else "")


def header_limits(voi: Any) -> tuple[float, float] | None:
    """The first window of the header, from black to white; None where it has none."""
    with _named("WindowCenter or WindowWidth (a decimal comma?)"):
        centre, width = number(voi.get("WindowCenter")), number(voi.get("WindowWidth"))
    if centre is None or width is None or width <= 0:
        return None
    if voi.get("VOILUTFunction") in ("SIGMOID", "LINEAR_EXACT"):
        return centre - width / 2, centre + width / 2
    return (centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2) if width >= 1 else None


def _is_judged(dataset: Any) -> bool:
    """Whether a window has to suit the picture: one of CT chooses a tissue, one of PET the warm places, eight bits are
    a picture already."""
    return int(dataset.BitsStored) > 8 and dataset.get("Modality") not in ("CT", "PT", "NM")
