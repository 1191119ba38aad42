"""Real images, and who is on each; real sentences. What is planted is made of them."""

import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import distribution
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from components.images.raster import SUFFIXES, read_raster
from components.recipes.shipped import read_shipped
from components.records.record import Record
from components.records.vocabulary import Modality
from components.sources.delivery import deliver
from components.sources.table import read_source
from components.validation.identifiers import identifier_kinds

LEAST_SIDE = 100
"""Pixels; half of it passes the recipe's least side."""
PHOTOGRAPHS = "astronaut brick camera cell chelsea coffee coins grass gravel hubble_deep_field microaneurysms moon page rocket text"
"""Of scikit-image: each another object, and none in the default corpus."""
SINGLE = ("unimed-clip", "monai", "llava-med", "cxr-tests", "deepliif")
"""Folders of further samples in which each image is of another patient."""
SAME = {"COVID-00037": "COVID-00033"}
"""One radiograph, published under two numbers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Original:
    """One image as it was before anybody copied it."""

    patient: str
    modality: Modality
    pixels: NDArray[np.uint8]
    """(H, W) or (H, W, 3)."""
    symmetric: bool = False
    """An average that was made equal to its mirror image."""
    also: bool = False
    """A further image of the patient: looked at for false matches, never copied."""


def originals(each: int, *, side: int, patients: int | None = None, samples: Path | None = None) -> list[Original]:
    """Every real image there is with sides of LEAST_SIDE at least; about `each` of a patient, evenly spaced, are copied.
    Larger images are taken with `side` pixels on their longer side, to save time.
    With `patients`, those of the first so many alone."""
    found = defaultdict[str, list[Original]](list)
    further = _samples(samples) if samples and samples.is_dir() else ()
    for image in chain(_photographs(), _default_corpus(), further):
        if len(found) == patients and image.patient not in found:
            break
        image = replace(image, pixels=_reduced(image.pixels, side))
        if min(image.pixels.shape[:2]) >= LEAST_SIDE and image.pixels.std() > 1:
            found[image.patient].append(image)
    every: list[Original] = []
    for images in found.values():
        copied = {round(k) for k in np.linspace(0, len(images) - 1, min(each, len(images)))}
        every += [replace(image, also=number not in copied) for number, image in enumerate(images)]
    return every


def sentences(samples: Path | None = None) -> list[str]:
    """Sentences of 10 to 40 words: of the packages' descriptions of data, and captions where `samples` are."""
    texts: list[str] = []
    for package in ("nilearn", "scikit-learn"):
        for file in distribution(package).files or ():
            if file.suffix == ".rst" and "desc" in str(file.parent):
                paragraphs = re.split(r"\n\s*\n", Path(str(file.locate())).read_text())
                texts += [said for part in paragraphs for said in re.split(r"(?<=[.?!])\s+", " ".join(part.split()))]
    captions = samples / "roco/data/test/radiology/captions.txt" if samples else None
    if captions and captions.is_file():
        texts += [line.split("\t", 1)[1].strip() for line in captions.read_text().splitlines() if "\t" in line]
    # One that thanks a doctor, whose name may stand in the next one, is refused before anything is compared.
    plain = (
        said
        for said in texts
        if re.fullmatch(r"[A-Z][\w ,.;()'/%-]+\.", said) and not identifier_kinds([f"{said} Name"])
    )
    return sorted({said for said in plain if 10 <= len(said.split()) <= 40 and len(said) < 400 and "--" not in said})


def _default_corpus() -> Iterator[Original]:
    recipe = read_shipped("tiny-scratch")
    with tempfile.TemporaryDirectory() as folder:
        deliver(Path(folder))
        for source, settings in sorted(recipe.sources.items()):
            for item in read_source(Path(folder) / source, source, settings):
                if isinstance(item, Record):
                    yield Original(
                        patient=f"{source} {item.subject}",
                        modality=item.modality,
                        pixels=item.image.decode(),
                        symmetric=source == "nilearn-mni" and item.facts.get("plane") != "sagittal",
                    )


def _photographs() -> Iterator[Original]:
    names = set(PHOTOGRAPHS.split())
    for file in distribution("scikit-image").files or ():
        if str(file.parent) == "skimage/data" and file.stem in names and file.suffix in SUFFIXES:
            pixels = read_raster(Path(str(file.locate())))
            yield Original(patient=f"photograph {file.stem}", modality=Modality.ENDOSCOPY, pixels=pixels)


def _samples(folder: Path) -> Iterator[Original]:
    """Patients of the COVID-19 figures are numbered; letters count their images."""
    for path in sorted(folder.rglob("*")):
        top = path.relative_to(folder).parts[0]
        if path.suffix.lower() not in SUFFIXES or top not in (*SINGLE, "covid-figure1"):
            continue
        name = path.stem.rstrip("abc") if top == "covid-figure1" else path.stem
        yield Original(patient=f"{top} {SAME.get(name, name)}", modality=Modality.ENDOSCOPY, pixels=read_raster(path))


def _reduced(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    image = Image.fromarray(pixels)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return np.asarray(image)
