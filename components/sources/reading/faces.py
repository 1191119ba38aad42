"""Heads of private sources: held until their owner says that nobody can be known again by the face."""

from components.images.dicom_series import LEAST_SLICES
from components.images.heads import may_show_head, shows_head
from components.images.limits import ImageError
from components.images.volume import Volume
from components.records.vocabulary import Modality
from components.sources.delivery_folder import Delivery

REASON = "recognisable face"
HEADS = ("brain", "eye", "neck", "whole body")
"""Regions that a face belongs to, by their words alone."""
_FACELESS = ("arm", "breast", "foot", "hand", "kidney", "leg", "pelvis", "shoulder")
"""Regions whose word is believed: a thigh has the size of a head."""
_MODALITIES = (Modality.CT, Modality.MRI, Modality.NUCLEAR, Modality.UNKNOWN)
"""Of whose slices a surface can be made."""


def asks_for_faces(delivery: Delivery, name: str) -> bool:
    """Whether a head in the file is held: it is a private source's, and nobody says `defaced,yes` or `defaced: true`."""
    is_told = delivery.settings.options.get("defaced") is True or delivery.labels.of(name).get("defaced") == "yes"
    return bool(delivery.secret) and not is_told


def is_head(anatomy: str, modality: Modality) -> bool | None:
    """Whether the region's word says that slices are of a head; None where it does not say and sizes must."""
    if modality not in _MODALITIES or anatomy in _FACELESS:
        return False
    return True if anatomy in HEADS else None


def shows_face(anatomy: str, modality: Modality, volume: Volume) -> bool:
    """Whether the sizes say it: a trunk's region must hold slices of a head, an unknown one must be too large or too
    small for one."""
    measure = may_show_head if anatomy == "unknown" else shows_head
    return measure(volume, is_ct=modality is Modality.CT)


def refuse_face(anatomy: str, modality: Modality, volume: Volume) -> None:
    """Raise ImageError, reason 'recognisable face', for a volume of a head; a few slices make no face."""
    told = is_head(anatomy, modality)
    if told is None:
        told = shows_face(anatomy, modality, volume)
    if told and volume.count(volume.thickest) >= LEAST_SLICES:
        raise face(anatomy)


def face(anatomy: str) -> ImageError:
    """The error of a head that is held."""
    why = f"its region is {anatomy}" if anatomy in HEADS else "its slices have the size of a head's"
    return ImageError(
        REASON,
        f"a face can be made of these slices ({why}); take it off and deliver again, then say `defaced,yes` in labels.csv or "
        "`defaced: true` in the source's options. Say it, too, of what shows no face; or name the region (`anatomy`)",
    )
