"""One door for both sides of a decision: an opening before the first prediction, none for a cached one."""

import shutil
from dataclasses import replace

import pytest

from components.assembly.benchmark.delivered import TEXT
from components.assembly.benchmark.exam import NONE, grown, write_exam
from components.context import CannotPredict, StageContext
from components.evaluation.decision_table import COSTS, decision_table
from components.evaluation.exam import predict_exam, predictions_folder, scores_folder
from components.evaluation.judge import train_judge
from components.evaluation.predictions import read_predictions
from components.evaluation.scores import read_scores
from components.records.vocabulary import Modality, Split
from components.storage.atomic import read_object
from components.storage.file_hashes import checkpoint_sha256
from components.storage.progress import Progress
from components.storage.workspace import Workspace
from tests.components.evaluation.material import benchmark, item, make_checkpoint, make_dataset, recipe

NAME = "0123456789abcdef"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> tuple[StageContext, list[tuple[str, int, str]]]:
    """(context of the stage, openings): a checkpoint under .unimed/models and a frozen exam of painted images."""
    workspace = Workspace(tmp_path_factory.mktemp("exam"))
    make_dataset(workspace.dataset, benchmark())
    make_checkpoint(workspace.model_folder(NAME))
    held_out = [replace(one, split=Split.TEST) for one in benchmark()[:12]]
    words = {"benchmark": TEXT, "answer_type": "open", "options": (), "image": None, "reference": "A closed sac."}
    held_out.append(item(99, item_id="text/99", prompt="What is a cyst?", modality=Modality.TEXT, **words))
    write_exam(workspace.exam, grown(NONE, held_out, {one.record_id for one in held_out}, str), 2**24)
    opened: list[tuple[str, int, str]] = []
    ctx = StageContext(
        workspace=workspace,
        recipe=recipe(),
        item=NAME,
        progress=Progress.start(workspace.progress, "predict-exam"),
        open_exam=lambda *what: opened.append(what),
    )
    train_judge(replace(ctx, item=""))
    predict_exam(ctx)
    return ctx, opened


def test_every_item_is_predicted_scored_and_timed(prepared):
    ctx, _ = prepared
    _, rows = read_predictions(predictions_folder(ctx.workspace, ctx.recipe, NAME))
    plain = {row["item_id"] for row in rows if row["variant"] == "plain"}
    assert plain == {item.item_id for item in benchmark()[:12]} | {"text/99"}
    assert [row["variant"] for row in rows if row["item_id"] == "text/99"] == ["plain"], "no image, no control"
    assert {row["variant"] for row in rows} == {"plain", "control:grey", "control:shuffled"}
    scores = scores_folder(ctx.workspace, ctx.recipe, NAME)
    assert {score.item_id for score in read_scores(scores)[1]} == plain
    assert {score.site for score in read_scores(scores)[1]} == {"", "centre A"}
    costs = read_object(scores / COSTS)
    assert "threads" in costs.pop("machine") and len(costs) == 4 and all(value > 0 for value in costs.values())


def test_an_opening_is_written_once_and_a_cached_read_is_none(prepared):
    ctx, opened = prepared
    shutil.rmtree(scores_folder(ctx.workspace, ctx.recipe, NAME))
    predict_exam(ctx)
    exam = read_object(ctx.workspace.exam / "manifest.json")
    weights = checkpoint_sha256(ctx.workspace.model_folder(NAME))
    assert opened == [(exam["id"], 1, weights)]
    assert (scores_folder(ctx.workspace, ctx.recipe, NAME) / COSTS).is_file()


def test_a_checkpoint_that_today_s_code_cannot_load_is_no_accident(prepared):
    ctx, _ = prepared
    other = replace(ctx, item="f" * 16)
    folder = shutil.copytree(ctx.workspace.model_folder(NAME), ctx.workspace.model_folder(other.item))
    (folder / "config.json").write_text("{}")
    with pytest.raises(CannotPredict):
        predict_exam(other)
    assert not predictions_folder(ctx.workspace, ctx.recipe, other.item).exists()
    with pytest.raises(ValueError, match="holds no checkpoint") as missing:
        predict_exam(replace(ctx, item="e" * 16))
    assert not isinstance(missing.value, CannotPredict)


def test_an_exam_that_asks_nothing_is_predicted_and_scored_to_nothing(prepared, monkeypatch):
    ctx, _ = prepared
    monkeypatch.setattr("components.evaluation.exam.read_exam", lambda _: NONE)
    predict_exam(ctx)
    scores = scores_folder(ctx.workspace, ctx.recipe, NAME)
    assert read_scores(scores)[1] == [] and set(read_object(scores / COSTS)) == {"machine"}
    table = decision_table(scores, scores, cluster="patient", demonstrative=False)
    assert (table.rows, table.exam) == ((), NONE.id)
