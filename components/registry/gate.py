"""The measured rule that lets a challenger become champion, and the champion's predictions that it needs."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from components.context import StageContext
from components.recipes.recipe import Recipe
from components.registry.catalogue import Version, reference_of, resolve
from components.registry.evidence import digest, file_sha256, read_object
from components.registry.settings import GateSettings
from components.registry.tracking import Tracking, connect
from components.registry.weights_reference import lay_out
from components.storage.atomic import atomic_folder
from components.storage.dvc import INTERRUPTED, StageInterrupted
from components.storage.workspace import Workspace

ACCURACY, MAJORITY = "vqa/pool/accuracy", "vqa/pool/majority"
IMAGE_GAIN, IMAGE_GAIN_LOW = "vqa/pool/image_gain", "vqa/pool/image_gain_low"
STAGE = "predict-champion"


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
    was asked to stop meanwhile.
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
        folder = champion_predictions(workspace, recipe, champion)
    except ValueError as error:
        reason = f"champion {champion.number} cannot be predicted with today's code: {str(error).splitlines()[-1]}"
        return _demonstrative(
            Verdict(outcome="incomparable", reasons=(*alone.reasons, reason), numbers=alone.numbers), recipe.gate
        )
    paired = compare_pool(workspace, recipe, folder)
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


def champion_predictions(workspace: Workspace, recipe: Recipe, champion: Version) -> Path:
    """The folder with the champion's predictions on the present benchmark, made by `components.stage` if need be.

    Raises ValueError with the stage's last words when today's code cannot do it.
    """
    folder = gate_folder(workspace, recipe, champion)
    if folder.is_dir():
        return folder
    command = [sys.executable, "-m", "components.stage", STAGE, str(champion.number)]
    done = subprocess.run(command, cwd=workspace.root, capture_output=True, text=True, check=False)
    if done.returncode == INTERRUPTED:
        raise StageInterrupted(STAGE)
    if done.returncode != 0 or not folder.is_dir():
        log = workspace.logs / f"{STAGE}-{champion.number}.log"
        words = (log.read_text() if log.is_file() else done.stderr).strip().splitlines()
        raise ValueError("\n".join(words[-5:]) or f"{STAGE} left with {done.returncode}")
    return folder


def predict_champion(ctx: StageContext) -> None:
    """The stage `predict-champion V`: predictions of a registered version on the present benchmark, into .unimed/gate/."""
    from components.evaluation.predict import predict_benchmark

    tracking = connect(ctx.workspace)
    version = resolve(ctx.workspace, ctx.item, tracking)
    reference = reference_of(tracking, version)
    with tempfile.TemporaryDirectory(prefix="unimed-champion-") as temporary:
        checkpoint = lay_out(reference, Path(temporary) / "checkpoint")
        with atomic_folder(gate_folder(ctx.workspace, ctx.recipe, version)) as out:
            predict_benchmark(checkpoint, ctx.workspace.dataset, out, ctx.recipe, ctx.progress, ctx.stop)


def gate_folder(workspace: Workspace, recipe: Recipe, version: Version) -> Path:
    """.unimed/gate/<weights>-<benchmark>-<decoding>: one folder for each thing that predictions depend on."""
    benchmark = digest(read_object(workspace.dataset / "manifest.json")["benchmark"])
    code = read_object(workspace.root / "code.json").get("prediction", "")
    settings = recipe.evaluation
    how = digest([code, recipe.seed, settings.answer_tokens, settings.caption_tokens, repr(settings.drawing)])
    return workspace.private / "gate" / f"{version.weights_sha256[:8]}-{benchmark[:8]}-{how[:8]}"


def compare_pool(workspace: Workspace, recipe: Recipe, champion_folder: Path) -> PairedDifference:
    """The pooled items of both sides, scored by today's scorer and compared item by item."""
    raise NotImplementedError


def forget_predictions(workspace: Workspace) -> int:
    """Remove every cached prediction of a champion; returns how many there were. They can be made again."""
    folders = [path for path in (workspace.private / "gate").glob("*") if path.is_dir()]
    for folder in folders:
        shutil.rmtree(folder)
    return len(folders)


def _demonstrative(verdict: Verdict, settings: GateSettings) -> Verdict:
    if not settings.demonstrative:
        return verdict
    reasons = (*verdict.reasons, "demonstrative: too few subjects for a claim")
    return Verdict(outcome=verdict.outcome, reasons=reasons, numbers=verdict.numbers)
