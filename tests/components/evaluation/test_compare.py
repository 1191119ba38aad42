"""Two checkpoints on one benchmark, paired: better, worse, and not comparable."""

import pytest

from components.evaluation.compare import compare, difference
from components.evaluation.scores import Score, write_scores
from tests.components.evaluation.test_vqa_metrics import perfect, settings

PROTOCOL = {"benchmark_id": "b", "decoding": {"vqa": "greedy"}, "weights_sha256": "w"}
WANTED = ("test", "modality", "choice")


def wrong(scores: list[Score], count: int) -> list[Score]:
    """The first `count` plain answers made wrong."""
    from dataclasses import replace

    return [
        replace(score, correct=0) if score.variant == "plain" and int(score.item_id[-1]) < count else score
        for score in scores
    ]


def test_the_challenger_that_is_right_more_often_wins_on_the_pool(tmp_path):
    write_scores(tmp_path / "a", wrong(perfect(), 6), PROTOCOL)
    write_scores(tmp_path / "b", perfect(), PROTOCOL)
    found = compare(tmp_path / "a", tmp_path / "b", settings(WANTED), cluster="image")
    assert found.pool is not None
    assert (found.pool.first, found.pool.second, found.pool.estimate) == (0.25, 1.0, 0.75)
    assert found.pool.low > 0 and found.pool.p_value < 0.1 and found.pool.discordant == 0.75
    back = compare(tmp_path / "b", tmp_path / "a", settings(WANTED), cluster="image").pool
    assert back is not None and back.estimate == -0.75


def test_a_pool_without_items_is_none(tmp_path):
    write_scores(tmp_path / "a", perfect(2), PROTOCOL)
    assert compare(tmp_path / "a", tmp_path / "a", settings(WANTED)).pool is None


def test_another_benchmark_or_decoding_is_refused(tmp_path):
    write_scores(tmp_path / "a", perfect(), PROTOCOL)
    write_scores(tmp_path / "b", perfect(), {**PROTOCOL, "decoding": {"vqa": "sampled"}})
    with pytest.raises(ValueError, match="not comparable: their decoding differ"):
        compare(tmp_path / "a", tmp_path / "b", settings(WANTED))


def test_an_item_on_one_side_only_is_an_error_that_names_it():
    first = [score for score in perfect() if score.variant == "plain" and score.scorer_id == "unimed.vqa@1"]
    with pytest.raises(ValueError, match=r"1 items are on one side only, the first is vqa/007"):
        difference("x", first, first[:-1], resamples=10, cluster="image")
