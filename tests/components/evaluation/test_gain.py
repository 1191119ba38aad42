"""What a run added to its start: both asked the same items, and an interval that holds 0 is said."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from components.evaluation.answers import SCORER
from components.evaluation.copied import nearest_to_drawings
from components.evaluation.decision_table import decision_table
from components.evaluation.gain import NOTHING, Gain
from components.evaluation.images import encode
from components.evaluation.predict import decoding, is_asked_alike
from components.evaluation.predictions import PLAIN
from components.evaluation.scores import Score, is_decoded_alike, write_scores
from components.recipes.shipped import read_shipped

TINY = read_shipped("tiny")
PATIENTS, EACH = 12, 10


def write_answers(folder: Path, right: int, benchmark: str = "b") -> Path:
    """Scores of answers to the same questions about twelve patients, the first `right` of ten correct."""
    folder.mkdir()
    about = {"seed": 0, "benchmark": "vqa", "split": "val", "question_type": "modality", "answer_type": "open"}
    about |= {"variant": PLAIN, "scorer_id": SCORER, "modality": "CT", "anatomy": "", "reference": "CT"}
    scores = [
        Score(
            item_id=f"{patient}-{number}",
            patient_key=f"p{patient}",
            record_id=f"s/{patient}",
            correct=int(number < right),
            **about,
        )
        for patient in range(PATIENTS)
        for number in range(EACH)
    ]
    write_scores(folder, scores, {"benchmark_id": benchmark, "decoding": decoding(TINY), "weights_sha256": folder.name})
    return folder


def gain_of(final: Path, start: Path) -> Gain:
    table = decision_table(final, start, cluster="patient", demonstrative=True)
    rows = tuple(row for row in table.rows if row.kind == "capability" and not row.subgroup)
    return Gain(start="small-1", rows=rows)


def test_a_gain_stands_with_both_scores_and_its_interval(tmp_path):
    gain = gain_of(write_answers(tmp_path / "final", 9), write_answers(tmp_path / "start", 4))
    row = next(row for row in json.loads(json.dumps(gain.to_json()))["rows"] if row["name"] == "answers")
    assert (row["start"], row["final"], row["patients"], row["items"]) == (0.4, 0.9, PATIENTS, PATIENTS * EACH)
    assert row["difference"] == pytest.approx(0.5) and 0 < row["low"] < 0.5 < row["high"]
    assert gain.said.startswith("Beside its start small-1, shown by an interval without 0: better: answers")


def test_a_run_whose_intervals_all_hold_0_added_nothing_that_can_be_measured(tmp_path):
    start = write_answers(tmp_path / "start", 4)
    assert gain_of(write_answers(tmp_path / "same", 4), start).said == f"{NOTHING}."
    assert gain_of(write_answers(tmp_path / "less", 1), start).said.startswith(f"{NOTHING}; worse: answers")


def test_a_starts_own_scores_count_where_the_same_was_asked_in_the_same_way(tmp_path):
    from types import SimpleNamespace

    start, asked = write_answers(tmp_path / "start", 4, benchmark="b"), SimpleNamespace(benchmark_id="b")
    assert is_asked_alike(start, asked, TINY)  # type: ignore[arg-type]
    assert not is_asked_alike(start, SimpleNamespace(benchmark_id="c"), TINY)  # type: ignore[arg-type]
    more = replace(TINY, evaluation=replace(TINY.evaluation, answer_tokens=99))
    assert not is_asked_alike(start, asked, more)  # type: ignore[arg-type]
    assert not is_asked_alike(tmp_path, asked, TINY)  # type: ignore[arg-type]


def test_a_kind_of_item_that_an_older_start_never_heard_of_keeps_its_scores():
    assert is_decoded_alike({"vqa": "greedy"}, {"vqa": "greedy", "text": "greedy"})
    assert not is_decoded_alike({"vqa": "greedy"}, {"vqa": "sampled", "text": "greedy"})
    assert not is_decoded_alike({}, {"vqa": "greedy"})


def picture(seed: int, noise: int = 0) -> bytes:
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 200, (8, 8, 1)).repeat(6, 0).repeat(6, 1).repeat(3, 2)
    return encode((pixels + np.random.default_rng(99).integers(0, noise + 1, pixels.shape)).astype(np.uint8))


WHITE = encode(np.full((48, 48, 3), 255, np.uint8))


@pytest.mark.parametrize(
    ("drawings", "is_remembered"), [([picture(n, noise=4) for n in range(6)], True), ([WHITE] * 6, False)]
)
def test_beside_each_drawing_lies_the_nearest_training_image_and_remembered_ones_are_counted(drawings, is_remembered):
    from types import SimpleNamespace

    trained = [SimpleNamespace(image=picture(seed)) for seed in range(6)]

    class Images(list):
        read = list.__getitem__

    items = {str(n): SimpleNamespace(reference_image=picture(50 + n)) for n in range(6)}
    rows = [
        {"item_id": str(n), "benchmark": "t2i", "variant": PLAIN, "response_image": image}
        for n, image in enumerate(drawings)
    ]
    found = nearest_to_drawings(rows, items, Images(trained))  # type: ignore[arg-type]
    assert found and found.is_remembered is is_remembered
    if is_remembered:
        assert [found.images[str(n)] for n in range(6)] == [image.image for image in trained] and found.near == 1
        assert max(found.distances.values()) < 4 < found.limit
