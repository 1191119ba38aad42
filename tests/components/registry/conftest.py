"""A real small workspace for the registry: trivial stages under real DVC, real MLflow on SQLite, a hand-made checkpoint."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from components.assembly.benchmark.exam import NONE
from components.evaluation.answers import SCORER
from components.evaluation.predictions import PLAIN, SHUFFLED
from components.evaluation.scores import Score, write_scores
from components.recipes.shipped import shipped_recipe
from components.registry import gate
from components.registry.promotion import decide
from components.registry.versions import register
from components.storage.dvc import reproduce_stage, stage_graph
from components.storage.dvc_repository import ensure_initialised
from components.storage.workspace import Workspace

PIPELINE = """\
stages:
  code:
    cmd: python make.py code
    always_changed: true
    outs:
      - code.json:
          cache: false
  assemble:
    cmd: python make.py assemble
    deps:
      - data/raw/one
      - make.py
    params:
      - code.json:
          - assembly
    outs:
      - data/unimed
  train:
    cmd: python make.py train
    deps:
      - data/unimed
      - weights.txt
    params:
      - seed
    outs:
      - checkpoints/unified
  evaluate:
    cmd: python make.py evaluate
    deps:
      - checkpoints/unified
      - accuracy.txt
    outs:
      - evaluation/evaluation.json
      - evaluation/report.html
    metrics:
      - evaluation/metrics.json:
          cache: false
"""

MAKE = '''\
"""Stands for the real stages: same files, no work."""
import hashlib, json, pathlib, shutil, sys

def write(path, value):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value))

def weights():
    files = sorted(pathlib.Path("checkpoints/unified").rglob("*"))
    lines = sorted(hashlib.sha256(f.read_bytes()).hexdigest() + "  " + f.name for f in files)
    return hashlib.sha256("\\n".join(lines).encode()).hexdigest()

stage = sys.argv[1]
if stage == "code":
    write("code.json", {"assembly": "a", "prediction": "p"})
elif stage == "assemble":
    raw = pathlib.Path("data/raw/one/file").read_bytes()
    counts = {"raw": 5, "kept": 3, "filtered": 1, "quarantined": 0, "duplicate": 0, "contaminating": 0, "heldout": 1, "reasons": {"small": 1}}
    write("data/unimed/manifest.json", {"dataset_id": hashlib.sha256(raw).hexdigest(), "sources": {"one": counts}, "licences": {"one": "CC0"}, "benchmark": {"unimed/test": "b" * 64}})
elif stage == "train":
    text = pathlib.Path("weights.txt").read_text()
    if text.startswith("/"):
        shutil.copytree(text, "checkpoints/unified")
    else:
        write("checkpoints/unified/model.safetensors", text)
        write("checkpoints/unified/config.json", {"unimed": {}})
elif stage == "evaluate":
    accuracy = float(pathlib.Path("accuracy.txt").read_text())
    dataset = json.loads(pathlib.Path("data/unimed/manifest.json").read_text())["dataset_id"]
    metrics = {"vqa/pool/accuracy": accuracy, "vqa/pool/majority": 0.5, "vqa/pool/image_gain": 0.2, "vqa/pool/image_gain_low": 0.1}
    entries = {name: {"value": value, "n": 40, "low": 0.1, "high": 0.9, "cluster": "image", "gated": True} for name, value in metrics.items()}
    write("evaluation/evaluation.json", {"weights_sha256": weights(), "dataset_id": dataset, "metrics": entries})
    write("evaluation/metrics.json", metrics)
    write("evaluation/report.html", "<p>report</p>")
'''


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Path:
    """A finished workspace with a migrated, empty mlflow.db: copied for each test, which saves it three seconds."""
    root = tmp_path_factory.mktemp("registry") / "workspace"
    (root / "data" / "raw" / "one").mkdir(parents=True)
    (root / "data" / "raw" / "one" / "file").write_text("raw bytes")
    (root / "params.yaml").write_text(shipped_recipe("tiny-scratch"))
    (root / "dvc.yaml").write_text(PIPELINE)
    (root / "make.py").write_text(MAKE)
    (root / "weights.txt").write_text("weights 1")
    (root / "accuracy.txt").write_text("0.8")
    before, path = Path.cwd(), os.environ.get("PATH", "")
    workspace = Workspace(root)
    try:
        ensure_initialised(workspace)
        run(workspace)
    finally:
        os.chdir(before)
        os.environ["PATH"] = path
        os.environ.pop("UNIMED_WORKSPACE", None)
    workspace.private.mkdir(exist_ok=True)
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    from mlflow import MlflowClient

    MlflowClient(f"sqlite:///{workspace.private / 'mlflow.db'}").search_experiments()
    return root


@pytest.fixture
def workspace(made, tmp_path, monkeypatch) -> Workspace:
    """A finished workspace of the test's own, in a folder with a space and an umlaut in its name."""
    root = tmp_path / "wörk space"
    shutil.copytree(made, root, symlinks=True)
    _enter(root, tmp_path, monkeypatch)
    return Workspace(root)


@pytest.fixture(scope="session")
def three_made(made, tmp_path_factory) -> Path:
    """A workspace with versions 1, 2 and 3, of which 1 is champion; `three` restores it, paths inside stay valid."""
    folder = tmp_path_factory.mktemp("three")
    root = folder / "now"
    shutil.copytree(made, root, symlinks=True)
    with pytest.MonkeyPatch.context() as patch:
        _enter(root, folder, patch)
        workspace = Workspace(root)
        decide(workspace, register(workspace), "gate")
        for number in (2, 3):
            (root / "weights.txt").write_text(f"weights {number}")
            run(workspace)
            register(workspace)
    shutil.copytree(root, folder / "as made", symlinks=True)
    return root


@pytest.fixture
def three(three_made, tmp_path, monkeypatch) -> Workspace:
    """Versions 1, 2, 3 of a finished workspace; 1 is champion, 3 is what the workspace holds."""
    _restore(three_made, three_made.with_name("as made"))
    _enter(three_made, tmp_path, monkeypatch)
    return Workspace(three_made)


def _restore(root: Path, saved: Path) -> None:
    """Bring every file back; mlflow.db through SQLite, since this process holds open connections to it."""
    database = Path(".unimed") / "mlflow.db"
    for path in sorted(root.rglob("*"), reverse=True):
        if path.is_file() and path != root / database:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    shutil.copytree(saved, root, dirs_exist_ok=True, ignore=shutil.ignore_patterns(database.name))
    with closing(sqlite3.connect(saved / database)) as source, closing(sqlite3.connect(root / database)) as target:
        source.backup(target)


def _enter(root: Path, home: Path, patch: pytest.MonkeyPatch) -> None:
    patch.chdir(root)
    patch.setenv("PATH", os.environ["PATH"])
    patch.setenv("SHELL", "/bin/sh")
    patch.setenv("UNIMED_WORKSPACE", str(root))
    patch.setenv("XDG_CACHE_HOME", str(home / "home-cache"))
    for name in ("MLFLOW_TRACKING_URI", "UNIMED_DATABASE_URL", "UNIMED_PARENT_RUN"):
        patch.delenv(name, raising=False)
    # Its stages make no items: what a version scored on the exam is what its evaluation says.
    patch.setattr(gate, "freeze_exam", lambda *_: NONE)
    patch.setattr(gate, "exam_scores", lambda workspace, *_, why: workspace.evaluation / "scores")


def run(workspace: Workspace) -> None:
    """Bring every stage of the hand-made pipeline up to date; the scores are of so many answers as accuracy.txt says."""
    for name in stage_graph(workspace):
        reproduce_stage(workspace, name)
    weights = (workspace.root / "weights.txt").read_text()
    accuracy = float((workspace.root / "accuracy.txt").read_text())
    write_answers(workspace.evaluation / "scores", accuracy, weights=weights)


def write_answers(folder: Path, accuracy: float, *, weights: str) -> Path:
    """The scores of 400 closed answers about as many patients, of which the first are right; the other image's never are."""
    scores = [
        Score(
            item_id=f"vqa/{number:03d}",
            variant=variant,
            seed=0,
            scorer_id=SCORER,
            benchmark="vqa",
            split="test",
            question_type="modality",
            answer_type="closed",
            modality="CT",
            anatomy="brain",
            patient_key=f"p{number:03d}",
            record_id=f"one/r{number:03d}",
            reference=("yes", "no")[number % 2],
            correct=int(variant == PLAIN and number < accuracy * 400),
        )
        for number in range(400)
        for variant in (PLAIN, SHUFFLED)
    ]
    write_scores(folder, scores, {"benchmark_id": "b", "decoding": {"vqa": "greedy"}, "weights_sha256": weights})
    return folder


@pytest.fixture
def retrain():
    """Change weights and accuracy of a workspace and bring it up to date."""

    def change(workspace: Workspace, weights: str, accuracy: float = 0.8) -> None:
        (workspace.root / "weights.txt").write_text(weights)
        (workspace.root / "accuracy.txt").write_text(str(accuracy))
        run(workspace)

    return change
