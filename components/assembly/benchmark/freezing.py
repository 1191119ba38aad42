"""The next version of a workspace's exam, written when a model is registered and at no other time."""

from collections.abc import Collection

import pyarrow.parquet as pq

from components.assembly.benchmark.exam import Exam, grown, read_exam, write_exam
from components.assembly.dataset import Dataset
from components.assembly.selection.bins import EXCLUDED
from components.recipes.recipe import Recipe
from components.records.vocabulary import Bin
from components.storage.workspace import Workspace
from components.validation.validated import refused


def freeze_exam(workspace: Workspace, recipe: Recipe) -> Exam:
    """The exam that the present data set's held-out side asks for: the one before where nothing came or went, else a new
    version, which is on disk when this returns."""
    before = read_exam(workspace.exam)
    after = _next(workspace, before)
    if after is not before:
        write_exam(workspace.exam, after, recipe.assembly.max_shard_bytes)
    return after


def forget_patient(workspace: Workspace, recipe: Recipe, keys: Collection[str]) -> list[str]:
    """Take the items of a patient, by every key that ever stood for them, out of the frozen exam now: their bytes are gone
    when this returns the items' ids. None where the exam asks nothing of them."""
    before = read_exam(workspace.exam)
    gone = [item for item in before.items if item.patient_key in keys]
    if gone:
        out = {item.record_id for item in gone}
        after = grown(before, (), before.records - out, lambda _: f"its record is {Bin.FILTERED}: {EXCLUDED}")
        write_exam(workspace.exam, after, recipe.assembly.max_shard_bytes)
    return [item.item_id for item in gone]


def _next(workspace: Workspace, before: Exam) -> Exam:
    data = Dataset(workspace.dataset)
    ends = _decisions(data)
    held_out = {identity for identity, row in ends.items() if row["bin"] == Bin.HELDOUT}
    quarantined: dict[str, dict[str, str]] = {}

    def why_gone(identity: str) -> str:
        if row := ends.get(identity):
            if row["bin"] == Bin.KEPT:
                return f"its record stands on the side {row['split']} now"
            return f"its record is {row['bin']}: {row['reason']}"
        source = identity.partition("/")[0]
        if source not in quarantined:
            quarantined[source] = {row["id"]: row["reason"] for row in refused(workspace.validated / source)}
        if reason := quarantined[source].get(identity):
            return f"its record is quarantined: {reason}"
        return "its record is not delivered any more: a file or a source is gone"

    return grown(before, data.exam(), held_out, why_gone)


def _decisions(data: Dataset) -> dict[str, dict[str, str]]:
    """Record id -> where assembly put it: split, bin, reason."""
    columns = ["id", "split", "bin", "reason"]
    tables = [pq.read_table(path, columns=columns) for path in sorted(data.folder.glob("decisions-*.parquet"))]
    return {row["id"]: row for table in tables for row in table.to_pylist()}
