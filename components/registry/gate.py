"""The measured rule that lets a challenger become champion, and the champion's scores that it needs."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from components.evaluation.champion import STAGE, scores_folder
from components.recipes.gate import GateSettings
from components.recipes.recipe import Recipe
from components.registry.catalogue import Version, checkpoint_of
from components.registry.tracking import Tracking
from components.storage.atomic import read_object
from components.storage.dvc import INTERRUPTED, StageFailed, StageInterrupted
from components.storage.file_hashes import file_sha256
from components.storage.workspace import Workspace

ACCURACY, MAJORITY = "vqa/pool/accuracy", "vqa/pool/majority"
IMAGE_GAIN, IMAGE_GAIN_LOW = "vqa/pool/image_gain", "vqa/pool/image_gain_low"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What the rule says, why, and the numbers it read."""

    outcome: Literal["pass", "fail", "inconclusive", "incomparable"]
    reasons: tuple[str, ...]
    numbers: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """For the decision log."""
        return {**asdict(self), "reasons": list(self.reasons)}


@dataclass(frozen=True, kw_only=True, slots=True)
class PairedDifference:
    """Challenger minus champion on the pooled items, paired item by item."""

    difference: float
    low: float
    high: float
    n: int
    detectable: float
    """Smallest difference that so many items show with 80 % power."""


def judge(
    workspace: Workspace, recipe: Recipe, tracking: Tracking, challenger: Version, champion: Version | None
) -> Verdict:
    """The verdict about the workspace's present evaluation, which the challenger was registered with.

    Predicts with the champion on the challenger's benchmark where that is not cached. Raises StageInterrupted when it
    was asked to stop meanwhile, StageFailed when it was killed.
    """
    found = file_sha256(workspace.evaluation / "evaluation.json")
    if found != challenger.evaluation_sha256:
        raise ValueError(
            f"version {challenger.number} was registered with another evaluation than the workspace holds now; "
            "`unimed retrain` brings both together"
        )
    alone = judge_alone(read_object(workspace.evaluation / "metrics.json"))
    if alone.outcome != "pass" or champion is None:
        return _demonstrative(alone, recipe.gate)
    try:
        paired = compare_pool(workspace, recipe, champion_scores(workspace, recipe, tracking, champion))
    except StageFailed:
        raise
    except ValueError as error:
        reason = f"champion {champion.number} cannot be compared with today's code: {str(error).splitlines()[-1]}"
        verdict = Verdict(outcome="incomparable", reasons=(*alone.reasons, reason), numbers=alone.numbers)
        return _demonstrative(verdict, recipe.gate)
    if paired is None:
        reason = "the pool has no items to compare on"
        return Verdict(outcome="inconclusive", reasons=(*alone.reasons, reason), numbers=alone.numbers)
    return _demonstrative(judge_against(alone, paired, champion.number, recipe.gate), recipe.gate)


def judge_alone(metrics: Mapping[str, Any]) -> Verdict:
    """Whether the pool beats the majority answer and needs its images: the least that any version must do."""
    missing = [name for name in (ACCURACY, MAJORITY, IMAGE_GAIN_LOW) if not isinstance(metrics.get(name), int | float)]
    if missing:
        reason = f"evaluation/metrics.json lacks {', '.join(missing)}: nothing in the pool was asked"
        return Verdict(outcome="inconclusive", reasons=(reason,))
    numbers = {name: metrics[name] for name in (ACCURACY, MAJORITY, IMAGE_GAIN, IMAGE_GAIN_LOW) if name in metrics}
    accuracy, majority, gain = metrics[ACCURACY], metrics[MAJORITY], metrics[IMAGE_GAIN_LOW]
    beats = f"pool accuracy {accuracy:.3f} against the majority answer's {majority:.3f}"
    sees = f"image gain at least {gain:.3f} (95 % interval)"
    ok = accuracy > majority and gain > 0
    return Verdict(outcome="pass" if ok else "fail", reasons=(beats, sees), numbers=numbers)


def judge_against(alone: Verdict, paired: PairedDifference, champion: int, settings: GateSettings) -> Verdict:
    """Whether the challenger is not worse than the champion by more than the margin, or better where that is asked.

    Neither shown worse nor shown not worse is inconclusive, and says how small a difference these items can show.
    """
    said = (
        f"{paired.difference:+.3f} against champion {champion} on {paired.n} paired items "
        f"(95 % interval {paired.low:+.3f} to {paired.high:+.3f}, margin {settings.margin:g})"
    )
    numbers = {**alone.numbers, "paired": asdict(paired), "champion": champion, "margin": settings.margin}
    if paired.low > -settings.margin and (settings.kind == "refresh" or paired.low > 0):
        outcome: Literal["pass", "fail", "inconclusive"] = "pass"
    elif paired.high < (-settings.margin if settings.kind == "refresh" else 0):
        outcome = "fail"
    elif settings.kind == "improve" and paired.low > -settings.margin:
        outcome, said = "fail", f"{said}: not shown to be better"
    else:
        outcome, said = "inconclusive", f"{said}: these items show {paired.detectable:.3f} at best"
    return Verdict(outcome=outcome, reasons=(*alone.reasons, said), numbers=numbers)


def champion_scores(workspace: Workspace, recipe: Recipe, tracking: Tracking, champion: Version) -> Path:
    """The folder with the champion's scores on the present benchmark, made by `components.stage` if need be.

    Raises ValueError with the stage's last words when today's code cannot do it.
    """
    weights = champion.weights_sha256
    scores = scores_folder(workspace, recipe, weights)
    if not scores.is_dir():
        checkpoint = checkpoint_of(workspace, tracking, champion)
        command = [sys.executable, "-P", "-m", "components.stage", STAGE, checkpoint.name]
        done = subprocess.run(command, cwd=workspace.root, capture_output=True, text=True, check=False)
        if done.returncode == INTERRUPTED:
            raise StageInterrupted(STAGE)
        if done.returncode < 0:
            # Killed, not refused: an accident is no verdict, the same command tries again.
            raise StageFailed(STAGE, done.returncode, f"killed by signal {-done.returncode}", [])
        if done.returncode != 0 or not scores.is_dir():
            log = workspace.logs / f"{STAGE}-{checkpoint.name}.log"
            words = (log.read_text() if log.is_file() else done.stderr).strip().splitlines()
            raise ValueError("\n".join(words[-5:]) or f"{STAGE} left with {done.returncode}")
    return scores


def compare_pool(workspace: Workspace, recipe: Recipe, champion: Path) -> PairedDifference | None:
    """The pooled items of both sides, paired; None where the recipe's pool has no items."""
    from components.evaluation.compare import compare

    found = compare(champion, workspace.evaluation / "scores", recipe.evaluation, cluster=recipe.gate.cluster).pool
    if found is None:
        return None
    return PairedDifference(
        difference=found.estimate, low=found.low, high=found.high, n=found.n, detectable=found.detectable or 0.0
    )


def _demonstrative(verdict: Verdict, settings: GateSettings) -> Verdict:
    if not settings.demonstrative:
        return verdict
    reasons = (*verdict.reasons, "demonstrative: too few subjects for a claim")
    return Verdict(outcome=verdict.outcome, reasons=reasons, numbers=verdict.numbers)
