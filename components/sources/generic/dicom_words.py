"""The words of DICOM headers in our own."""

from components.records.vocabulary import Modality

MODALITIES = {
    "MR": Modality.MRI,
    "CT": Modality.CT,
    **dict.fromkeys(("CR", "DX", "RG", "PX", "MG", "XA", "RF", "IO"), Modality.XRAY),
    **dict.fromkeys(("US", "BDUS", "IVUS"), Modality.ULTRASOUND),
    **dict.fromkeys(("NM", "PT"), Modality.NUCLEAR),
    "OP": Modality.FUNDUS,
    **dict.fromkeys(("OPT", "IVOCT"), Modality.OCT),
    "SM": Modality.HISTOPATHOLOGY,
    "GM": Modality.MICROSCOPY,
    "ES": Modality.ENDOSCOPY,
    **dict.fromkeys(("DMS", "DM"), Modality.DERMOSCOPY),
    "XC": Modality.PHOTOGRAPH,
}
PROJECTION = {
    "MG": "mammography",
    "XA": "angiography",
    "RF": "fluoroscopy",
    "IO": "dental radiography",
    "PX": "panoramic radiography",
}
"""Modality -> the word for its kind of X-ray image."""
REGION = {
    "MG": "breast",
    **dict.fromkeys(("OP", "OPT"), "eye"),
    **dict.fromkeys(("DMS", "DM"), "skin"),
    "SM": "tissue",
}
"""Modality -> the region that it always shows."""
_BODY_PARTS = {
    **dict.fromkeys(("head", "brain", "skull"), "brain"),
    **dict.fromkeys(("chest", "thorax", "lung", "ribs"), "chest"),
    **dict.fromkeys(("abdomen", "liver", "pancreas", "kidney", "spleen"), "abdomen"),
    **dict.fromkeys(("spine", "cspine", "tspine", "lspine", "sspine"), "spine"),
    **dict.fromkeys(("leg", "knee", "ankle", "extremity", "femur", "tibia"), "leg"),
    **dict.fromkeys(("arm", "elbow", "humerus", "forearm"), "arm"),
    **dict.fromkeys(("hand", "wrist", "finger"), "hand"),
    **dict.fromkeys(("wholebody", "whole body"), "whole body"),
    **{name: name for name in ("neck", "heart", "breast", "pelvis", "shoulder", "foot", "eye", "skin")},
    "hip": "pelvis",
}
"""BodyPartExamined -> region; any other text of that tag stays in the file."""
_PAIRED = ("arm", "breast", "eye", "foot", "hand", "kidney", "leg", "shoulder", "unknown")
"""Regions of which a body has two: a side of any other one says how the patient lay."""


def region(modality: str, body_part: str) -> str:
    """The region that a header names, `unknown` where it names none."""
    return _BODY_PARTS.get(body_part) or REGION.get(modality, "unknown")


def side_facts(laterality: str, anatomy: str) -> dict[str, str]:
    """The side, of a region that has two."""
    return {"laterality": laterality} if laterality and anatomy in _PAIRED else {}
