"""BraTS as published: `BraTS-GLI-00000-000/BraTS-GLI-00000-000-{t1n,t1c,t2w,t2f,seg}.nii.gz` (2023 on), or older
`BraTS20_Training_001_{t1,t1ce,t2,flair,seg}.nii.gz`. The enhancing tumour is label 3 in the first, 4 in the second."""

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.paired_volumes import Case, Labelling, case_records, cases

LICENCE = "terms of the BraTS challenge, research use"
_SHOWS = {
    "t1n": "t1",
    "t1": "t1",
    "t1c": "t1c",
    "t1ce": "t1c",
    "t2w": "t2",
    "t2": "t2",
    "t2f": "flair",
    "flair": "flair",
}
_NEW = re.compile(r"BraTS-([A-Za-z]+)-(\d+)-(\d+)-(t1n|t1c|t2w|t2f|seg)\.nii(?:\.gz)?", re.IGNORECASE)
_OLD = re.compile(r"(BraTS\d+_\w+?)_(t1|t1ce|t2|flair|seg)\.nii(?:\.gz)?", re.IGNORECASE)
_PAIRS = {"t1": ("t2", "t1c"), "t2": ("t1", "flair"), "flair": ("t2",)}
_MAP_OF = ("flair", "t1c")
CORE, OEDEMA, ENHANCING = (200, 40, 40), (70, 180, 90), (250, 240, 90)
"""Colours of the tumour map: necrotic core, oedema, enhancing tumour."""


def read(delivery: Delivery) -> Iterator[Item]:
    """One record an axial slice and contrast. The patient is the middle number, over all visits; BraTS's years share
    patients under other numbers, so that only one year goes into a corpus."""
    found, strays = cases(
        delivery, _place, "BraTS is read as <case>-{t1n,t1c,t2w,t2f,seg}.nii.gz or <case>_{t1,t1ce,t2,flair,seg}.nii.gz",
        (".csv", ".xlsx", ".json"),
    )  # fmt: skip
    yield from strays
    for name, files in found.items():
        case = Case(
            name=name,
            subject=_subject(name),
            anatomy="brain",
            licence=LICENCE,
            files={shows: file for shows, file in files.items() if shows != "seg"},
            pairs=_PAIRS,
            grid="t1",
        )
        labelling = None
        if "seg" in files:
            last = 3 if _is_new(name) else 4
            colours = label_colours({1: CORE, 2: OEDEMA, last: ENHANCING})
            labelling = Labelling(file=files["seg"], target="tumour_map", colours=colours, of=_MAP_OF, fact="tumour")
        yield from case_records(delivery, case, labelling)


def label_colours(colours: Mapping[int, tuple[int, int, int]]) -> NDArray[np.uint8]:
    """Label -> RGB, shape (256, 3); the others are black."""
    table = np.zeros((256, 3), np.uint8)
    for label, colour in colours.items():
        table[label] = colour
    return table


def _place(name: str) -> tuple[str, str] | None:
    file = PurePosixPath(name).name
    if found := _NEW.fullmatch(file):
        return f"BraTS-{found[1].upper()}-{found[2]}-{found[3]}", _shows(found[4])
    if found := _OLD.fullmatch(file):
        return found[1], _shows(found[2])
    return None


def _shows(word: str) -> str:
    return _SHOWS.get(word.lower(), "seg")


def _is_new(case: str) -> bool:
    return "-" in case


def _subject(case: str) -> str:
    return case.rsplit("-", 1)[0] if _is_new(case) else case
