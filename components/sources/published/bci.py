"""BCI as published: `HE/{train,test}/00000_train_1+.png` and `IHC/…` of the same name, whose end is the HER2 level of the
slide.

The names say no slide, and the split may have been cut through slides. Slides differ in their stains, so that images of
one level and of nearly the same stains count as one slide: training images of a slide that the test side shows count as
contaminating then. The option `split: none` leaves the delivered split aside, and whole slides go to one side.
"""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from components.images.limits import ImageError
from components.images.png import encode_png
from components.images.raster import read_raster
from components.images.stains import stain_directions
from components.records.vocabulary import Modality, Split
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.class_labels import class_turn
from components.sources.reading.labelled_images import Shot, labelled_record
from components.sources.reading.row_records import SPLITS

LICENCE = "non-commercial research (BCI)"
LEVELS = ("0", "1+", "2+", "3+")
PROMPT = "What is the HER2 level of the slide that this tissue is from?"
_NAME = re.compile(r"(?:.*/)?(HE|IHC)/((?:(train|val|test)/)?(\d+)_(train|val|test)_([0123]\+?))\.png")
_STAINS = {"HE": "H&E", "IHC": "immunohistochemistry"}
ONE_SLIDE = 0.14
"""By which the stain directions of two images of a slide may differ, in any of their numbers: of tiles of one real slide
they differ by 0.02 to 0.09 mostly, between four slides of four laboratories by at least 0.147."""


def read(delivery: Delivery) -> Iterator[Item]:
    """Two records a pair: the H&E image with the immunohistochemistry as what may be drawn, and the latter alone."""
    pairs: dict[str, dict[str, tuple[str, Path]]] = {}
    for name, path in delivery.files():
        found = _NAME.fullmatch(name)
        if found is None:
            yield delivery.unknown(name, "BCI is read as {HE,IHC}/{train,test}/00000_train_1+.png")
        else:
            pairs.setdefault(PurePosixPath(found[2]).name, {})[found[1]] = name, path
    slides = _slides(delivery, pairs)
    for pair, files in sorted(pairs.items()):
        yield from _pair(delivery, pair, files, slides.get(pair, pair))


def _pair(delivery: Delivery, pair: str, files: dict[str, tuple[str, Path]], slide: str) -> Iterator[Item]:
    images: dict[str, NDArray[np.uint8]] = {}
    for stain, (name, path) in files.items():
        try:
            delivery.check(path)
            images[stain] = read_raster(path)
        except ImageError as error:
            yield delivery.unreadable(name, error)
    if len(files) == 1:
        (name, _), other = next(iter(files.values())), "IHC" if "HE" in files else "HE"
        if images:
            yield delivery.unreadable(name, ImageError("missing pair", f"{other} of {pair} was not delivered"))
        return
    if len(images) == 2 and images["HE"].shape != images["IHC"].shape:
        for stain, image in images.items():
            detail = f"{stain} of {pair} is {image.shape[1]} x {image.shape[0]} pixels, unlike its pair"
            yield delivery.unreadable(files[stain][0], ImageError("sizes differ", detail))
        return
    _, split, level = pair.split("_")
    for stain, image in images.items():
        drawn = {"ihc": encode_png(images["IHC"])} if stain == "HE" and "IHC" in images else {}
        shot = Shot(file=files[stain][0], image=image, subject=slide, split=_split(delivery, split), targets=drawn)
        yield labelled_record(
            delivery,
            f"{pair}-{stain.lower()}",
            shot,
            [class_turn(PROMPT, level, LEVELS, pair)],
            modality=Modality.HISTOPATHOLOGY,
            anatomy="breast",
            facts={"stain": _STAINS[stain]},
            licence=LICENCE,
        )


def _split(delivery: Delivery, word: str) -> Split | None:
    return None if delivery.settings.options.get("split") == "none" else SPLITS[word]


def _slides(delivery: Delivery, pairs: dict[str, dict[str, tuple[str, Path]]]) -> dict[str, str]:
    """Pair -> its slide, named by the slide's first pair: images of one HER2 level whose stains are all near."""
    from scipy.cluster.hierarchy import fcluster, linkage

    levels: dict[str, list[tuple[str, NDArray[np.float64]]]] = {}
    for pair, files in sorted(pairs.items()):
        _, path = files.get("HE") or files["IHC"]
        try:
            delivery.check(path)
            levels.setdefault(pair.rsplit("_", 1)[1], []).append((pair, stain_directions(read_raster(path))))
        except ImageError:
            continue  # its record says why
    slides: dict[str, str] = {}
    for found in levels.values():
        names = [pair for pair, _ in found]
        groups = [1]
        if len(found) > 1:
            tree = linkage(np.stack([stains for _, stains in found]), method="complete", metric="chebyshev")
            groups = fcluster(tree, ONE_SLIDE, criterion="distance").tolist()
        slides |= {pair: names[groups.index(group)] for pair, group in zip(names, groups, strict=True)}
    return slides
