"""OCT2017 (Kermany) as published: `{train,test,val}/{CNV,DME,DRUSEN,NORMAL}/CNV-1016042-1.jpeg`.

The middle number is the patient, who recurs in test and in train: assembly takes such training images away.
"""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from components.images.limits import ImageError
from components.images.stored import StoredImage
from components.records.vocabulary import Modality
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.class_labels import class_turn
from components.sources.reading.labelled_images import Shot, labelled_record
from components.sources.reading.row_records import SPLITS

LICENCE = "CC BY 4.0 (Kermany et al., Mendeley Data)"
PROMPT = "What does this OCT image of the retina show?"
CLASSES = {
    "CNV": "choroidal neovascularization",
    "DME": "diabetic macular oedema",
    "DRUSEN": "drusen",
    "NORMAL": "normal retina",
}
_NAME = re.compile(r"(CNV|DME|DRUSEN|NORMAL)-(\d+)-(\d+)\.jpe?g")


def read(delivery: Delivery) -> Iterator[Item]:
    """One record an image, asked for its class."""
    for name, path in delivery.files():
        found = _NAME.fullmatch(PurePosixPath(name).name)
        if found is None:
            yield delivery.unknown(
                name, "OCT2017 is read as {train,test,val}/{CNV,DME,DRUSEN,NORMAL}/CNV-1016042-1.jpeg"
            )
        else:
            label, patient = found[1], found[2]
            yield from delivery.read(name, path, lambda p, n=name, c=label, s=patient: _record(delivery, n, p, c, s))


def _record(delivery: Delivery, name: str, path: Path, label: str, patient: str) -> Iterator[Item]:
    *_, split, folder, _ = ("", "", *PurePosixPath(name).parts)
    if folder in CLASSES and folder != label:
        raise ImageError("label conflict", f"the folder says {folder}, the name {label}")
    shot = Shot(file=name, image=StoredImage.of(path), subject=patient, split=SPLITS.get(split.lower()))
    yield labelled_record(
        delivery,
        name.removesuffix(path.suffix),
        shot,
        [class_turn(PROMPT, CLASSES[label], list(CLASSES.values()), name)],
        modality=Modality.OCT,
        anatomy="eye",
        licence=LICENCE,
    )
