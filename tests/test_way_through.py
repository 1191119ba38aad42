"""The whole way on a micro workspace: run again, change a number, add a file, break a source, repro, kill.

One workspace goes through the tests in order, as a user's would; each test says what it leaves behind.
"""

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from components.recipes.reading import dump_yaml, load_yaml
from components.storage.workspace import Workspace
from tests.faults.killing import retrain_with_kills, weights_sha256
from tests.fixtures.micro import clean_environment, make_workspace, run_unimed, set_key

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

DATA_STAGES = {"validate@fundus", "validate@pyradiomics", "admit", "assemble"}
LATER_STAGES = {"judge", "start", "train@foundation", "train@instruction", "train@unified", "predict", "evaluate"}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = make_workspace(tmp_path_factory.mktemp("way") / "w")
    print(run_unimed("retrain", cwd=made.root))
    return made


@pytest.fixture(scope="module")
def first_weights(workspace: Workspace) -> str:
    return weights_sha256(workspace)


def stages_run(workspace: Workspace, before: dict[str, float]) -> set[str]:
    """The stages whose process started since `before`."""
    return {name for name, at in progress_times(workspace).items() if before.get(name) != at}


def progress_times(workspace: Workspace) -> dict[str, float]:
    times = {}
    for path in workspace.progress.glob("*.jsonl"):
        first = json.loads(path.read_text().splitlines()[0])
        times[first["stage"]] = first["at"]
    return times


def edit_params(workspace: Workspace, key: str, value: object) -> None:
    params = load_yaml(workspace.params)
    set_key(params, key, value)
    workspace.params.write_text(dump_yaml(params))


def stats(workspace: Workspace) -> dict:
    return json.loads(run_unimed("data", "stats", "--json", cwd=workspace.root))


def manifest_id(workspace: Workspace) -> str:
    return json.loads((workspace.dataset / "manifest.json").read_text())["dataset_id"]


def test_the_first_run_registers_a_version_and_accounts_for_every_record(workspace, first_weights):
    models = json.loads(run_unimed("models", "--json", cwd=workspace.root))
    assert models[0]["weights_sha256"] and models[0]["dataset_id"] == manifest_id(workspace)
    bins = ("kept", "filtered", "quarantined", "duplicate", "contaminating", "heldout")
    for source in stats(workspace)["sources"].values():
        assert source["raw"] == sum(source[name] for name in bins) > 0
    status = json.loads(run_unimed("status", "--json", cwd=workspace.root))
    assert {stage["name"]: stage["state"] for stage in status["stages"]} == dict.fromkeys(
        [stage["name"] for stage in status["stages"]], "fresh"
    )


def test_a_second_run_trains_nothing_and_says_why(workspace, first_weights):
    before = progress_times(workspace)
    said = run_unimed("retrain", cwd=workspace.root)
    assert "nothing" in said.lower()
    assert stages_run(workspace, before) == set() and weights_sha256(workspace) == first_weights


def test_dvc_repro_alone_gives_the_same_bytes(workspace, first_weights):
    shutil.rmtree(workspace.checkpoints / "unified")
    dvc = [sys.executable, "-m", "dvc", "repro", "--force", "--single-item", "train@unified"]
    path = f"{Path(sys.executable).parent}:{clean_environment()['PATH']}"
    subprocess.run(dvc, cwd=workspace.root, check=True, env=clean_environment(PATH=path), timeout=600)
    assert weights_sha256(workspace) == first_weights


def test_a_changed_training_number_leaves_the_data_stages_alone(workspace, first_weights):
    before = progress_times(workspace)
    edit_params(workspace, "curriculum.unified.steps", 9)
    run_unimed("retrain", cwd=workspace.root)
    assert stages_run(workspace, before) == {"train@unified", "predict", "evaluate"}
    assert weights_sha256(workspace) != first_weights


def test_an_added_file_runs_its_source_assembly_and_what_follows(workspace):
    source = workspace.raw / "fundus"
    added = next(path for path in sorted(source.rglob("*.jp*g")))
    shutil.copy(added, source / "another_eye.jpg")
    before = progress_times(workspace)
    run_unimed("retrain", cwd=workspace.root)
    ran = stages_run(workspace, before)
    assert {"validate@fundus", "admit", "assemble"} <= ran and "validate@pyradiomics" not in ran


def test_corrupt_empty_and_mislabelled_records_are_named_with_their_reasons(workspace):
    source = workspace.raw / "fundus"
    (source / "empty.jpg").write_bytes(b"")
    (source / "corrupt.jpg").write_bytes((source / "another_eye.jpg").read_bytes()[:900])
    (source / "labels.csv").write_text("file,fact,value\nanother_eye.jpg,retinopathy,purple\n")
    run_unimed("retrain", cwd=workspace.root)
    reasons = stats(workspace)["sources"]["fundus"]["reasons"]
    assert any("empty" in reason for reason in reasons), reasons
    assert any("mislabelled" in reason for reason in reasons), reasons
    assert sum(count for reason, count in reasons.items() if "quarantined" in reason) >= 3, reasons
    report = (workspace.dataset / "report.html").read_text()
    checked = run_unimed("data", "check", "fundus", "--json", cwd=workspace.root)
    for name in ("empty.jpg", "corrupt.jpg", "another_eye.jpg"):
        assert name in checked and name in report


def test_a_source_that_is_mostly_broken_stops_at_admit_and_nothing_after_it_is_touched(workspace):
    dataset, weights = manifest_id(workspace), weights_sha256(workspace)
    champion = json.loads(run_unimed("status", "--json", cwd=workspace.root))["champion"]
    source = workspace.raw / "fundus"
    for number in range(200):
        (source / f"broken-{number}.jpg").write_bytes(b"not an image")
    said = run_unimed("retrain", cwd=workspace.root, expect=1)
    assert "fundus" in said and "admit" in said and "validation.stop_above" in said
    assert (manifest_id(workspace), weights_sha256(workspace)) == (dataset, weights)
    assert json.loads(run_unimed("status", "--json", cwd=workspace.root))["champion"] == champion
    for path in source.glob("broken-*.jpg"):
        path.unlink()


def test_killed_three_times_a_fresh_workspace_ends_with_the_same_dataset_and_weights(first_weights, tmp_path):
    killed = make_workspace(tmp_path / "killed")
    hits = retrain_with_kills(killed, 3, 60, random.Random(2))
    assert hits > 0 and weights_sha256(killed) == first_weights
