"""What a command costs at the prompt, beside a bare program that imports MLflow's client and searches the same store.

    python -m tests.benchmarks.prompt [--workspace FOLDER] [--versions 100] [--rounds 3]

The store holds a hundred versions: those of a micro workspace after one retrain, registered again and again. FOLDER is such
a workspace that was made before; it is copied. CPU time counts, the least of the rounds; wall time is told beside it.
"""

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.recipes.registry import MODEL
from components.registry.database import embedded_uri
from components.storage.workspace import Workspace
from tests.benchmarks.figures import Figure, report, within
from tests.fixtures.micro import UNIMED, clean_environment, make_workspace, run_unimed

GOAL = 1.2
"""Times the bare program."""
BARE = """
import sys
from mlflow import MlflowClient
print(len(MlflowClient(sys.argv[1]).search_model_versions("name = 'unimed'")))
"""
SAY_IMPORTS = """
import sys
from flows.cli.main import main
sys.argv = ["unimed", *sys.argv[1:]]
code = main()
print(" ".join(sorted({name.partition(".")[0] for name in sys.modules} & {"mlflow", "prefect", "torch"})), file=sys.stderr)
sys.exit(code)
"""
BESIDE_BARE = {
    "models": ("models", "--json"),
    "lineage": ("lineage", "1", "--json"),
    "verify": ("verify", "1", "--json"),
    "promote": ("promote", "{version}", "--why", "measured", "--json"),
}
ALONE = {"status": ("status", "--json"), "schedules": ("schedules", "--json"), "help": ("--help",)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """Of the cheapest of some rounds."""

    cpu: float
    wall: float
    is_right: bool


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path, help="a workspace with a version; by default one is made")
    parser.add_argument("--versions", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="unimed-bench-") as folder:
        workspace = prepared(Path(folder) / "w", given.workspace, given.versions)
        return report("prompt", measured(workspace, given.rounds))


def prepared(folder: Path, made: Path | None, versions: int) -> Workspace:
    """A workspace in the folder whose registry holds so many versions."""
    import mlflow

    if made is None:
        workspace = make_workspace(folder)
        run_unimed("retrain", cwd=workspace.root)
    else:
        shutil.copytree(made, folder, symlinks=True)
        workspace = Workspace(folder.resolve())
        run_unimed("doctor", "--repair", cwd=workspace.root)
    mlflow.set_tracking_uri(embedded_uri(workspace))
    client = mlflow.MlflowClient()
    first = client.get_model_version(MODEL, "1")
    for _ in range(len(client.search_model_versions(f"name = '{MODEL}'")), versions):
        client.create_model_version(
            MODEL, str(first.source), first.run_id, tags=first.tags, model_id=str(first.source).rpartition("/")[2]
        )
    return workspace


def measured(workspace: Workspace, rounds: int) -> Iterator[Figure]:
    """CPU seconds of each command beside the bare program's; and which of three large packages some import."""
    bare = cost([[sys.executable, "-c", BARE, embedded_uri(workspace)]] * rounds, workspace)
    limit = GOAL * bare.cpu
    for name, arguments in BESIDE_BARE.items():
        commands = [[UNIMED, *(part.format(version=10 + round_) for part in arguments)] for round_ in range(rounds)]
        found = cost(commands, workspace)
        told = f"wall {found.wall:.2f} s, bare {bare.cpu:.2f} s of CPU time and {bare.wall:.2f} s wall"
        of = f"{GOAL} x a bare search"
        yield within(f"prompt.{name}", found.cpu, "s", limit, of=of, is_right=found.is_right, note=told)
    for name, arguments in ALONE.items():
        found = cost([[UNIMED, *arguments]] * rounds, workspace)
        yield Figure(
            name=f"prompt.{name}",
            value=found.cpu,
            unit="s",
            peer="a bare search",
            peer_value=bare.cpu,
            ratio=bare.cpu / found.cpu,
            goal=None,
            is_right=found.is_right,
            note=f"wall {found.wall:.2f} s",
        )
        imported = imports(arguments, workspace)
        yield within(
            f"prompt.{name}_imports", len(imported), "large packages", 1e-9, of="none", note=", ".join(imported)
        )


def cost(commands: Sequence[Sequence[str]], workspace: Workspace) -> Cost:
    """Of the cheapest of these, run one after another in the workspace."""
    costs = []
    for command in commands:
        before, begun = _cpu(), time.monotonic()
        done = subprocess.run(
            command, cwd=workspace.root, env=clean_environment(), capture_output=True, text=True, check=False
        )
        costs.append((_cpu() - before, time.monotonic() - begun, done.returncode == 0))
        if done.returncode:
            print(f"{' '.join(map(str, command[-5:]))}: {done.stderr[-400:]}", file=sys.stderr)
    cpu, wall, _ = min(costs)
    return Cost(cpu=cpu, wall=wall, is_right=all(right for _, _, right in costs))


def imports(arguments: Sequence[str], workspace: Workspace) -> list[str]:
    """Which of MLflow, Prefect and torch the command imports."""
    command = [sys.executable, "-P", "-c", SAY_IMPORTS, *arguments]
    done = subprocess.run(
        command, cwd=workspace.root, env=clean_environment(), capture_output=True, text=True, check=False
    )
    lines = done.stderr.splitlines()
    return lines[-1].split() if lines and done.returncode == 0 else [f"exit {done.returncode}"]


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
