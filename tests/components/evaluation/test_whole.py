"""From a checkpoint and a data set to evaluation.json: predicted, scored, reported, and recomputed from predictions."""

import json
import re
import threading
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from components.assembly.dataset import Dataset
from components.context import Interrupted, StageContext
from components.evaluation import predictions as stored
from components.evaluation.asked import Asked
from components.evaluation.decision_table import decision_table
from components.evaluation.evaluate import evaluate, evaluate_predictions, evaluate_tables
from components.evaluation.gain import Gain
from components.evaluation.judge import train_judge
from components.evaluation.predict import predict, predict_asked
from components.evaluation.report.page import render
from components.evaluation.scores import read_scores
from components.storage.progress import Progress
from components.storage.workspace import Workspace
from tests.components.evaluation.material import benchmark, make_checkpoint, make_dataset, recipe
from tests.frozen_interface import METRIC_KEYS
from tests.test_frozen_interface import metric_shape

PROMISED = (
    "vqa/pool/accuracy",
    "vqa/pool/majority",
    "vqa/pool/margin",
    "vqa/pool/image_gain",
    "vqa/pool/image_gain_low",
    "vqa/closed/accuracy",
    "vqa/val/modality/choice/accuracy",
    "caption/modality_accuracy",
    "caption/well_formed",
    "caption/rougel-google",
    "t2i/recognised",
    "t2i/recognised_real",
    "t2i/recognised_reconstruction",
    "t2i/chance",
    "sr/psnr",
    "sr/psnr_mean_image",
    "sr/psnr_bicubic",
    "sr/psnr_ceiling",
    "sr/psnr_one_step",
    "sr/gain_over_mean_image",
)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> StageContext:
    workspace = Workspace(tmp_path_factory.mktemp("workspace"))
    make_dataset(workspace.dataset, benchmark())
    make_checkpoint(workspace.checkpoints / "unified")
    ctx = StageContext(
        workspace=workspace, recipe=recipe(), item="", progress=Progress.start(workspace.progress, "evaluate")
    )
    train_judge(ctx)
    predict(ctx)
    evaluate(ctx)
    return ctx


@pytest.fixture(scope="module")
def written(context: StageContext) -> dict:
    return json.loads((context.workspace.evaluation / "evaluation.json").read_text())


def test_every_key_has_a_frozen_shape(context, written):
    stored = json.loads((context.workspace.evaluation / "metrics.json").read_text())
    assert {metric_shape(key) for key in {*stored, *written["metrics"]}} - METRIC_KEYS == set()


def rows_of(context: StageContext) -> list[dict]:
    return stored.read_predictions(context.workspace.evaluation / "predictions")[1]


def test_predictions_have_every_column_and_a_plain_row_for_every_item(context):
    rows = rows_of(context)
    schema = pq.read_schema(context.workspace.evaluation / "predictions" / stored.FILE)
    assert {"variant", "seed", "image_sha256", "condition_sha256", "choice_logprobs", "weights_sha256"} <= set(
        schema.names
    )
    assert sorted(row["item_id"] for row in rows if row["variant"] == "plain") == sorted(i.item_id for i in benchmark())


def test_controls_are_rows_like_any_other(context):
    variants = {(row["benchmark"], row["variant"]) for row in rows_of(context)}
    assert {("vqa", v) for v in ("plain", "control:grey", "control:shuffled")} <= variants
    assert ("vqa", "control:shuffled-in-modality") not in variants, "within a modality, its question has one answer"
    assert {("sr", v) for v in ("plain", "one-step", "control:reconstruction")} <= variants
    assert ("t2i", "one-step") not in variants


def test_choices_carry_a_likelihood_for_each_option_and_drawings_an_image(context):
    for row in rows_of(context):
        if row["variant"] == "plain" and row["answer_type"] == "choice":
            assert len(row["choice_logprobs"]) == len(row["options"])
        assert (row["response_image"] is not None) == (row["answer_type"] == "image")


def test_the_evaluation_is_recomputed_from_predictions(context, written):
    folder = context.workspace.evaluation
    again = evaluate_tables(folder / "predictions", folder / "judge", context.workspace.dataset, context.recipe)
    assert json.loads(json.dumps(again)) == written


def test_predicting_again_gives_the_same_bytes(context, tmp_path):
    path = predict_asked(
        context.workspace.checkpoints / "unified",
        Asked.validation(Dataset(context.workspace.dataset)),
        tmp_path,
        context.recipe,
        context.progress,
        threading.Event(),
    )
    assert path.read_bytes() == (context.workspace.evaluation / "predictions" / stored.FILE).read_bytes()


def test_another_batch_size_changes_no_answer(context, tmp_path):
    other = replace(context.recipe, evaluation=replace(context.recipe.evaluation, batch=3))
    predict_asked(
        context.workspace.checkpoints / "unified",
        Asked.validation(Dataset(context.workspace.dataset)),
        tmp_path,
        other,
        context.progress,
        threading.Event(),
    )
    _, rows = stored.read_predictions(tmp_path)
    assert [row["response_raw"] for row in rows] == [row["response_raw"] for row in rows_of(context)]


def test_every_metric_has_n_interval_cluster_protocol_and_says_why_it_is_not_gated(written):
    for key, metric in written["metrics"].items():
        assert re.fullmatch(r"[a-z0-9_/-]+", key), key
        assert (
            metric["n"] > 0 and metric["low"] <= metric["value"] + 1e-9 and metric["value"] <= metric["high"] + 1e-9
        ), key
        assert metric["protocol"].count(" · ") == 2 and metric["cluster"], key
        assert metric["gated"] != bool(metric["why_not_gated"]), key


def test_the_promised_keys_are_there(context, written):
    flat = json.loads((context.workspace.evaluation / "metrics.json").read_text())
    assert set(PROMISED) <= set(flat)
    assert all(isinstance(value, int | float) for value in flat.values())
    assert set(written["metrics"]) <= set(flat)


def test_the_pool_says_which_of_its_members_this_benchmark_lacks(written):
    assert written["pool"]["members"] == ["val/modality/choice", "val/modality/closed"]
    assert written["pool"]["missing"]["within-val/map/choice"] == "no items in the benchmark"


def test_no_time_and_no_absolute_path_stands_in_what_evaluation_writes(context):
    folder = context.workspace.evaluation
    for name in ("evaluation.json", "metrics.json", "report.html"):
        text = (folder / name).read_text()
        assert str(context.workspace.root) not in text and not re.search(r"\b20\d\d-\d\d-\d\dT", text), name


def test_the_report_is_one_page_that_loads_nothing_and_shows_images(context):
    page = (context.workspace.evaluation / "report.html").read_text()
    assert not re.search(r"""(?:src|href)=["'](?!data:|#)""", page) and "<script" not in page
    assert page.count("data:image/png;base64,") >= 20
    for words in (
        "The pool",
        "not in it",
        "The gate reads the exam",
        "one step",
        "What this corpus cannot ask",
        "Limits",
    ):
        assert words in page


def test_the_report_shows_nothing_of_lent_sources_and_nothing_drawn_from_them(context):
    folder, recipe_ = context.workspace.evaluation, context.recipe
    found = evaluate_predictions(folder / "predictions", folder / "judge", context.workspace.dataset, recipe_)
    _, rows = stored.read_predictions(folder / "predictions")
    all_items = Dataset(context.workspace.dataset).benchmark()
    lent = {item.item_id: replace(item, record_id=f"lent/{item.record_id}") for item in all_items}
    page = render(found, rows, lent, lent=("lent",))
    assert "data:image/png" not in page and 'id="captions"' in page
    assert not [item.prompt for item in lent.values() if item.benchmark == "t2i" and item.prompt in page]
    assert "sources that were lent: lent" in page
    assert "data:image/png" in render(found, rows, lent, lent=("other",))


def test_the_report_shows_what_the_starts_scores_do_not_have_yet_without_them(context):
    folder = context.workspace.evaluation
    found = evaluate_predictions(folder / "predictions", folder / "judge", context.workspace.dataset, context.recipe)
    row = decision_table(folder / "scores", None, cluster="image", demonstrative=True).rows[0]
    assert row.champion is None
    page = render(found, [], {}, gain=Gain(start="old-1", rows=(row,)))
    assert f'<td class="n">–</td><td class="n">{row.challenger:.3f}</td><td class="n">–</td>' in page
    why = "–: the scores that the start brings along are of an earlier release, which did not ask this of it."
    assert why in page
    known = replace(row, champion=row.challenger, difference=0.0)
    assert why not in render(found, [], {}, gain=Gain(start="old-1", rows=(known,)))


def test_the_report_is_the_same_bytes_again(context):
    path = context.workspace.evaluation / "report.html"
    before = path.read_bytes()
    evaluate(context)
    assert path.read_bytes() == before


def test_an_item_without_a_prediction_is_an_error_never_dropped(context, tmp_path):
    header, rows = stored.read_predictions(context.workspace.evaluation / "predictions")
    stored.write_predictions(tmp_path, [row for row in rows if row["item_id"] != "vqa/003"], header)
    with pytest.raises(ValueError, match=r"1 items without a prediction.*vqa/003"):
        evaluate_tables(tmp_path, context.workspace.evaluation / "judge", context.workspace.dataset, context.recipe)


def test_predictions_of_another_data_set_are_refused(context, tmp_path):
    header, rows = stored.read_predictions(context.workspace.evaluation / "predictions")
    stored.write_predictions(tmp_path, rows, replace(header, dataset_id="another"))
    with pytest.raises(ValueError, match="predicted on dataset_id another"):
        evaluate_tables(tmp_path, context.workspace.evaluation / "judge", context.workspace.dataset, context.recipe)


def test_a_data_set_with_nothing_to_choose_on_is_evaluated_to_nothing(context, tmp_path):
    folder = make_dataset(tmp_path / "data", [])
    asked = Asked.validation(Dataset(folder))
    out = tmp_path / "predictions"
    predict_asked(
        context.workspace.checkpoints / "unified", asked, out, context.recipe, context.progress, threading.Event()
    )
    found = evaluate_predictions(out, context.workspace.evaluation / "judge", folder, context.recipe)
    assert (found.flat(), found.groups, found.pool.members) == ({}, (), ())
    assert "The pool has no member" in render(found, [], {})


def test_one_item_can_have_only_one_prediction_of_a_key(context, tmp_path):
    header, rows = stored.read_predictions(context.workspace.evaluation / "predictions")
    with pytest.raises(ValueError, match="two predictions have the key"):
        stored.write_predictions(tmp_path, [*rows, rows[0]], header)


def test_a_stage_that_was_asked_to_stop_stops(context, tmp_path):
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted):
        predict_asked(
            context.workspace.checkpoints / "unified",
            Asked.validation(Dataset(context.workspace.dataset)),
            tmp_path,
            context.recipe,
            context.progress,
            stop,
        )
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_compared_with_itself_differs_nowhere(context):
    scores = context.workspace.evaluation / "scores"
    found = decision_table(scores, scores, cluster="image", demonstrative=True)
    assert {"answers", "drawing", "captions", "control/image"} <= {row.name for row in found.rows}
    assert all(row.difference == 0 for row in found.rows)


def test_scores_keep_what_a_comparison_needs(context):
    protocol, scores = read_scores(context.workspace.evaluation / "scores")
    assert protocol["benchmark_id"] and protocol["decoding"]["vqa"].startswith("greedy")
    assert all(score.patient_key and score.record_id for score in scores)
