"""What a DICOM object is by nature: a picture of a patient, something else, a clip, a picture of a screen."""

from typing import Any

from components.images.limits import ImageError, LeftOutError

_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
"""And its multi-frame kinds, whose UIDs go on from here: pictures of a screen, a film or a page."""
_NO_PICTURES = ("SR", "PR", "KO", "RTSTRUCT", "RTPLAN", "RTRECORD", "REG", "DOC", "ECG", "AU", "FID", "RWV", "PLAN")
_FLOATS = ("FloatPixelData", "DoubleFloatPixelData")
_LABEL_MAPS = ("Segmentation Storage", "Label Map Segmentation Storage", "Surface Segmentation Storage")
_MEASURES = ("RT Dose Storage", "Parametric Map Storage", "Real World Value Mapping Storage")
_LEFT_OUT_IMAGES = {
    "LOCALIZER": ("localizer", "it was made to plan the others"),
    "LABEL": ("slide label", "a slide's sticker names its patient"),
    "OVERVIEW": ("slide overview", "the slide as a whole, sticker included"),
    "MOSAIC": ("mosaic", "a sheet of many slices is none of them; convert the series to NIfTI"),
    "THUMBNAIL": ("thumbnail", "a smaller copy of another image"),
}
"""Word of ImageType -> (reason, why)."""
_TIMES = ("FrameTime", "FrameTimeVector", "CineRate", "RecommendedDisplayFrameRate")
_MOVING = ("US", "XA", "RF", "ES", "XC", "GM", "IVUS", "BDUS")
"""Modalities whose frames follow each other in time, also where no header says how fast."""


def check_has_pixels(dataset: Any) -> None:
    """Raise LeftOutError, 'no picture', for an object that is none by nature, and ImageError, 'no pixels', for an image
    without its pixels."""
    if "Rows" in dataset and "Columns" in dataset and "PixelData" in dataset:
        return
    if any(name in dataset for name in _FLOATS):
        raise ImageError(
            "unsupported values", "its pixels are fractions (Float Pixel Data); write whole numbers of 16 bits"
        )
    kind, modality = _kind(dataset), str(dataset.get("Modality", ""))
    if modality in _NO_PICTURES or (kind and "Image Storage" not in kind):
        raise LeftOutError("no picture", f"a DICOM object of kind {kind or modality!r} is no image of a patient")
    raise ImageError("no pixels", f"a DICOM object of kind {modality or 'unknown'!r} without an image")


def check_is_wanted(dataset: Any) -> None:
    """Raise LeftOutError for a label map, a map of doses, and an image that helps to find others and shows nothing of its
    own."""
    kind = _kind(dataset)
    if kind in _LABEL_MAPS or dataset.get("Modality") == "SEG":
        raise LeftOutError("label map", "a segmentation belongs to other images; it is none itself")
    if kind in _MEASURES:
        raise LeftOutError("no picture", f"a DICOM object of kind {kind!r} is no image of a patient")
    for word in image_type(dataset):
        if word in _LEFT_OUT_IMAGES:
            reason, why = _LEFT_OUT_IMAGES[word]
            raise LeftOutError(reason, why)


def image_type(dataset: Any) -> tuple[str, ...]:
    """The words of ImageType, in capitals."""
    said = dataset.get("ImageType") or ()
    return tuple(str(word).strip().upper() for word in ([said] if isinstance(said, str) else said))


def is_clip(dataset: Any) -> bool:
    """Whether the frames of an object follow each other in time; those of an enhanced one lie in space."""
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence")
    if per_frame and "PlanePositionSequence" in per_frame[0]:
        return False
    return any(dataset.get(name) for name in _TIMES) or dataset.get("Modality") in _MOVING


def is_capture(dataset: Any) -> bool:
    """Whether it is a picture of a screen, a film or a page."""
    if str(dataset.get("SOPClassUID", "")).startswith(_CAPTURE):
        return True
    return any("SCREEN" in word for word in image_type(dataset))


def may_hold_text(dataset: Any) -> bool:
    """Whether text with identifiers may be burned into the pixels."""
    said = str(dataset.get("BurnedInAnnotation", "")).upper()
    if said in ("YES", "NO"):
        return said == "YES"
    return is_capture(dataset) or str(dataset.get("Modality", "")) in ("US", "OT", "SC", "XC", "ES", "GM", "")


def _kind(dataset: Any) -> str:
    """The name of its SOP class; empty for one that nobody knows."""
    from pydicom.uid import UID

    uid = dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID") or ""
    name = UID(str(uid)).name
    return "" if name == uid else name
