"""What will run, and roughly how long."""

from types import SimpleNamespace

import pytest

from components.recipes.shipped import read_shipped
from components.storage.workspace import Workspace
from flows.plan import OVERHEAD_SECONDS, Plan, check_disk, expected_seconds, stands, with_descendants

ORDER = ["code", "validate@a", "validate@b", "admit", "assemble", "judge", "start"]
PARENTS = {
    "validate@a": {"code"},
    "validate@b": {"code"},
    "admit": {"validate@a", "validate@b", "code"},
    "assemble": {"admit", "code"},
    "judge": {"assemble", "code"},
    "start": {"assemble", "code"},
}


def test_what_reads_from_a_changed_stage_runs_too_and_nothing_else():
    assert with_descendants(ORDER, ["assemble"], PARENTS) == ["assemble", "judge", "start"]
    assert with_descendants(ORDER, ["validate@b"], PARENTS) == ["validate@b", "admit", "assemble", "judge", "start"]
    assert with_descendants(ORDER, ["start"], PARENTS) == ["start"]
    assert with_descendants(ORDER, [], PARENTS) == []


def test_the_expectation_is_what_the_stage_took_here_before():
    recipe = read_shipped("tiny")
    assert expected_seconds(["judge", "start"], recipe, {"judge": 7.0, "start": 5.0}) == OVERHEAD_SECONDS + 12.0


def test_a_longer_curriculum_stage_is_expected_to_take_longer():
    recipe = read_shipped("tiny-scratch")
    assert recipe.curriculum["foundation"].steps > recipe.curriculum["unified"].steps
    assert expected_seconds(["train@foundation"], recipe, {}) > expected_seconds(["train@unified"], recipe, {})


@pytest.mark.parametrize(
    ("action", "asked_then", "asked_now", "answered"),
    [
        ("promote", "gate", "never", True),
        ("refuse", "gate", "approve", True),
        ("hold", "approve", "approve", True),
        ("hold", "never", "gate", False),
    ],
)
def test_a_decision_stands_unless_something_else_is_asked_now(action, asked_then, asked_now, answered):
    decision = SimpleNamespace(action=action, promoted=action == "promote", evidence={"asked": asked_then})
    assert stands(decision, asked_now) is answered
    assert not stands(None, asked_now)


def test_a_disk_without_room_is_refused_before_anything_runs(tmp_path):
    numbers = {"stages": (), "reasons": {}, "affected": ("judge",), "judged": False, "seconds": 1.0}
    with pytest.raises(ValueError, match=r"MB free, the run needs about .* MB there; free some space"):
        check_disk(Workspace(tmp_path), Plan(**numbers, disk_bytes=10**18))
    check_disk(Workspace(tmp_path), Plan(**numbers, disk_bytes=1))
