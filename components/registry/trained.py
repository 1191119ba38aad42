"""What a version was trained on, as its own data set says, and which items of the exam that gives away."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from components.assembly.benchmark.exam import Exam
from components.assembly.selection.started import start_patients
from components.recipes.training import TRAIN
from components.records.vocabulary import WITHIN, Bin, Split
from components.registry.catalogue import Version, record_folder
from components.registry.patients import decision_files
from components.registry.started import begun_with, known_start
from components.registry.tracking import Tracking
from components.sources.former_keys import FormerKeys
from components.storage.workspace import Workspace

IMPORTED = "its weights were imported, and may have seen the exam's"


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """Patients and records of a version's training side."""

    patients: frozenset[str] = frozenset()
    """Their keys as they are now."""
    records: frozenset[str] = frozenset()
    unknown: str = ""
    """Why nobody knows; empty where it is known."""


def trained_on(workspace: Workspace, tracking: Tracking, version: Version) -> Trained:
    """What the version and its start were trained on; unknown of imported weights, and where its start or its data set is
    not here."""
    begun = begun_with(tracking, version)
    start = known_start(workspace, begun)
    if begun.source != TRAIN and start is None:
        gone = f"its start {begun.shipped} is not in this workspace"
        return Trained(unknown=gone if begun.shipped else IMPORTED)
    files = decision_files(workspace, record_folder(tracking, version) / "dvc.lock")
    if not files:
        return Trained(
            unknown=f"its data set {version.dataset_id[:12]} is not in the local DVC cache; `dvc pull` beside version "
            f"{version.number}'s dvc.lock brings it back, and `unimed retrain` judges anew"
        )
    wanted = [("bin", "=", Bin.KEPT.value), ("split", "=", Split.TRAIN.value)]
    rows = [row for path in files for row in _rows(path, ["id", "patient_key"], wanted)]
    former = FormerKeys.read(workspace.patients)
    before = start_patients(start, former) if start else ()
    return Trained(
        patients=frozenset({*(former.now(key) for key in {row["patient_key"] for row in rows}), *before}),
        records=frozenset(row["id"] for row in rows),
    )


def unfair_items(exam: Exam, sides: Mapping[str, Trained]) -> dict[str, str]:
    """Item id -> why neither side is judged on it: one of them was trained on its patient. Items within a subject, whose
    other slices train by intention, are not among them."""
    found: dict[str, str] = {}
    for item in exam.items:
        if item.split not in WITHIN:
            who = [f"the {side}" for side, trained in sides.items() if item.patient_key in trained.patients]
            if who:
                found[item.item_id] = f"its patient trained {' and '.join(who)}"
    return found


def told_items(workspace: Workspace, exam: Exam, trained: Trained) -> frozenset[str]:
    """Items about records that training gave away as today's assembly sees it: a record that the version was trained on
    is contaminating by now, for a held-out image or text that it shows. Rules, and what is delivered, find more with time.
    """
    files = sorted(workspace.dataset.glob("decisions-*.parquet"))
    wanted = [("bin", "in", [Bin.CONTAMINATING.value, Bin.DUPLICATE.value])]
    rows = [row for path in files for row in _rows(path, ["id", "bin", "other"], wanted)]
    copy_of = {row["id"]: row["other"] for row in rows if row["bin"] == Bin.DUPLICATE}
    told = {row["other"] for row in rows if row["bin"] == Bin.CONTAMINATING and row["id"] in trained.records}
    told |= {copy_of[identity] for identity in told if identity in copy_of}
    return frozenset(item.item_id for item in exam.items if item.record_id in told)


def _rows(path: Path, columns: list[str], wanted: list[Any]) -> list[dict[str, str]]:
    return pq.read_table(path, columns=columns, filters=wanted).to_pylist()
