"""A workspace whose stages do next to nothing, under the real stage graph's names: to test the flow around them.

Run as a program, with `components.stage NAME [ITEM]` as its arguments, it is such a stage; as a module it makes the
workspace and starts `unimed`, or the scheduled flow, in it with a registry that only remembers.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

SOURCES = ("eyes", "slides")
CODE = '{"toy": 1}'


def work(root: Path, name: str, item: str) -> int:
    """Be a stage: write its outputs, slowly if the file `slow` says so; leave with 75 when asked to stop."""
    from components.storage.lifeline import die_with_parent
    from components.storage.progress import Progress

    die_with_parent()
    stage = f"{name}@{item}" if item else name
    asked = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.append(1))
    if name == "code":
        (root / "code.json").write_text(toy_code(root))
        return 0
    logs = root / ".unimed" / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    (logs / f"{stage.replace('@', '-')}.log").write_text(f"{stage} at work\n")
    progress = Progress.start(root / ".unimed" / "progress", stage)
    slow = json.loads((root / "slow").read_text()) if (root / "slow").exists() else {}
    end = time.monotonic() + slow.get(stage, 0)
    while time.monotonic() < end:
        progress.update(1, 2, "at it", loss=0.5)
        if asked:
            progress.finish("interrupted")
            return 75
        time.sleep(0.05)
    if (root / "broken").exists() and (root / "broken").read_text() == stage:
        progress.finish("failed", f"{stage} is broken; raise validation.stop_above")
        return 1
    for path in outputs(name, item):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content(path, root))
    progress.finish("done")
    return 0


def content(path: Path, root: Path) -> str:
    """Something that the reader of the file understands; it depends on the recipe."""
    if path.name == "manifest.json":
        bins = {"kept": 3, "filtered": 1, "quarantined": 1, "duplicate": 0, "contaminating": 0, "heldout": 1}
        entry = {"raw": 6, **bins, "reasons": {"quarantined: empty": 1}}
        return json.dumps({"schema": 0, "dataset_id": "d" * 64, "sources": dict.fromkeys(SOURCES, entry)})
    if path.name == "evaluation.json":
        metric = {"value": 0.7, "n": 40, "low": 0.6, "high": 0.8, "control": {"majority": 0.3}}
        return json.dumps({"metrics": {"vqa/pool/accuracy": metric}})
    if path.name == "metrics.json":
        return json.dumps({"vqa/pool/accuracy": 0.7})
    if path.parent.name == "training":
        return json.dumps([{"step": n, "text_loss": 2.0 / (n + 1), "image_loss": 1.0} for n in range(3)])
    return (root / "params.yaml").read_text()


def outputs(name: str, item: str) -> list[Path]:
    """The files of a stage, relative to the workspace."""
    found = {
        "validate": [f"data/validated/{item}/accounting.json"],
        "admit": ["data/admission.json"],
        "assemble": ["data/unimed/manifest.json"],
        "judge": ["evaluation/judge/judge.json"],
        "start": ["checkpoints/start/model", "training/start.json"],
        "train": [f"checkpoints/{item}/model", f"training/{item}.json"],
        "predict": ["evaluation/predictions/predictions"],
        "evaluate": ["evaluation/scores/scores", "evaluation/evaluation.json", "evaluation/report.html"],
    }[name]
    return [Path(path) for path in [*found, *(["evaluation/metrics.json"] if name == "evaluate" else [])]]


def make(folder: Path) -> Path:
    """A toy workspace: the shipped recipe with two sources, the shipped stage graph with toy commands."""
    from components.recipes.shipped import shipped_graph, shipped_recipe
    from components.storage.yaml_files import dump_yaml, parse_yaml
    from tests.fixtures.micro import own_ports

    folder.mkdir(parents=True)
    params = parse_yaml(shipped_recipe("tiny-scratch"), "tiny-scratch")
    params["sources"] = {name: {"path": f"data/raw/{name}", "format": "fundus"} for name in SOURCES}
    params["assembly"]["splits"] = {"val_share": 0.0, "test": {}, "slabs": []}
    (folder / "params.yaml").write_text(dump_yaml(params))
    graph = parse_yaml(shipped_graph(), "dvc.yaml")
    for stage in graph["stages"].values():
        body = stage.get("do", stage)
        body["cmd"] = body["cmd"].replace("python -P -m components.stage", f"python {__file__} components.stage")
        kept = [param for param in body.get("params", []) if not isinstance(param, dict)]
        body["params"] = [*kept, {"code.json": ["toy"]}] if "params" in body else kept
        body.pop("params") if not body["params"] else None
    (folder / "dvc.yaml").write_text(dump_yaml(graph))
    (folder / ".dvcignore").write_text(".gitignore\n/.unimed\n")
    for name in SOURCES:
        (folder / "data" / "raw" / name).mkdir(parents=True)
        (folder / "data" / "raw" / name / "a.txt").write_text(name)
    own_ports(folder)
    return folder


def unimed(root: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """`unimed ARGS` in the toy workspace, in a process group of its own, with both streams piped."""
    return start(root, "unimed", *arguments, **environment)


def start(root: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """This program with these arguments in the toy workspace."""
    drop = ("PREFECT_API_URL", "MLFLOW_TRACKING_URI", "UNIMED_WORKSPACE", "PREFECT_HOME", "UNIMED_RUN")
    inherited = {name: value for name, value in os.environ.items() if name not in drop}
    return subprocess.Popen(
        [sys.executable, __file__, *arguments],
        cwd=root,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env=inherited | {"PYTHONPATH": str(Path(__file__).parents[2])} | environment,
    )


def forgetful_registry() -> None:
    """Let registration and decision only remember: what they do is tested in their own room."""
    from types import SimpleNamespace

    from components.recipes.recipe import read_recipe
    from components.registry import evidence, promotion, summary, versions
    from components.registry.decisions import GENESIS, Decision

    def register(workspace):
        return SimpleNamespace(number=1, weights_sha256="w" * 64)

    def decide(workspace, version, promote):
        made = Decision(
            sequence=1, at="2026-01-01T00:00:00", action="promote", version=1, weights_sha256="w" * 64,
            champion_before=None, who="gate", why="beats the majority", evidence={"asked": promote}, previous_hash=GENESIS,
        )  # fmt: skip
        key = evidence.read_evidence(workspace, read_recipe(workspace.params)).key
        summary.remember_aliases(workspace, {"version": 1, "weights_sha256": "w" * 64}, None)
        summary.remember_decision(workspace, key, made)
        return made

    def already_judged(workspace):
        try:
            key = evidence.read_evidence(workspace, read_recipe(workspace.params)).key
        except ValueError:
            return None
        noted = summary._read(workspace)["judged"].get(key)
        return Decision.from_body(noted) if noted else None

    versions.register, promotion.decide, summary.already_judged = register, decide, already_judged


def toy_graph() -> None:
    """Let the toy stages be the graph of this release, and the toy's code its code."""
    from components.sources import code_file
    from flows import graph

    graph.graph_differences = lambda _: []
    code_file.present_code = lambda workspace: json.loads(toy_code(workspace.root))


def toy_code(root: Path) -> str:
    return (root / "toy-code").read_text() if (root / "toy-code").exists() else CODE


if __name__ == "__main__":
    if sys.argv[1] == "components.stage":
        code = work(Path.cwd(), sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "")
        sys.stdout.flush()
        os._exit(code)
    forgetful_registry()
    toy_graph()
    if sys.argv[1] == "scheduled":
        from components.storage.workspace import Workspace
        from flows.cli.scheduling import need_server

        need_server(Workspace(Path.cwd()))
        from flows.schedule import scheduled_retrain

        state = scheduled_retrain(str(Path.cwd()), return_state=True)
        print(f"STATE {state.name}: {state.message}")
        sys.exit(0)
    from flows.cli.main import main

    sys.argv = sys.argv[1:]
    sys.exit(main())
