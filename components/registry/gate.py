"""The gate's word on a challenger: both sides on the frozen exam, and what the rules say of them."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.assembly.benchmark.exam import Exam
from components.assembly.benchmark.freezing import freeze_exam
from components.assembly.dataset import Dataset
from components.evaluation.decision_table import decision_table
from components.evaluation.exam import PREDICTIONS
from components.recipes.recipe import Recipe
from components.registry.catalogue import Version
from components.registry.decision_page.worst import Side, worst_items
from components.registry.exam import Incomparable, exam_scores, taught
from components.registry.judgement import keep_judgement
from components.registry.started import begun_with, items_known
from components.registry.tracking import Tracking
from components.registry.trained import told_items, trained_on, unfair_items
from components.registry.verdict import Facts, Verdict, incomparable, verdict
from components.storage.file_hashes import file_sha256
from components.storage.workspace import Workspace

CHALLENGER, CHAMPION = "challenger", "champion"


def judge(
    workspace: Workspace, recipe: Recipe, tracking: Tracking, challenger: Version, champion: Version | None
) -> Verdict:
    """The verdict about a version on the exam, beside the champion where there is one; what was judged is kept.

    The exam is frozen as today's held-out side asks for it; each side is predicted through one door where that is not
    cached. Raises StageInterrupted when it was asked to stop meanwhile, StageFailed after an accident.
    """
    made = file_sha256(workspace.evaluation / "evaluation.json")
    if made != challenger.evaluation_sha256:
        raise ValueError(
            f"version {challenger.number} was registered with another evaluation than the workspace holds now; "
            "`unimed retrain` brings both together"
        )
    exam = freeze_exam(workspace, recipe)
    sides = {CHALLENGER: challenger} | ({CHAMPION: champion} if champion else {})
    scores: dict[str, Path] = {}
    for side, version in sides.items():
        why = f"version {challenger.number} is judged: the {side}, version {version.number}"
        try:
            scores[side] = exam_scores(workspace, recipe, tracking, version, why=why)
        except Incomparable as error:
            return incomparable(recipe.gate, f"{side} {version.number} cannot be compared with today's code: {error}")
    trained = {side: trained_on(workspace, tracking, version) for side, version in sides.items()}
    told = {side: told_items(workspace, exam, known) for side, known in trained.items()}
    table = decision_table(
        scores[CHALLENGER],
        scores.get(CHAMPION),
        cluster=recipe.gate.cluster,
        demonstrative=recipe.gate.demonstrative,
        left_out={
            **items_known(workspace, recipe, exam, {side: begun_with(tracking, one) for side, one in sides.items()}),
            **unfair_items(exam, trained),
        },
        told=(told[CHALLENGER], told.get(CHAMPION, frozenset())),
    )
    facts = Facts(
        challenger_taught=taught(tracking, challenger),
        champion_taught=taught(tracking, champion) if champion else None,
        unknown_patients={side: known.unknown for side, known in trained.items() if known.unknown},
    )
    found = verdict(table, recipe.gate, facts)
    keep_judgement(
        workspace,
        version=challenger.number,
        champion=champion.number if champion else None,
        table=table,
        facts=facts,
        verdict=found,
        worst=_worst(workspace, exam, scores),
        gone=Counter(exam.lost.values()),
    )
    return found


def unopened() -> Verdict:
    """Held without a look at the exam: of an experiment, or where nothing else was asked for."""
    return Verdict(outcome="hold", reasons=("registered alone, as asked: the exam stays closed",))


def _worst(workspace: Workspace, exam: Exam, scores: Mapping[str, Path]) -> list[dict[str, Any]]:
    """The items that went worst; none where the predictions are not here."""
    sides = {side: Side(path, path.with_name(PREDICTIONS)) for side, path in scores.items()}
    if not all(side.predictions.is_dir() for side in sides.values()):
        return []
    items = {item.item_id: item for item in exam.items}
    lent = Dataset(workspace.dataset).manifest.get("lent", ())
    return worst_items(sides[CHALLENGER], sides.get(CHAMPION), items, lent=lent)
