"""From stored DICOM values to the 8 bits that people look at: decoding, modality and VOI transforms, colours."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.images.codestreams import check_stream
from components.images.limits import ImageError
from components.images.windows import SOFT_TISSUE, percentile_limits, window

_RLE = "1.2.840.10008.1.2.5"


def frame_pixels(dataset: Any, index: int, frames: int, limits: tuple[float, float] | None = None) -> NDArray[np.uint8]:
    """Frame `index` as (H, W) or (H, W, 3) uint8, as it is stored. `limits` overrides the header's window.

    Raises ImageError where the compressed size is not the header's; pydicom and its decoders raise what they like.
    """
    from pydicom.pixels import pixel_array

    if not 0 <= index < frames:
        raise ImageError("no pixels", f"frame {index} of {frames}")
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        _check_compressed(dataset, index, frames)
    # pydicom 3 returns RGB for YBR data already: converting again would turn ultrasound green.
    # Its own decoder of run lengths answers a broken stream with an error, the native one with a panic.
    plugin = "pydicom" if dataset.file_meta.TransferSyntaxUID == _RLE else ""
    values = pixel_array(dataset, index=index, decoding_plugin=plugin)
    kind = str(dataset.PhotometricInterpretation)
    if kind == "PALETTE COLOR":
        return _coloured(values, dataset)
    if values.ndim == 3:
        return (values >> max(int(dataset.BitsStored) - 8, 0)).astype(np.uint8)
    image = _greys(values, dataset, index, limits)
    return 255 - image if kind == "MONOCHROME1" else image


def frame_group(dataset: Any, index: int, name: str) -> Any:
    """The functional group `name` of a frame of an enhanced object: its own, else the shared one, else the data set."""
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    shared = dataset.get("SharedFunctionalGroupsSequence") or []
    for group in [*per_frame[index : index + 1], *shared[:1]]:
        if group.get(name):
            return group.get(name)[0]
    return dataset


def number(value: Any) -> float | None:
    """The value, or the first of several, as a number; None when there is none."""
    if value is None or value == "":
        return None
    try:
        return float(value)
    except TypeError:
        return float(value[0]) if len(value) else None


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


def _greys(values: NDArray, dataset: Any, index: int, limits: tuple[float, float] | None) -> NDArray[np.uint8]:
    from pydicom.pixels import apply_modality_lut

    transform = frame_group(dataset, index, "PixelValueTransformationSequence")
    if transform is dataset:
        measured = np.asarray(apply_modality_lut(values, dataset), np.float32)
    else:
        slope, intercept = number(transform.get("RescaleSlope")), number(transform.get("RescaleIntercept"))
        measured = values * np.float32(1.0 if slope is None else slope) + np.float32(intercept or 0.0)
    if limits is not None:
        return window(measured, *limits)
    return _voi(measured, dataset, frame_group(dataset, index, "FrameVOILUTSequence"))


def _voi(values: NDArray[np.float32], dataset: Any, voi: Any) -> NDArray[np.uint8]:
    """The grey levels that the header asks for; without a wish, soft tissue for CT and the percentiles for others."""
    from pydicom.pixels import apply_voi

    if voi.get("VOILUTSequence"):
        looked_up = np.asarray(apply_voi(values.astype(np.int32), voi), np.float32)
        return window(looked_up, float(looked_up.min()), float(looked_up.max()))
    centre, width = number(voi.get("WindowCenter")), number(voi.get("WindowWidth"))
    if centre is not None and width is not None and width > 0 and voi.get("VOILUTFunction") == "SIGMOID":
        return window(1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -50, 50))), 0, 1)
    if centre is not None and width is not None and width > 0 and voi.get("VOILUTFunction") == "LINEAR_EXACT":
        return window(values, centre - width / 2, centre + width / 2)
    if centre is not None and width is not None and width >= 1:
        return window(values, centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2)
    if dataset.get("Modality") == "CT":
        return window(values, *SOFT_TISSUE)
    if values.min() >= 0 and values.max() <= 255 and int(dataset.BitsStored) == 8:
        return values.astype(np.uint8)
    return window(values, *percentile_limits(values))
