"""BUSI as published: `{benign,malignant,normal}/benign (1).png` and `benign (1)_mask.png`, with `_mask_1.png` and so on
where there are several lesions.

The set names no patients and holds images twice: what looks alike is one patient's. Images with rows of burned-in letters
are held (option `burned_in: allow`).
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from components.images.masks import white
from components.images.png import encode_png
from components.images.stored import StoredImage
from components.records.vocabulary import Modality
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.burned_in import is_cleared, refuse_text
from components.sources.reading.bursts import burst_subjects
from components.sources.reading.class_labels import class_turn
from components.sources.reading.labelled_images import Shot, labelled_record, mask_of

LICENCE = "not stated (BUSI, Al-Dhabyani et al. 2020)"
PROMPT = "What does this breast ultrasound show?"
CLASSES = {"benign": "benign lesion", "malignant": "malignant lesion", "normal": "normal breast"}
_NAME = re.compile(r"((?:.*/)?(benign|malignant|normal)/[^/]+?)(_mask(?:_\d+)?)?\.png")


def read(delivery: Delivery) -> Iterator[Item]:
    """One record an image, with the union of its masks as what may be drawn."""
    images: dict[str, tuple[str, Path, str]] = {}
    masks: dict[str, list[tuple[str, Path]]] = defaultdict(list)
    for name, path in delivery.files():
        found = _NAME.fullmatch(name)
        if found is None:
            yield delivery.unknown(name, "BUSI is read as {benign,malignant,normal}/benign (1).png and its masks")
        elif found[3]:
            masks[found[1]].append((name, path))
        else:
            images[found[1]] = name, path, found[2]
    subjects = burst_subjects(delivery, [(name, path) for name, path, _ in images.values()])
    for key, (name, path, label) in sorted(images.items()):
        own = masks.pop(key, [])
        subject = subjects.get(name, name)
        yield from delivery.read(
            name, path, lambda p, n=name, c=label, s=subject, m=own: _record(delivery, n, p, c, s, m)
        )
    for strays in masks.values():
        for name, _ in strays:
            yield delivery.unknown(name, "a mask without its image")


def _record(
    delivery: Delivery, name: str, path: Path, label: str, subject: str, masks: Sequence[tuple[str, Path]]
) -> Iterator[Item]:
    image = StoredImage.of(path)
    if not is_cleared(delivery, name):
        refuse_text(image.decode(), name)
    lesion = np.zeros(image.shape[:2], bool)
    for file in masks:
        lesion |= mask_of(delivery, *file, image.shape)
    targets = {"lesion_map": encode_png(white(lesion))} if masks else {}
    shot = Shot(file=name, image=image, subject=subject, targets=targets)
    yield labelled_record(
        delivery,
        name.removesuffix(".png"),
        shot,
        [class_turn(PROMPT, CLASSES[label], list(CLASSES.values()), name)],
        modality=Modality.ULTRASOUND,
        anatomy="breast",
        licence=LICENCE,
    )
