"""Fundus photographs: the whole eye, and nine half-size windows of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from components.images.limits import ImageError
from components.images.raster import read_raster
from components.records.vocabulary import Modality
from components.sources.delivery_folder import Delivery, Item

_CC_BY = "CC BY 4.0"


@dataclass(frozen=True, slots=True)
class _Eye:
    subject: str
    licence: str
    facts: Mapping[str, str] = field(default_factory=dict)


_EYES = {
    # The name's g marks HRF's glaucoma group: no diabetic retinopathy, but not a healthy eye.
    "HRF_04_g.jpg": _Eye("hrf-04", f"{_CC_BY} (HRF)", {"retinopathy": "no", "description": "eye with glaucoma"}),
    "HRF_07_dr.jpg": _Eye("hrf-07", f"{_CC_BY} (HRF)", {"retinopathy": "yes", "description": "diabetic retinopathy"}),
    "CHASEDB1_08L.jpg": _Eye("chase-08l", f"{_CC_BY} (CHASE_DB1)", {"laterality": "left"}),
    "CHASEDB1_12R.jpg": _Eye("chase-12r", f"{_CC_BY} (CHASE_DB1)", {"laterality": "right"}),
    "retina.jpg": _Eye(
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
    image = read_raster(path)
    if image.ndim != 3:
        raise ImageError("grey image", "a fundus photograph is in colour; add it as its own source")
    eye = _EYES.get(name, _Eye(name.replace("/", "-"), "unknown"))
    height, width = image.shape[:2]
    windows = [("whole", 0, 0, width, height)]
    for row in range(3):
        for column in range(3):
            x, y = column * width // 4, row * height // 4
            windows.append((f"window-{row}{column}", x, y, x + width // 2, y + height // 2))
    for part, x0, y0, x1, y1 in windows:
        facts = dict(eye.facts) if part == "whole" else {}
        yield delivery.record(
            f"{eye.subject}-{part}",
            image[y0:y1, x0:x1],
            subject=eye.subject,
            modality=Modality.FUNDUS,
            anatomy="eye",
            file=name,
            licence=eye.licence,
            locator=part,
            facts=facts,
        )
