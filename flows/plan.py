"""What a retrain would do, found out before any server is started."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.recipes.recipe import Recipe
from components.recipes.training import TRAIN
from components.storage.full_disk import check_room, temporary
from components.storage.spans import lane, spending
from components.storage.workspace import Workspace
from components.training.forecast.found import Forecast
from flows.forecasting import training_forecasts
from flows.journal import stage_seconds
from flows.order import stage_list

SECONDS = {
    "code": 2.0,
    "validate": 10.0,
    "admit": 2.0,
    "assemble": 10.0,
    "judge": 20.0,
    "start": 120.0,
    "predict": 60.0,
    "evaluate": 10.0,
}
"""Order of size on two cores with `tiny`, for stages that never ran here."""

OVERHEAD_SECONDS = 45.0
"""Prefect's server, MLflow, registration and the gate."""

DISK_BYTES = 400_000_000
"""Order of size of what a `tiny` run writes beside training states and checkpoints: shards, predictions, databases."""

TEMPORARY_BYTES = 20_000_000
"""A version's files and a curve's, before they are sent."""

GIVEN_START_SECONDS = 10.0
"""A start that is not trained here."""


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
    trainings: tuple[Forecast, ...] = ()
    """What each stage of the curriculum that runs will take, in order."""

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
            "training": [training.to_json() for training in self.trainings],
        }


def make_plan(workspace: Workspace, recipe: Recipe, promote: str) -> Plan:
    """Ask DVC and the registry; brings the stage `code` up to date first, which takes two seconds, and lets DVC see what was
    edited in place."""
    from components.registry.summary import already_judged
    from components.storage.dvc import changed_stages, reproduce_stage, stage_graph
    from components.storage.marks import mend_changed

    with lane("code"), spending("dvc"):
        reproduce_stage(workspace, "code")
    mend_changed(workspace)
    reasons = changed_stages(workspace)
    affected = with_descendants(stage_list(recipe), reasons, stage_graph(workspace) if reasons else {})
    judged = not affected and stands(already_judged(workspace), promote)
    return plan_of(workspace, recipe, reasons, affected, judged=judged)


def plan_of(
    workspace: Workspace,
    recipe: Recipe,
    reasons: Mapping[str, str],
    affected: Sequence[str],
    *,
    judged: bool,
    has_data: bool = True,
) -> Plan:
    """The plan in which these stages run; has_data: whether the workspace's data set is the recipe's."""
    trains = any(stage.startswith("train@") for stage in affected)
    found = training_forecasts(workspace, recipe, has_data=has_data) if trains else []
    trainings = tuple(training for training in found if f"train@{training.stage}" in affected)
    return Plan(
        stages=tuple(stage_list(recipe)),
        reasons=reasons,
        affected=tuple(affected),
        judged=judged,
        seconds=expected_seconds(affected, recipe, stage_seconds(workspace), trainings),
        disk_bytes=expected_bytes(workspace, affected, trainings),
        trainings=trainings,
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


def expected_seconds(
    stages: Iterable[str], recipe: Recipe, measured: Mapping[str, float], trainings: Iterable[Forecast]
) -> float:
    """Rough seconds for these stages: of trainings as forecast, of others as long as the last time here, else by kind."""
    known = {**measured, **{f"train@{training.stage}": training.time.seconds for training in trainings}}
    total = OVERHEAD_SECONDS
    for stage in stages:
        kind = stage.partition("@")[0]
        if stage in known:
            total += known[stage]
        elif kind == "start" and recipe.start.source != TRAIN:
            total += GIVEN_START_SECONDS
        else:
            total += SECONDS.get(kind, 10.0)
    return total


def expected_bytes(workspace: Workspace, stages: Iterable[str], trainings: Iterable[Forecast]) -> int:
    """Rough bytes the run adds to the disk: training states, which go again, and checkpoints as forecast; of the rest what it
    took the last time, else the order of a first run."""
    if not list(stages):
        return 0
    made = sum(folder_bytes(path) for path in (workspace.dataset, workspace.evaluation)) or DISK_BYTES
    return made + sum(training_bytes(trainings))


def training_bytes(trainings: Iterable[Forecast]) -> tuple[int, int]:
    """Bytes of the training states that lie there at once, those of the stage with the largest, and of all checkpoints."""
    found = list(trainings)
    return max((one.states_bytes for one in found), default=0), sum(one.output_bytes for one in found)


def check_fit(plan: Plan) -> None:
    """Raise ValueError, naming what would make it fit, for stages whose ranks need more memory than there is."""
    if refused := [training.refusal for training in plan.trainings if training.refusal]:
        raise ValueError("\n".join(refused))


def check_disk(workspace: Workspace, plan: Plan) -> None:
    """Raise ValueError when a disk has less room than the plan expects to fill: the workspace's, that of DVC's cache, or
    that of temporary files."""
    if not plan.nothing_to_do:
        check_room(temporary(), TEMPORARY_BYTES, "the run")
    states, checkpoints = (f"{size / 1e6:.1f} MB" for size in training_bytes(plan.trainings))
    parts = f" (training states {states}, checkpoints {checkpoints})" if plan.trainings else ""
    for place in (workspace.root, workspace.root / ".dvc" / "cache", workspace.private):
        check_room(place, plan.disk_bytes, f"the run{parts}")


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below the folder; 0 when it is not there."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
