"""The structures of TotalSegmentator's label maps: plain English names, and the colours of the organ map."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_VERTEBRAE = "vertebrae_S1 vertebrae_L5 vertebrae_L4 vertebrae_L3 vertebrae_L2 vertebrae_L1 " + " ".join(
    [*(f"vertebrae_T{n}" for n in range(12, 0, -1)), *(f"vertebrae_C{n}" for n in range(7, 0, -1))]
)
_RIBS = " ".join(f"rib_{side}_{n}" for side in ("left", "right") for n in range(1, 13))
_LIMBS = (
    "humerus_left humerus_right scapula_left scapula_right clavicula_left clavicula_right femur_left femur_right "
    "hip_left hip_right"
)
_MUSCLES = (
    "gluteus_maximus_left gluteus_maximus_right gluteus_medius_left gluteus_medius_right gluteus_minimus_left "
    "gluteus_minimus_right autochthon_left autochthon_right iliopsoas_left iliopsoas_right"
)
_UPPER = "spleen kidney_right kidney_left gallbladder liver stomach pancreas adrenal_gland_right adrenal_gland_left"
CT_STRUCTURES = tuple(
    f"{_UPPER} lung_upper_lobe_left lung_lower_lobe_left lung_upper_lobe_right lung_middle_lobe_right "
    "lung_lower_lobe_right esophagus trachea thyroid_gland small_bowel duodenum colon urinary_bladder prostate "
    f"kidney_cyst_left kidney_cyst_right sacrum {_VERTEBRAE} heart aorta pulmonary_vein brachiocephalic_trunk "
    "subclavian_artery_right subclavian_artery_left common_carotid_artery_right common_carotid_artery_left "
    "brachiocephalic_vein_left brachiocephalic_vein_right atrial_appendage_left superior_vena_cava "
    "inferior_vena_cava portal_vein_and_splenic_vein iliac_artery_left iliac_artery_right iliac_vena_left "
    f"iliac_vena_right {_LIMBS} spinal_cord {_MUSCLES} brain skull {_RIBS} sternum costal_cartilages".split()
)
"""Label n of a CT map is CT_STRUCTURES[n - 1]."""
MR_STRUCTURES = tuple(
    f"{_UPPER} lung_left lung_right esophagus small_bowel duodenum colon urinary_bladder prostate sacrum vertebrae "
    "intervertebral_discs spinal_cord heart aorta inferior_vena_cava portal_vein_and_splenic_vein iliac_artery_left "
    f"iliac_artery_right iliac_vena_left iliac_vena_right {_LIMBS} {_MUSCLES} brain".split()
)
"""Label n of an MR map is MR_STRUCTURES[n - 1]."""

_SIDED = {
    "kidney": "kidney",
    "adrenal_gland": "adrenal gland",
    "lung": "lung",
    "lung_upper_lobe": "lung",
    "lung_middle_lobe": "lung",
    "lung_lower_lobe": "lung",
    "hip": "hip bone",
    "femur": "femur",
    "humerus": "humerus",
    "scapula": "shoulder blade",
    "clavicula": "collarbone",
    "iliopsoas": "iliopsoas muscle",
    "autochthon": "back muscle",
}
_UNSIDED = {
    "kidney_cyst": "kidney cyst",
    "vertebrae": "spine",
    "sacrum": "sacrum",
    "intervertebral_discs": "intervertebral discs",
    "rib": "ribs",
    "costal_cartilages": "costal cartilages",
    "sternum": "breastbone",
    "esophagus": "oesophagus",
    "thyroid_gland": "thyroid gland",
    "small_bowel": "small bowel",
    "urinary_bladder": "urinary bladder",
    "spinal_cord": "spinal cord",
    "inferior_vena_cava": "inferior vena cava",
    "superior_vena_cava": "superior vena cava",
    "portal_vein_and_splenic_vein": "portal vein",
    "pulmonary_vein": "pulmonary vein",
    "iliac_artery": "iliac arteries",
    "iliac_vena": "iliac veins",
    "gluteus_maximus": "gluteal muscles",
    "gluteus_medius": "gluteal muscles",
    "gluteus_minimus": "gluteal muscles",
    "subclavian_artery": "subclavian arteries",
    "common_carotid_artery": "carotid arteries",
    "brachiocephalic_vein": "brachiocephalic veins",
    "brachiocephalic_trunk": "brachiocephalic trunk",
    "atrial_appendage": "atrial appendage",
}


def english(structure: str) -> str:
    """The plain name: `kidney_right` -> 'right kidney', `vertebrae_L3` -> 'spine', `liver` -> 'liver'."""
    parts = structure.split("_")
    side = next((part for part in parts if part in ("left", "right")), "")
    stem = "_".join(part for part in parts if part not in ("left", "right") and not part.isdigit())
    stem = "vertebrae" if stem.startswith("vertebrae") else stem
    if stem in _SIDED:
        return f"{side} {_SIDED[stem]}".strip()
    return _UNSIDED.get(stem, stem.replace("_", " "))


ORGANS = tuple(sorted({english(name) for name in (*CT_STRUCTURES, *MR_STRUCTURES)}))
"""The vocabulary of the fact `organs`."""

_COLOURS = {
    "liver": (200, 40, 40),
    "spleen": (150, 60, 190),
    "right kidney": (240, 160, 40),
    "left kidney": (240, 200, 60),
    "stomach": (70, 180, 90),
    "pancreas": (230, 220, 140),
    "gallbladder": (40, 140, 60),
    "small bowel": (230, 150, 130),
    "duodenum": (210, 120, 100),
    "colon": (170, 110, 70),
    "urinary bladder": (250, 240, 90),
    "prostate": (200, 120, 200),
    "heart": (220, 20, 80),
    "aorta": (255, 70, 70),
    "inferior vena cava": (60, 90, 230),
    "portal vein": (90, 130, 240),
    "right lung": (120, 200, 230),
    "left lung": (90, 170, 210),
    "spine": (235, 235, 215),
    "spinal cord": (250, 250, 120),
    "brain": (180, 180, 220),
}
_BONE = (210, 210, 190)
_MUSCLE = (150, 90, 90)
_VESSEL = (200, 90, 150)
_OTHER = (120, 160, 120)
_BONES = {"ribs", "sacrum", "breastbone", "costal cartilages", "skull", "intervertebral discs"}


def colour(name: str) -> tuple[int, int, int]:
    """The organ map's colour of a plain name. Both sides of muscles and of most bones share one."""
    if name in _COLOURS:
        return _COLOURS[name]
    if name in _BONES or name.endswith(("bone", "femur", "humerus", "blade")):
        return _BONE
    if "muscle" in name:
        return _MUSCLE
    if "arter" in name or "vein" in name or "vena" in name or "trunk" in name:
        return _VESSEL
    return _OTHER


@lru_cache
def palette(structures: tuple[str, ...]) -> NDArray[np.uint8]:
    """Label -> RGB, shape (256, 3); background and unknown labels are black."""
    table = np.zeros((256, 3), np.uint8)
    for label, structure in enumerate(structures, start=1):
        table[label] = colour(english(structure))
    return table


def visible_and_unclear(labels: NDArray, structures: tuple[str, ...], *, pixels: int) -> tuple[list[str], list[str]]:
    """Plain names, sorted, of the structures that cover at least `pixels` of the slice, and of those that cover fewer:
    too few to be seen for sure, too many to be missing."""
    counts = np.bincount(np.asarray(labels, np.int64).ravel().clip(0, 255), minlength=256)
    area: dict[str, int] = {}
    for label, structure in enumerate(structures, start=1):
        area[english(structure)] = area.get(english(structure), 0) + int(counts[label])
    shown = [name for name, count in area.items() if count >= pixels]
    return sorted(shown), sorted(name for name, count in area.items() if 0 < count < pixels)
