"""The rule itself, on plain numbers."""

from dataclasses import replace

import pytest

from components.recipes.gate import GateSettings
from components.registry.gate import PairedDifference, judge_against, judge_alone

GOOD = {"vqa/pool/accuracy": 0.8, "vqa/pool/majority": 0.5, "vqa/pool/image_gain": 0.2, "vqa/pool/image_gain_low": 0.05}
REFRESH = GateSettings(kind="refresh", margin=0.1, cluster="image", demonstrative=True)


def paired(difference: float, low: float, high: float) -> PairedDifference:
    return PairedDifference(difference=difference, low=low, high=high, n=200, detectable=0.08)


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, "pass"),
        ({"vqa/pool/accuracy": 0.5}, "fail"),
        ({"vqa/pool/image_gain_low": 0.0}, "fail"),
        ({"vqa/pool/image_gain_low": None}, "inconclusive"),
    ],
)
def test_alone_a_version_must_beat_the_majority_and_need_its_images(changes, outcome):
    assert judge_alone(GOOD | changes).outcome == outcome


def test_an_empty_pool_is_inconclusive_and_names_what_lacks():
    verdict = judge_alone({})
    assert verdict.outcome == "inconclusive"
    assert "vqa/pool/accuracy" in verdict.reasons[0]


@pytest.mark.parametrize(
    ("kind", "difference", "outcome"),
    [
        ("refresh", paired(-0.02, -0.09, 0.05), "pass"),
        ("refresh", paired(-0.02, -0.10, 0.05), "inconclusive"),
        ("refresh", paired(-0.2, -0.3, -0.11), "fail"),
        ("improve", paired(0.1, 0.01, 0.2), "pass"),
        ("improve", paired(0.02, -0.05, 0.1), "fail"),
        ("improve", paired(-0.1, -0.2, -0.01), "fail"),
        ("improve", paired(0.02, -0.2, 0.2), "inconclusive"),
    ],
)
def test_against_the_champion_the_interval_decides(kind, difference, outcome):
    verdict = judge_against(judge_alone(GOOD), difference, 3, replace(REFRESH, kind=kind))
    assert verdict.outcome == outcome
    assert "against champion 3 on 200 paired items" in verdict.reasons[-1]


def test_an_inconclusive_verdict_says_what_these_items_could_show():
    verdict = judge_against(judge_alone(GOOD), paired(0.0, -0.2, 0.2), 3, REFRESH)
    assert "0.080 at best" in verdict.reasons[-1]
