"""DICOM data sets without identifiers: the basic profile of PS3.15 Annex E, and what its library leaves.

dicom-anonymizer knows which attribute is removed, emptied or replaced, at the top of a data set. Done here besides: the
same inside sequences, dates moved by the same days for all that a patient has, identities replaced by keyed hashes,
private attributes, overlays and curves removed, free text that no decoder needs removed, and the record of all this.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from components.images.dicom_limits import MAX_SEQUENCE_BYTES
from components.images.limits import ImageError
from components.storage.keys import keyed_hash

METHOD = "PS3.15 E basic profile, dates moved"
MAX_ELEMENTS = 200_000
"""Of one data set, sequences included."""
_LONGEST_SHIFT_DAYS = 3650
_CODES = (
    ("113100", "Basic Application Confidentiality Profile"),
    ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
)
_OVERLAYS_AND_CURVES = (*range(0x5000, 0x5100, 2), *range(0x6000, 0x6100, 2))
_FREE = ("PN", "LO", "LT", "SH", "ST", "UC", "UT", "AE", "UR", "UN", "OB", "OW", "OF", "OD", "OL", "OV")
"""Value representations that can hold a name, in words or as bytes."""
_NEEDED = (
    *(0x00281201, 0x00281202, 0x00281203, 0x00281221, 0x00281222, 0x00281223),  # palettes
    *(0x00282000, 0x00283006, 0x7FE00001, 0x7FE00002, 0x7FE00010),  # colour profile, LUT data, offset tables, pixels
)
_KEPT_META = (0x00020000, 0x00020001, 0x00020002, 0x00020010)


def date_shift(patient: str, secret: bytes) -> timedelta:
    """How much earlier all dates of a patient are said to be, in headers and in texts: 1 to 3650 days, the same for all that
    the patient has under the secret."""
    return timedelta(days=1 + int(keyed_hash("patient-days", patient, key=secret), 16) % _LONGEST_SHIFT_DAYS)


def deidentify(dataset: Any, *, secret: bytes, patient_secret: bytes = b"") -> None:
    """Take every identifier out of a read file, in place. Equal patients get equal pseudonyms under one secret, and their
    dates are moved alike wherever the patients' secret is the same.

    Raises ImageError, 'too large', for a data set of more than MAX_ELEMENTS.
    """
    patient = keyed_hash("dicom-patient", str(dataset.get("PatientID", "")), key=secret)
    shift = date_shift(str(dataset.get("PatientID") or "").strip(), patient_secret or secret)
    _Cleaning(secret, shift).clean(dataset)
    _clean_meta(dataset, secret)
    dataset.preamble = bytes(128)
    dataset.PatientID = dataset.PatientName = patient
    dataset.PatientIdentityRemoved = "YES"
    dataset.LongitudinalTemporalInformationModified = "MODIFIED"
    dataset.DeidentificationMethod = METHOD
    dataset.DeidentificationMethodCodeSequence = [_code(value, meaning) for value, meaning in _CODES]


class _Cleaning:
    """One pass over a data set and its sequences."""

    def __init__(self, secret: bytes, shift: timedelta) -> None:
        self._secret = secret
        self._shift = shift
        self._seen = 0

    def clean(self, dataset: Any) -> None:
        for tag in list(dataset.keys()):
            self._seen += 1
            if self._seen > MAX_ELEMENTS:
                raise ImageError("too large", f"the data set has more than {MAX_ELEMENTS} elements")
            if not self._is_kept(dataset, tag):
                dataset.pop(tag, None)

    def _is_kept(self, dataset: Any, tag: Any) -> bool:
        """Change the element as the profile says; False when nothing of it may stay."""
        if tag in _NEEDED:
            return True
        if tag.is_private or tag.group in _OVERLAYS_AND_CURVES:
            return False
        stored = dataset.get_item(tag)
        if stored.VR in ("SQ", None) and isinstance(stored.value, bytes) and len(stored.value) > MAX_SEQUENCE_BYTES:
            raise ImageError("too large", f"a sequence of {len(stored.value)} bytes, the limit is {MAX_SEQUENCE_BYTES}")
        try:
            element = dataset[tag]
        except Exception:  # a value that pydicom cannot parse: no decoder needs it, and nobody knows what it says
            return False
        if element.VR in ("DA", "DT"):
            return self._move(element)
        action = _actions().get((tag.group, tag.element))
        if action is not None and element.VR == "UI":
            element.value = self._uid(element.value)
            return True
        if action is not None:
            try:
                action(dataset, (tag.group, tag.element))
            except NotImplementedError:  # the library has no rule for this value representation
                return False
        if tag not in dataset or element.VR in _FREE:
            return False
        if element.VR == "SQ":
            for item in element.value:
                self.clean(item)
        return True

    def _move(self, element: Any) -> bool:
        """Move a date or date-time to an earlier day, its time of day cut off; False when it is no date."""
        values = element.value if element.VM > 1 else [element.value]
        try:
            moved = [(date(int(v[:4]), int(v[4:6]), int(v[6:8])) - self._shift) for v in map(str, values)]
        except (ValueError, OverflowError):
            return False
        texts = [f"{day.year:04}{day.month:02}{day.day:02}" for day in moved]
        element.value = texts if len(texts) > 1 else texts[0]
        return True

    def _uid(self, value: Any) -> Any:
        values = [value] if isinstance(value, str) else list(value or [])
        uids = [keyed_uid(str(v), self._secret) for v in values]
        return uids if len(uids) > 1 else "".join(uids)


def keyed_uid(uid: str, secret: bytes) -> str:
    """A UID that stands for this one under the secret, in the form of a UUID."""
    return f"2.25.{int(keyed_hash('dicom-uid', uid, key=secret), 16)}"


@lru_cache
def _actions() -> Mapping[tuple[int, ...], Callable[..., None]]:
    """(group, element) -> what the profile does to it, in its newest edition that the library knows."""
    from dicomanonymizer.simpledicomanonymizer import initialize_actions

    return initialize_actions("dicomfields_2026c")


def _clean_meta(dataset: Any, secret: bytes) -> None:
    meta = dataset.file_meta
    for tag in list(meta.keys()):
        if tag not in _KEPT_META and tag != 0x00020003:
            del meta[tag]
    if "MediaStorageSOPInstanceUID" in meta:
        meta.MediaStorageSOPInstanceUID = keyed_uid(str(meta.MediaStorageSOPInstanceUID), secret)


def _code(value: str, meaning: str) -> Any:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return item
