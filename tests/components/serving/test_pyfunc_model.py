"""The registered model, loaded as a stranger would: another process, another folder, only MLflow's address."""

import base64
import io
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import url2pathname, urlopen

import numpy as np
import pandas
import pytest
from mlflow import MlflowClient
from PIL import Image

from components.recipes.shipped import shipped_recipe
from components.registry import weights_reference
from components.registry.model_files import code_folders, log_model
from components.registry.runs import keyed_run
from components.registry.tracking import connect
from components.storage.workspace import Workspace
from flows.loopback import answers, free_port, loopback_url
from flows.server import end_process, start_child
from flows.services import mlflow_command
from tests.components.evaluation.material import make_checkpoint

ROOT = Path(__file__).parents[3]

STRANGER = """
import base64, io, json, sys, pandas, mlflow
model = mlflow.pyfunc.load_model("models:/unimed@champion")
rows = pandas.DataFrame(json.loads(sys.argv[1]))
found = model.predict(rows, params={"seed": 3})
import components
print(json.dumps({"results": found.to_dict("records"), "code": components.__file__ or list(components.__path__)[0]}))
"""


def png(side: int = 40) -> str:
    pixels = np.random.default_rng(1).integers(0, 256, (side, side, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.fixture(scope="module")
def registered(tmp_path_factory) -> Workspace:
    """A workspace whose MLflow has one version of a small real checkpoint, champion; the checkpoint is in a cache only."""
    import hashlib

    root = tmp_path_factory.mktemp("served") / "wörk space"
    checkpoint = make_checkpoint(root / "checkpoints" / "unified")
    entries = {}
    for path in checkpoint.iterdir():
        md5 = entries[path.name] = hashlib.md5(path.read_bytes()).hexdigest()
        (root / "cache" / md5[:2]).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, root / "cache" / weights_reference.key(md5))
    reference = weights_reference.refer_to(
        checkpoint, entries, directory_md5="d.dir", cache=root / "cache", remote="", endpoint=""
    )
    shutil.rmtree(checkpoint)
    record = root / "record"
    record.mkdir()
    (record / "weights.json").write_text(json.dumps(reference.to_json()))
    text = (
        shipped_recipe("tiny-scratch")
        .replace("caption_tokens: 64", "caption_tokens: 4")
        .replace("grid_points: 20", "grid_points: 3")
    )
    (record / "params.yaml").write_text(text)
    workspace = Workspace(root)
    before = os.environ.pop("MLFLOW_TRACKING_URI", None)
    try:
        tracking = connect(workspace)
        with keyed_run(workspace, "register", "key") as run:
            source = log_model(run, record=record, code=code_folders(root / "tmp"), tags={"unimed.weights_sha256": "w"})
        tracking.client.create_registered_model("unimed")
        tracking.client.create_model_version("unimed", source)
        tracking.client.set_registered_model_alias("unimed", "champion", "1")
    finally:
        if before:
            os.environ["MLFLOW_TRACKING_URI"] = before
    return workspace


def ask_stranger(
    workspace: Workspace, rows: list[dict], folder: Path, program: str = STRANGER, address: str = ""
) -> subprocess.CompletedProcess[str]:
    """The rows' results from a process that does not have our package on its path."""
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    environment = keep | {
        "MLFLOW_TRACKING_URI": address or f"sqlite:///{workspace.private / 'mlflow.db'}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "XDG_CACHE_HOME": str(folder / "home"),
    }
    command = [sys.executable, "-c", program, json.dumps(rows), str(folder / "other")]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_another_process_elsewhere_asks_draws_and_edits_with_the_versions_own_code(registered, tmp_path):
    rows = [
        {"task": "ask", "prompt": "Which imaging modality is this?", "image": png()},
        {"task": "draw", "prompt": "A CT image of the brain.", "image": ""},
        {"task": "edit", "prompt": "Enhance this image.", "image": png()},
    ]
    done = ask_stranger(registered, rows, tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    answer = json.loads(done.stdout.splitlines()[-1])
    asked, drawn, edited = answer["results"]
    assert not asked["image"] and isinstance(asked["text"], str)
    for result in (drawn, edited):
        assert not result["text"]
        with Image.open(io.BytesIO(base64.b64decode(result["image"]))) as image:
            assert image.format == "PNG" and image.mode == "RGB"
    assert "mlflow-artifacts" in answer["code"]


OTHER_CODE = (
    """
import sys
sys.path.insert(0, sys.argv[2])
import components
"""
    + STRANGER
)


@pytest.mark.slow
def test_a_version_beside_another_ones_code_in_one_process_is_refused_with_the_way_out(registered, tmp_path):
    """A notebook that imported another release, or loaded another version before."""
    shutil.copytree(ROOT / "components", tmp_path / "other" / "components", ignore=shutil.ignore_patterns("shipped"))
    with (tmp_path / "other" / "components" / "context.py").open("a") as file:
        file.write("CHANGED = True\n")
    rows = [{"task": "draw", "prompt": "A CT image of the brain.", "image": ""}]
    done = ask_stranger(registered, rows, tmp_path, program=OTHER_CODE)
    assert done.returncode != 0
    assert "is not the code that this version was made with" in done.stderr
    assert "load each version in a process of its own" in done.stderr


@pytest.mark.slow
def test_a_missing_weight_is_a_clear_error_of_ours(registered, tmp_path):
    away = registered.root / "cache-away"
    (registered.root / "cache").rename(away)
    try:
        done = ask_stranger(registered, [{"task": "draw", "prompt": "x", "image": ""}], tmp_path)
    finally:
        away.rename(registered.root / "cache")
    assert done.returncode != 0
    assert "is not in the DVC cache" in done.stderr and "set a remote and push before registering" in done.stderr


def test_the_same_bytes_elsewhere_are_the_same_code_and_a_changed_word_is_not(tmp_path):
    from components.serving.pyfunc_model import check_code

    check_code(tmp_path)  # a version that brought no code runs on what is there
    code_folders(tmp_path)
    check_code(tmp_path / "source")
    changed = tmp_path / "source" / "model" / "norm.py"
    changed.write_text(changed.read_text().replace("def ", "def  ", 1))
    with pytest.raises(ValueError, match=r"this process has imported `model` from .* in a process of its own"):
        check_code(tmp_path / "source")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"task": "diagnose", "prompt": "x"}, "row 0: task is 'diagnose'; known: ask, draw, edit"),
        ({"task": "ask", "prompt": " "}, "row 0: prompt is ' '"),
        ({"task": "edit", "prompt": "x", "image": ""}, "row 0: task edit needs an image"),
        ({"task": "draw", "prompt": "x", "image": png(8)}, "row 0: task draw takes no image"),
        ({"task": "ask", "prompt": "x", "image": "no base64!"}, "row 0: image is not an image file in base64"),
        ({"task": "ask", "prompt": "x", "image": "aGVsbG8="}, "row 0: image is not an image file in base64"),
    ],
)
def test_a_bad_row_is_named(row, said):
    from components.serving.pyfunc_model import UniMed

    model = UniMed()
    with pytest.raises(ValueError) as caught:
        model.predict(None, pandas.DataFrame([row]))
    assert said in str(caught.value)


@pytest.fixture
def served(registered, monkeypatch) -> Iterator[str]:
    """The address of the workspace's MLflow as `unimed up` serves it; the DVC cache is at a place that only it can see."""
    (path,) = (registered.private / "mlflow-artifacts").rglob("record/weights.json")
    before = path.read_text()
    path.write_text(
        before.replace(str(registered.root / "cache"), "/proc/self/cwd/cache").replace(
            json.dumps(str(registered.root / "cache"))[1:-1], "/proc/self/cwd/cache"
        )
    )
    assert "/proc/self/cwd/cache" in path.read_text()
    monkeypatch.chdir(registered.root)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    port = free_port()
    process = start_child(mlflow_command(registered, port), log=registered.root / "server.log")
    address = loopback_url(port)
    deadline = time.monotonic() + 120
    while not answers(f"{address}/health"):
        assert process.poll() is None and time.monotonic() < deadline, (registered.root / "server.log").read_text()
        time.sleep(0.1)
    yield address
    end_process(process)
    path.write_text(before)


@pytest.mark.slow
def test_who_sees_nothing_of_the_disk_loads_the_champion_through_the_server_and_it_draws(registered, served, tmp_path):
    done = ask_stranger(
        registered, [{"task": "draw", "prompt": "A CT image of the brain.", "image": ""}], tmp_path, address=served
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["results"][0]["image"] and str(registered.root) not in answer["code"]


@pytest.mark.slow
def test_the_server_names_no_place_of_its_disk_takes_files_and_gives_out_weights_of_versions_alone(
    registered, served, tmp_path
):
    client = MlflowClient(served)
    experiment = client.get_experiment_by_name("unimed")
    assert experiment is not None and experiment.artifact_location == "mlflow-artifacts:/"
    run = client.create_run(experiment.experiment_id)
    assert run.info.artifact_uri == f"mlflow-artifacts:/{run.info.run_id}/artifacts"
    (tmp_path / "note.txt").write_text("from afar")
    client.log_artifact(run.info.run_id, str(tmp_path / "note.txt"))
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["note.txt"]
    own = MlflowClient(f"sqlite:///{registered.private / 'mlflow.db'}")
    location = str(own.get_run(run.info.run_id).info.artifact_uri)
    assert location.startswith("file:///")
    assert (Path(url2pathname(str(urlsplit(location).path))) / "note.txt").read_text() == "from afar"
    for path in ("00/" + "0" * 30, "../../params.yaml"):
        with pytest.raises(HTTPError) as refused:
            urlopen(f"{served}/api/2.0/mlflow-artifacts/artifacts/weights/{path}", timeout=30)
        assert 400 <= refused.value.code < 500
