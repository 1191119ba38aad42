"""IXI as published: `IXI-{T1,T2,PD}/IXI002-Guys-0828-T1.nii.gz`. T2 and PD share a grid; T1 does not and is resampled."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from components.images.limits import LeftOutError
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.paired_volumes import Case, case_records, cases

LICENCE = "CC BY-SA 3.0 (IXI, brain-development.org)"
HOSPITALS = {"Guys": "Guy's Hospital", "HH": "Hammersmith Hospital", "IOP": "Institute of Psychiatry"}
_NAME = re.compile(r"(IXI\d+)-(Guys|HH|IOP)-(\d+)-(T1|T2|PD)\.nii(?:\.gz)?")
_OTHER = re.compile(r"IXI\d+-(?:Guys|HH|IOP)-\d+-(?:MRA|DTI(?:-\d+)?)\.nii(?:\.gz)?")
"""Of the whole download: no contrast that this set is read for."""
_PAIRS = {"t1": ("t2",), "t2": ("t1", "pd"), "pd": ("t2",)}


def read(delivery: Delivery) -> Iterator[Item]:
    """One record an axial slice and contrast; the patient is the number behind IXI, whatever the visit."""
    found, strays = cases(
        delivery,
        _place,
        "IXI is read as IXI<number>-<hospital>-<scan>-{T1,T2,PD}.nii.gz, no MRA or DTI",
        (".xls", ".csv"),
    )
    for stray in strays:
        if _OTHER.fullmatch(PurePosixPath(stray.file).name):
            yield delivery.unreadable(stray.file, LeftOutError("another sequence", "MRA and DTI are not read"))
        else:
            yield stray
    for name, files in found.items():
        subject, hospital, _ = name.split("-")
        case = Case(
            name=name,
            subject=subject,
            anatomy="brain",
            licence=LICENCE,
            files=files,
            pairs=_PAIRS,
            grid="t2",
            facts={"hospital": HOSPITALS[hospital]},
        )
        yield from case_records(delivery, case)


def _place(name: str) -> tuple[str, str] | None:
    found = _NAME.fullmatch(PurePosixPath(name).name)
    return (f"{found[1]}-{found[2]}-{found[3]}", found[4].lower()) if found else None
