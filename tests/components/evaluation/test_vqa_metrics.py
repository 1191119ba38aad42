"""Accuracy, controls and the pool on hand-made answers: what is claimed and what is said to be undecided."""

from dataclasses import replace

import pytest

from components.evaluation.metrics import Meter
from components.evaluation.predictions import GREY, PLAIN, SHUFFLED, PredictionHeader, prediction_row
from components.evaluation.vqa_metrics import vqa_groups, vqa_overall, vqa_pool
from components.evaluation.vqa_scoring import F1_SCORER, score_vqa
from components.recipes.evaluation import EvaluationSettings, PooledQuestion
from components.records.vocabulary import Split
from tests.components.evaluation.material import item, recipe

METER = Meter(
    PredictionHeader(
        dataset_id="d",
        benchmark_id="b",
        benchmarks={"vqa/test": "t" * 32, "vqa/within-subject": "w" * 32},
        decoding={"vqa": "greedy"},
        weights_sha256="w",
        checkpoint="unified",
    ),
    200,
)


def settings(*pool: tuple[str, str, str], min_items: int = 4) -> EvaluationSettings:
    entries = tuple(PooledQuestion(question_type=t, form=f, split=s) for s, t, f in pool)
    return replace(recipe().evaluation, pool=entries, min_items=min_items)


def answered(one, said: str, variant: str = PLAIN, **more):
    row = prediction_row(one, variant=variant, seed=0, image=b"x", response_raw=said, **more)
    return list(score_vqa(row))


def perfect(count: int = 8, **changes):
    """Right with the own image, the other answer with another one."""
    scores = []
    for number in range(count):
        one = item(number, reference=("CT", "MRI")[number % 2], **changes)
        other = ("MRI", "CT")[number % 2]
        scores += answered(one, one.reference) + answered(one, "CT", GREY) + answered(one, other, SHUFFLED)
    return scores


WANTED = ("test", "modality", "choice")


def test_a_model_that_reads_the_image_is_above_the_majority_with_a_gain():
    (group,) = vqa_groups(perfect(), settings(WANTED), METER)
    assert (group.accuracy.value, group.majority, group.accuracy.n) == (1.0, 0.5, 8)
    assert group.image_gain is not None and group.image_gain.value == 1.0 and group.image_gain.low > 0
    assert group.accuracy.control == {"majority": 0.5, "grey": 0.5, "shuffled": 0.0}
    assert group.verdict == "above the majority, reads the image" and group.why_not_gated == ""


def test_a_model_that_always_says_the_same_gains_nothing():
    scores = []
    for number in range(8):
        one = item(number, reference=("CT", "MRI")[number % 2])
        scores += answered(one, "CT") + answered(one, "CT", SHUFFLED)
    (group,) = vqa_groups(scores, settings(WANTED), METER)
    assert group.image_gain is not None and group.image_gain.value == 0
    assert group.verdict == "not shown above the majority, not shown to read the image"


def test_the_pool_is_accuracy_less_the_mean_of_its_groups_majorities():
    wanted = [WANTED, ("within-subject", "plane", "choice")]
    planes = perfect(6, split=Split.WITHIN_SUBJECT, question_type="plane", patient_key="one", prompt="Plane?")
    planes = [replace(score, item_id=f"plane-{score.item_id}") for score in planes]
    scores = perfect() + planes
    chosen = settings(*wanted)
    pool = vqa_pool(vqa_groups(scores, chosen, METER), scores, chosen, METER)
    values = {metric.key: metric.value for metric in pool.metrics}
    assert values["vqa/pool/accuracy"] - values["vqa/pool/majority"] == pytest.approx(values["vqa/pool/margin"])
    assert pool.metrics[0].n == 14 and all(metric.gated for metric in pool.metrics)
    # 8 patients on test, 6 images within the one subject.
    assert pool.metrics[0].clusters == 14


def test_a_type_outside_the_pool_is_not_gated_and_says_why():
    (group,) = vqa_groups(perfect(), settings(), METER)
    assert not group.accuracy.gated and group.accuracy.why_not_gated == "not in the recipe's pool"


@pytest.mark.parametrize(
    ("scores", "why"),
    [
        (perfect(2), "2 items, fewer than 4"),
        (perfect(8, patient_key="one"), "one subject"),
        ([s for n in range(5) for s in answered(item(n), "CT")], "one answer among the items"),
        ([s for n in range(5) for s in answered(item(n), "CT")], "not testable"),
    ],
    ids=["few", "one subject", "one answer", "not testable"],
)
def test_what_the_test_set_cannot_decide_says_so(scores, why):
    (group,) = vqa_groups(scores, settings(), METER)
    assert why in group.verdict and group.verdict.startswith("cannot be decided")
    assert why in group.accuracy.why_not_gated


def test_a_group_of_the_pool_with_too_few_items_is_left_out_and_named():
    chosen = settings(WANTED)
    scores = perfect(2)
    pool = vqa_pool(vqa_groups(scores, chosen, METER), scores, chosen, METER)
    assert pool.metrics == () and "fewer than 4" in pool.missing["test/modality/choice"]


def test_unparsed_answers_count_as_wrong_and_are_counted():
    scores = perfect(4) + answered(item(9, reference="CT"), "no idea")
    rates = {metric.key: metric.value for metric in vqa_overall(scores, METER)}
    assert rates["vqa/choice/accuracy"] == pytest.approx(4 / 5) and rates["vqa/unparsed_rate"] == pytest.approx(1 / 5)


def test_the_likeliest_option_is_a_second_reading_of_a_choice():
    one = item(1, reference="MRI")
    scores = answered(one, "CT", choice_logprobs=[-4.0, -1.0])
    assert [(s.scorer_id, s.parsed, s.correct) for s in scores] == [
        ("unimed.vqa@1", "CT", 0),
        ("unimed.choice-ll@1", "MRI", 1),
    ]


def test_open_answers_carry_their_token_overlap():
    one = item(1, answer_type="open", options=(), reference="left lung")
    assert {s.scorer_id: s.number for s in answered(one, "left")}[F1_SCORER] == pytest.approx(2 / 3)
