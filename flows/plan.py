"""What a retrain would do, found out before any server is started."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.recipes.recipe import Recipe
from components.recipes.training import TRAIN
from components.storage.full_disk import check_room, temporary
from components.storage.workspace import Workspace
from flows.journal import stage_seconds
from flows.order import stage_list

SECONDS = {
    "code": 2.0,
    "validate": 10.0,
    "admit": 2.0,
    "assemble": 10.0,
    "judge": 20.0,
    "start": 120.0,
    "train": 110.0,
    "predict": 60.0,
    "evaluate": 10.0,
}
"""Order of size on two cores with `tiny`, for stages that never ran here."""

OVERHEAD_SECONDS = 45.0
"""Prefect's server, MLflow, registration and the gate."""

DISK_BYTES = 600_000_000
"""Order of size of what a `tiny` run writes: shards, weights and training state, predictions, databases."""

TEMPORARY_BYTES = 20_000_000
"""A version's files and a curve's, before they are sent."""

STAGE_OVERHEAD = {"train": 20.0, "start": 10.0}
REFERENCE_STEPS = {"train": 500}


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Which stages run and why."""

    stages: tuple[str, ...]
    """Every stage, in the flow's order."""
    reasons: Mapping[str, str]
    """Stages that changed themselves -> how."""
    affected: tuple[str, ...]
    """Those and all that read from them, in order; one whose inputs turn out equal is skipped all the same."""
    judged: bool
    """Whether what the workspace holds is registered and the gate has decided."""
    seconds: float
    disk_bytes: int

    @property
    def nothing_to_do(self) -> bool:
        return not self.affected and self.judged

    @property
    def why_nothing(self) -> str:
        """The sentence for a run that has nothing to do."""
        return (
            "nothing to do: no raw file, recipe number, code or package has changed since the last run, "
            "and its version is registered and judged"
        )

    def to_json(self) -> dict[str, Any]:
        """For `--json` and the journal."""
        return {
            "stages": list(self.stages),
            "reasons": dict(self.reasons),
            "affected": list(self.affected),
            "judged": self.judged,
            "expected_seconds": round(self.seconds),
            "expected_disk_bytes": self.disk_bytes,
        }


def make_plan(workspace: Workspace, recipe: Recipe, promote: str) -> Plan:
    """Ask DVC and the registry; brings the stage `code` up to date first, which takes two seconds, and lets DVC see what was
    edited in place."""
    from components.registry.summary import already_judged
    from components.storage.dvc import changed_stages, reproduce_stage, stage_graph
    from components.storage.marks import mend_changed

    reproduce_stage(workspace, "code")
    mend_changed(workspace)
    reasons = changed_stages(workspace)
    stages = tuple(stage_list(recipe))
    affected = tuple(with_descendants(stages, reasons, stage_graph(workspace) if reasons else {}))
    judged = not affected and stands(already_judged(workspace), promote)
    return Plan(
        stages=stages,
        reasons=reasons,
        affected=affected,
        judged=judged,
        seconds=expected_seconds(affected, recipe, stage_seconds(workspace)),
        disk_bytes=expected_bytes(workspace, affected),
    )


def stands(decision: Any, promote: str) -> bool:
    """Whether an earlier decision (None: there is none) answers what is asked now."""
    if decision is None:
        return False
    settled = decision.promoted or decision.action in ("refuse", "withdraw")
    return settled or decision.evidence.get("asked", promote) == promote


def with_descendants(order: Iterable[str], changed: Iterable[str], parents: Mapping[str, Iterable[str]]) -> list[str]:
    """The changed stages and all that read from them, in the given order (parents first)."""
    found: set[str] = set(changed)
    for stage in order:
        if found & set(parents.get(stage, ())) - {"code"}:
            found.add(stage)
    return [stage for stage in order if stage in found]


def expected_seconds(stages: Iterable[str], recipe: Recipe, measured: Mapping[str, float]) -> float:
    """Rough seconds for these stages: as long as the last time here, else by kind and number of steps."""
    total = OVERHEAD_SECONDS
    for stage in stages:
        kind, _, item = stage.partition("@")
        if stage in measured:
            total += measured[stage]
        elif kind == "train":
            total += (
                STAGE_OVERHEAD["train"] + SECONDS["train"] * recipe.curriculum[item].steps / REFERENCE_STEPS["train"]
            )
        elif kind == "start" and recipe.start.source != TRAIN:
            total += STAGE_OVERHEAD[kind]
        else:
            total += SECONDS.get(kind, 10.0)
    return total


def expected_bytes(workspace: Workspace, stages: Iterable[str]) -> int:
    """Rough bytes the run adds to the disk: what the outputs took the last time, else the order of a first run."""
    if not list(stages):
        return 0
    made = sum(folder_bytes(path) for path in (workspace.dataset, workspace.checkpoints, workspace.evaluation))
    return made or DISK_BYTES


def check_disk(workspace: Workspace, plan: Plan) -> None:
    """Raise ValueError when a disk has less room than the plan expects to fill: the workspace's, that of DVC's cache, or
    that of temporary files."""
    if not plan.nothing_to_do:
        check_room(temporary(), TEMPORARY_BYTES, "the run")
    for place in (workspace.root, workspace.root / ".dvc" / "cache", workspace.private):
        check_room(place, plan.disk_bytes, "the run")


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below the folder; 0 when it is not there."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
