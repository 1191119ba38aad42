"""Fundus photographs of the default corpus: the whole eye, and nine half-size windows of it."""

from collections.abc import Iterator
from pathlib import Path

from components.sources.delivery_folder import Delivery, Item
from components.sources.generic.photographs import Photograph, read_photograph

_CC_BY = "CC BY 4.0"
_EYES = {
    # The name's g marks HRF's glaucoma group: no diabetic retinopathy, but not a healthy eye.
    "HRF_04_g.jpg": Photograph("hrf-04", f"{_CC_BY} (HRF)", {"retinopathy": "no", "description": "eye with glaucoma"}),
    "HRF_07_dr.jpg": Photograph(
        "hrf-07", f"{_CC_BY} (HRF)", {"retinopathy": "yes", "description": "diabetic retinopathy"}
    ),
    "CHASEDB1_08L.jpg": Photograph("chase-08l", f"{_CC_BY} (CHASE_DB1)", {"laterality": "left"}),
    "CHASEDB1_12R.jpg": Photograph("chase-12r", f"{_CC_BY} (CHASE_DB1)", {"laterality": "right"}),
    "retina.jpg": Photograph(
        "retina",
        "CC0 (M. Häggström, Wikimedia Commons, in scikit-image)",
        {"retinopathy": "no", "laterality": "left", "description": "healthy eye"},
    ),
}


def read(delivery: Delivery) -> Iterator[Item]:
    """One record for the whole photograph and one per window; what is known of the eye is claimed of the whole only."""
    for name, path in delivery.files():
        yield from delivery.read(name, path, lambda p, n=name: _eye(delivery, n, p))


def _eye(delivery: Delivery, name: str, path: Path) -> Iterator[Item]:
    eye = _EYES.get(name, Photograph(name.replace("/", "-"), "unknown"))
    yield from read_photograph(delivery, name, path, eye)
