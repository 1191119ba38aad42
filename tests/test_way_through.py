"""The whole way on a micro workspace: look at the pages, run again, change a number, add a file, break a source, kill.

One workspace, under git, goes through the tests in order, as a user's would; each test says what it leaves behind.
"""

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from components.storage.workspace import Workspace
from components.storage.yaml_files import dump_yaml, load_yaml
from tests.faults.killing import random_moments, retrain_with_kills, weights_sha256
from tests.fixtures.micro import clean_environment, make_workspace, run_unimed, set_key

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

DATA_STAGES = {"validate@fundus", "validate@pyradiomics", "admit", "assemble"}
LATER_STAGES = {"judge", "start", "train@foundation", "train@instruction", "train@unified", "predict", "evaluate"}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("way") / "w"
    folder.mkdir()
    git(folder, "init", "--quiet")
    made = make_workspace(folder)
    print(run_unimed("retrain", cwd=made.root))
    commit(made)
    return made


@pytest.fixture(scope="module")
def first_weights(workspace: Workspace) -> str:
    return weights_sha256(workspace)


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=curator", "-c", "user.email=curator@example.org")
    return subprocess.run(["git", *who, *arguments], cwd=folder, check=True, text=True, capture_output=True).stdout


def commit(workspace: Workspace) -> None:
    git(workspace.root, "add", "--all")
    git(workspace.root, "commit", "--quiet", "--allow-empty", "--message", "a retrain")


def dvc(workspace: Workspace, *arguments: str) -> str:
    """What a user's own `dvc ARGUMENTS` prints; fails when it does."""
    path = f"{Path(sys.executable).parent}:{clean_environment()['PATH']}"
    command = [sys.executable, "-m", "dvc", *arguments]
    environment = clean_environment(PATH=path)
    return subprocess.run(
        command, cwd=workspace.root, check=True, env=environment, text=True, stdout=subprocess.PIPE, timeout=600
    ).stdout


def stages_run(workspace: Workspace, before: dict[str, float]) -> set[str]:
    """The stages of the graph whose process started since `before`, but for `code`, which looks each time whether the code is
    the same; the gate's look at the exam is none of them."""
    started = {name for name, at in progress_times(workspace).items() if before.get(name) != at} - {"code"}
    return {name for name in started if not name.startswith("predict-exam@")}


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


def test_a_patient_is_traced_to_the_versions_that_were_trained_on_him(workspace, first_weights):
    rows = [row for path in workspace.dataset.glob("decisions-*.parquet") for row in pq.read_table(path).to_pylist()]
    trained = next(row["patient_key"] for row in rows if row["bin"] == "kept")
    held_out = next(row["patient_key"] for row in rows if row["bin"] == "heldout")
    kept = sum(row["bin"] == "kept" and row["patient_key"] == trained for row in rows)
    for patient, said in (
        (trained, f"trained on {kept} of this patient's records"),
        (held_out, "not trained on this patient"),
    ):
        asked = ("data", "remove", "--patient", patient, "--why", "withdrew", "--dry-run", "--json")
        (version,) = json.loads(run_unimed(*asked, cwd=workspace.root))["versions"]
        assert version["number"] == 1 and version["trained_on"].startswith(said)


def test_the_pages_of_up_show_the_run_in_a_browser(workspace, first_weights):
    from playwright.sync_api import expect, sync_playwright

    chromium = shutil.which("chromium")
    assert chromium, "Chromium is missing; `apt-get install chromium`, as .ci/run does"
    services = {s["name"]: s["url"] for s in json.loads(run_unimed("up", "--detach", "--json", cwd=workspace.root))}
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            expect.set_options(timeout=60_000)
            page.goto(f"{services['prefect']}/runs")
            expect(page.get_by_text("retrain").first).to_be_visible()
            page.goto(f"{services['mlflow']}/#/models/unimed")
            expect(page.get_by_role("link", name="Version 1").first).to_be_visible()
            browser.close()
    finally:
        run_unimed("down", cwd=workspace.root)


def test_dvc_repro_alone_gives_the_same_bytes(workspace, first_weights):
    shutil.rmtree(workspace.checkpoints / "unified")
    dvc(workspace, "repro", "--force", "--single-item", "train@unified")
    assert weights_sha256(workspace) == first_weights


def test_a_changed_training_number_leaves_the_data_stages_alone(workspace, first_weights):
    before = progress_times(workspace)
    edit_params(workspace, "curriculum.unified.steps", 9)
    run_unimed("retrain", cwd=workspace.root)
    assert stages_run(workspace, before) == {"train@unified", "predict", "evaluate"}
    assert weights_sha256(workspace) != first_weights


def test_git_holds_what_people_decide_and_measure_and_dvc_shows_what_the_change_did(workspace):
    held = set(git(workspace.root, "ls-files").split())
    assert {"params.yaml", "dvc.yaml", "dvc.lock", "code.json", "evaluation/metrics.json"} <= held
    assert {f"data/decisions/{name}.jsonl" for name in ("fundus", "pyradiomics")} <= held
    assert not [path for path in held if path.startswith(("checkpoints/", "data/raw", "data/unimed", ".unimed"))]
    (metrics,) = json.loads(dvc(workspace, "metrics", "diff", "--all", "--json")).values()
    now = json.loads((workspace.evaluation / "metrics.json").read_text())
    assert {name: entry["new"] for name, entry in metrics.items()} == now
    assert all(entry["old"] is not None for entry in metrics.values())
    plots = json.loads(dvc(workspace, "plots", "diff", "--json"))
    assert not plots.get("errors")
    points = [point for plot in plots["data"]["losses"] for point in plot["content"]["data"]["values"]]
    last = {point["rev"]: point["step"] for point in points if point["filename::field"] == "unified.json::text_loss"}
    assert last == {"HEAD": 8, "workspace": 9}


def test_added_files_run_their_source_and_what_follows_and_broken_ones_are_named_with_their_reasons(workspace):
    source = workspace.raw / "fundus"
    eye = next(path for path in sorted(source.rglob("*.jp*g")))
    for name in ("another_eye.jpg", "purple.jpg"):
        shutil.copy(eye, source / name)
    (source / "empty.jpg").write_bytes(b"")
    (source / "corrupt.jpg").write_bytes(eye.read_bytes()[:900])
    (source / "labels.csv").write_text("file,fact,value\npurple.jpg,retinopathy,purple\n")
    before = progress_times(workspace)
    run_unimed("retrain", cwd=workspace.root)
    ran = stages_run(workspace, before)
    assert {"validate@fundus", "admit", "assemble"} <= ran and "validate@pyradiomics" not in ran
    reasons = stats(workspace)["sources"]["fundus"]["reasons"]
    assert any("empty" in reason for reason in reasons), reasons
    assert any("mislabelled" in reason for reason in reasons), reasons
    assert sum(count for reason, count in reasons.items() if "quarantined" in reason) >= 3, reasons
    report = (workspace.dataset / "report.html").read_text()
    checked = run_unimed("data", "check", "fundus", "--json", cwd=workspace.root)
    for name in ("empty.jpg", "corrupt.jpg", "purple.jpg"):
        assert name in checked and name in report
    assert "another_eye.jpg" not in checked


def test_a_source_that_is_mostly_broken_stops_at_admit_and_nothing_after_it_is_touched(workspace):
    dataset, weights = manifest_id(workspace), weights_sha256(workspace)
    champion = json.loads(run_unimed("status", "--json", cwd=workspace.root))["champion"]
    source = workspace.raw / "fundus"
    for number in range(200):
        (source / f"broken-{number}.jpg").write_bytes(b"not an image")
    said = run_unimed("retrain", cwd=workspace.root, expect=1)
    assert "fundus" in said and "admit" in said and "sources.fundus.stop_above" in said
    assert (manifest_id(workspace), weights_sha256(workspace)) == (dataset, weights)
    assert json.loads(run_unimed("status", "--json", cwd=workspace.root))["champion"] == champion
    for path in source.glob("broken-*.jpg"):
        path.unlink()


def test_killed_three_times_a_fresh_workspace_ends_with_the_same_dataset_and_weights(
    workspace, first_weights, tmp_path
):
    killed = make_workspace(tmp_path / "killed")
    hits = retrain_with_kills(killed, random_moments(workspace, 3, random.Random(2)))
    assert hits > 0 and weights_sha256(killed) == first_weights
