"""What will run, and roughly how long."""

from types import SimpleNamespace

import pytest

from components.recipes.shipped import read_shipped
from components.storage.workspace import Workspace
from components.training.forecast.found import Forecast, Machine, Memory, Time
from components.training.forecast.tokens import Tokens
from flows.plan import (
    DISK_BYTES,
    OVERHEAD_SECONDS,
    Plan,
    check_disk,
    check_fit,
    expected_bytes,
    expected_seconds,
    stands,
    training_bytes,
    with_descendants,
)

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


def training(stage: str, *, seconds: float = 0.0, fits: bool = True, would_fit: tuple[str, ...] = ()) -> Forecast:
    """A stage that needs nine gigabytes, of a machine of eight."""
    parts = ("gradients", "moments", "average", "gathered", "activations", "autoencoder", "process", "state_copy")
    return Forecast(
        stage=stage,
        trained=100,
        frozen=10,
        ranks=1,
        memory=Memory(weights=9 * 10**9, **dict.fromkeys(parts, 0)),
        forward=Tokens(60, 10, 20, 20, 20),
        is_counted=False,
        machine=Machine(kind="cpu", ram_bytes=8 * 10**9),
        fits=fits,
        would_fit=would_fit,
        state_bytes=1600,
        states_bytes=4800 if stage == "foundation" else 3200,
        output_bytes=880,
        steps=5,
        tokens=500,
        epochs=None,
        time=Time(seconds=seconds, is_measured=False),
    )


def test_the_expectation_is_what_the_stage_took_here_before():
    recipe = read_shipped("tiny")
    assert expected_seconds(["judge", "start"], recipe, {"judge": 7.0, "start": 5.0}, []) == OVERHEAD_SECONDS + 12.0


def test_a_training_is_expected_to_take_what_is_forecast_whatever_it_took_with_other_steps():
    recipe, forecasts = read_shipped("tiny-scratch"), [training("foundation", seconds=70.0)]
    assert expected_seconds(["train@foundation"], recipe, {"train@foundation": 9.0}, forecasts) == OVERHEAD_SECONDS + 70


def test_the_disk_takes_all_checkpoints_and_the_states_of_one_stage(tmp_path):
    forecasts = [training("foundation"), training("unified")]
    assert training_bytes(forecasts) == (4800, 2 * 880)
    stages = ["train@foundation", "train@unified"]
    assert expected_bytes(Workspace(tmp_path), stages, forecasts) == DISK_BYTES + 4800 + 2 * 880
    assert expected_bytes(Workspace(tmp_path), [], []) == 0


def test_a_stage_that_cannot_fit_is_refused_with_what_makes_it_fit():
    numbers = {
        "stages": (),
        "reasons": {},
        "affected": ("train@unified",),
        "judged": False,
        "seconds": 1.0,
        "disk_bytes": 1,
    }
    check_fit(Plan(**numbers, trainings=(training("unified"),)))
    refused = training("unified", fits=False, would_fit=("compute.workers: 4",))
    with pytest.raises(
        ValueError,
        match=r"train@unified does not fit: 1 rank of 9\.0 GB .* there is 8\.0 GB of RAM; it would with compute\.workers: 4",
    ):
        check_fit(Plan(**numbers, trainings=(refused,)))


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


def test_a_disk_without_room_for_training_is_told_what_of_it_are_states(tmp_path):
    numbers = {"stages": (), "reasons": {}, "affected": ("train@unified",), "judged": False, "seconds": 1.0}
    with pytest.raises(ValueError, match=r"training states 0\.0 MB, checkpoints 0\.0 MB\) needs about"):
        check_disk(Workspace(tmp_path), Plan(**numbers, disk_bytes=10**18, trainings=(training("unified"),)))
