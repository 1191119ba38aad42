"""MedMNIST as published: `{name}.npz` or `{name}_{64,128,224}.npz` with `{train,val,test}_{images,labels}`.

No patient is named: each image is its own. The sets of volumes (`…mnist3d`) are left out.
"""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from components.images.arrays import archive_rows, archive_shapes, check_image
from components.images.limits import ImageError
from components.images.png import pixels_sha256
from components.records.record import Turn
from components.records.vocabulary import Split, TurnKind
from components.sources.delivery_folder import Delivery, Item
from components.sources.published.medmnist_sets import SETS, MnistSet
from components.sources.reading.class_labels import class_turn
from components.sources.reading.labelled_images import Shot, labelled_record
from components.sources.reading.row_records import unreadable_row

SPLITS = {"train": Split.TRAIN, "val": Split.VAL, "test": Split.TEST}
_NAME = re.compile(r"([a-z]+mnist)(?:_(64|128|224))?\.npz")


def read(delivery: Delivery) -> Iterator[Item]:
    """One record an image, asked for its label in the words of the set."""
    for name, path in delivery.files():
        found = _NAME.fullmatch(PurePosixPath(name).name)
        if found is None or found[1] not in SETS:
            yield delivery.unknown(name, f"MedMNIST is read as {', '.join(SETS)} (.npz, _64, _128, _224)")
        else:
            yield from delivery.read(name, path, lambda p, n=name, s=SETS[found[1]]: _images(delivery, n, p, s))


def _images(delivery: Delivery, name: str, path: Path, mnist: MnistSet) -> Iterator[Item]:
    shapes = archive_shapes(path)
    for split in SPLITS:
        images, labels = f"{split}_images", f"{split}_labels"
        if images not in shapes or labels not in shapes:
            raise ImageError("missing array", f"{images} and {labels} are needed; it has {', '.join(sorted(shapes))}")
        check_image(shapes[images][1:])
        if shapes[images][0] != shapes[labels][0]:
            raise ImageError("counts differ", f"{shapes[images][0]} {images}, {shapes[labels][0]} {labels}")
    for split in SPLITS:
        pairs = zip(archive_rows(path, f"{split}_images"), archive_rows(path, f"{split}_labels"), strict=True)
        for number, (image, label) in enumerate(pairs):
            try:
                yield _record(delivery, name, mnist, split, number, image, label)
            except ImageError as error:
                yield unreadable_row(delivery, f"{name}:{split}", number, error)


def _record(
    delivery: Delivery, name: str, mnist: MnistSet, split: str, number: int, image: NDArray, label: NDArray
) -> Item:
    if image.dtype != np.uint8:
        raise ImageError("unsupported values", f"images of {image.dtype}; MedMNIST has 8 bits")
    native = f"{PurePosixPath(name).stem}/{split}-{number:06d}"
    turn, facts = _said(mnist, label, native)
    shot = Shot(
        file=name,
        image=np.ascontiguousarray(image),
        subject=pixels_sha256(image),
        split=SPLITS[split],
        locator=f"{split} {number}",
    )
    return labelled_record(
        delivery,
        native,
        shot,
        [turn],
        modality=mnist.modality,
        anatomy=mnist.regions.get(turn.answer, mnist.anatomy),
        licence=mnist.licence,
        facts={**mnist.facts, **facts},
    )


def _said(mnist: MnistSet, label: NDArray, native: str) -> tuple[Turn, dict[str, str]]:
    """The label as a question; several yes/no labels of one image as one open question."""
    values = label.ravel().tolist()
    if mnist.several:
        if len(values) != len(mnist.classes) or not set(values) <= {0, 1}:
            raise ImageError("unknown label", f"{values} are not {len(mnist.classes)} labels of 0 or 1")
        present = [word for word, value in zip(mnist.classes, values, strict=True) if value]
        return Turn(prompt=mnist.prompt, answer=", ".join(present) or "no finding", kind=TurnKind.OPEN), {}
    if len(values) != 1 or not 0 <= values[0] < len(mnist.classes):
        raise ImageError("unknown label", f"{values} is no number from 0 to {len(mnist.classes) - 1}")
    facts = {} if not mnist.graded else {mnist.graded: "yes" if values[0] else "no"}
    return class_turn(mnist.prompt, mnist.classes[values[0]], mnist.classes, native), facts
