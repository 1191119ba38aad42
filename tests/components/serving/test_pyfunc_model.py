"""The registered model, loaded as a stranger would: another process, another folder, only MLflow's address."""

import base64
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas
import pytest
from PIL import Image

from components.registry import weights_reference
from components.registry.model_files import code_folders, log_model
from components.registry.runs import keyed_run
from components.registry.tracking import connect
from components.storage.workspace import Workspace
from tests.components.evaluation.material import make_checkpoint

ROOT = Path(__file__).parents[3]
TINY = ROOT / "components" / "recipes" / "tiny.yaml"

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
        TINY.read_text().replace("caption_tokens: 64", "caption_tokens: 4").replace("grid_points: 20", "grid_points: 3")
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
    workspace: Workspace, rows: list[dict], folder: Path, program: str = STRANGER
) -> subprocess.CompletedProcess[str]:
    """The rows' results from a process that does not have our package on its path."""
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    environment = keep | {
        "MLFLOW_TRACKING_URI": f"sqlite:///{workspace.private / 'mlflow.db'}",
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
