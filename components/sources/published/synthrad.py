"""SynthRAD2023, task 1, as published: `Task1/{brain,pelvis}/1BA001/{mr,ct,mask}.nii.gz`, on one grid. Outside of the mask
there is nothing to learn: both images are black there."""

import re
from collections.abc import Iterator

from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.paired_volumes import Case, case_records, cases

LICENCE = "CC BY-NC 4.0 (SynthRAD2023)"
_NAME = re.compile(r"(?:.*/)?(1([BP])([A-Z])\d+)/(mr|ct|mask)\.nii(?:\.gz)?")
CT_RANGE = (-1000.0, 2000.0)
"""Hounsfield units from air to dense bone: bone is what a CT made of an MRI has to show."""
_ANATOMY = {"B": "brain", "P": "pelvis"}


def read(delivery: Delivery) -> Iterator[Item]:
    """One record an axial slice of the MRI, with the CT as what may be drawn, and one of the CT."""
    found, strays = cases(
        delivery, _place, "task 1 is read as 1<region><centre><number>/{mr,ct,mask}.nii.gz", (".xlsx", ".csv", ".png")
    )
    yield from strays
    for name, files in found.items():
        case = Case(
            name=name,
            subject=name,
            anatomy=_ANATOMY[name[1]],
            licence=LICENCE,
            files={{"mr": "mri", "ct": "ct"}[kind]: file for kind, file in files.items() if kind != "mask"},
            pairs={"mri": ("ct",)},
            grid="mri",
            facts={"hospital": f"centre {name[2]}"},
            limits={"ct": CT_RANGE},
            inside=files.get("mask"),
        )
        yield from case_records(delivery, case)


def _place(name: str) -> tuple[str, str] | None:
    found = _NAME.fullmatch(name)
    return (found[1], found[4]) if found else None
