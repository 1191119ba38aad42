"""What `unimed doctor` looks at."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

PACKAGES = ("torch", "prefect", "dvc", "mlflow", "ray", "great-expectations", "pyarrow", "transformers", "diffusers")
MEMORY_BYTES = 6_000_000_000
DISK_BYTES = 3_000_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    state: Literal["good", "note", "bad"]
    what: str
    found: str
    fix: str = ""

    @property
    def sign(self) -> str:
        return {"good": "✓", "note": "!", "bad": "✗"}[self.state]

    def to_json(self) -> dict[str, str]:
        """For `--json`."""
        return {"state": self.state, "what": self.what, "found": self.found, "fix": self.fix}


def examine() -> list[Finding]:
    """Findings about this machine, the installation and the workspace around the current folder."""
    return [*_machine(), *_packages(), *_workspace()]


def mend(*, as_copy: bool = False) -> list[str]:
    """Mend what is wrong with the workspace around the current folder and can be mended; a line for each thing done. `as_copy`
    says that its original goes on elsewhere.

    Raises Held while a run works there.
    """
    from components.registry.moving import settle_here
    from components.storage.locks import hold
    from components.storage.private import is_open, make_private
    from components.storage.workspace import find_workspace
    from flows.graph import GRAPH, KEPT, repair_graph

    workspace = find_workspace()
    with hold(workspace.private / "retrain.lock", "doctor --repair"):
        graph = [f"{GRAPH} is this release's now; the old one is {KEPT}"] if repair_graph(workspace) else []
        closed = [f"{workspace.private} is for its owner alone now"] if is_open(workspace) else []
        make_private(workspace)
        return [*graph, *closed, *settle_here(workspace, as_copy=as_copy)]


def _machine() -> Iterator[Finding]:
    import psutil

    system = f"{platform.system()} {platform.machine()}"
    is_linux = system == "Linux x86_64"
    yield Finding(
        "good" if is_linux else "bad", "system", system, "" if is_linux else "use Linux on x86-64 (WSL works)"
    )
    right = sys.version_info[:2] == (3, 11)
    yield Finding("good" if right else "bad", "Python", platform.python_version(), "" if right else "use Python 3.11")
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").is_file() else ""
    avx2 = " avx2" in flags
    yield Finding(
        "good" if avx2 else "bad",
        "processor",
        f"{os.cpu_count()} cores, {'AVX2' if avx2 else 'no AVX2'}",
        "" if avx2 else "needs a processor with AVX2",
    )
    memory = psutil.virtual_memory()
    enough = memory.total >= MEMORY_BYTES
    found = f"{memory.total / 1e9:.0f} GB, {memory.available / 1e9:.0f} free"
    yield Finding("good" if enough else "note", "memory", found, "" if enough else "tiny wants about 6 GB")
    free = shutil.disk_usage(Path.cwd()).free
    roomy = free >= DISK_BYTES
    yield Finding(
        "good" if roomy else "note",
        "disk here",
        f"{free / 1e9:.0f} GB free",
        "" if roomy else "tiny wants about 3 GB; `unimed gc` helps",
    )
    git = shutil.which("git")
    yield Finding(
        "good" if git else "note",
        "git",
        git or "not found",
        "" if git else "install git: versions then record the commit",
    )


def _packages() -> Iterator[Finding]:
    for name in PACKAGES:
        try:
            yield Finding("good", name, version(name))
        except PackageNotFoundError:
            yield Finding("bad", name, "not installed", "run `make setup`")


def _workspace() -> Iterator[Finding]:
    from components.recipes.recipe import read_recipe
    from components.registry.run_spool import spools
    from components.storage.home import read_home
    from components.storage.locks import holder, holder_text
    from components.storage.private import is_open
    from components.storage.workspace import find_workspace
    from flows.graph import graph_differences
    from flows.registry_checkup import registry_findings

    try:
        workspace = find_workspace()
    except ValueError as error:
        found, _, fix = str(error).partition("; ")
        yield Finding("note" if "is not inside" in found else "bad", "workspace", found, fix)
        return
    yield Finding("good", "workspace", str(workspace.root))
    try:
        recipe = read_recipe(workspace.params)
        yield Finding("good", "recipe", f"{recipe.recipe}, {len(recipe.sources)} sources")
    except ValueError as error:
        yield Finding("bad", "recipe", str(error).splitlines()[0], "mend params.yaml")
        return
    home = read_home(workspace)
    at_home = home is None or home.root == str(workspace.root)
    yield Finding(
        "good" if at_home else "bad",
        "place",
        "where its records say" if at_home or home is None else f"its records name {home.root}",
        "" if at_home else "`unimed doctor --repair`, and --copy where the original goes on",
    )
    open_to_others = is_open(workspace)
    yield Finding(
        "bad" if open_to_others else "good",
        "private folder",
        f"others may look into {workspace.private}" if open_to_others else "for its owner alone",
        "`unimed doctor --repair`" if open_to_others else "",
    )
    if waiting := spools(workspace):
        yield Finding("note", "runs", f"{len(waiting)} to be sent to MLflow", "the next `unimed retrain` does it")
    differences = graph_differences(workspace)
    yield Finding(
        "bad" if differences else "good",
        "stage graph",
        "; ".join(differences) or "this release's",
        "`unimed doctor --repair`" if differences else "",
    )
    yield from registry_findings(workspace, at_home=at_home)
    writable = os.access(workspace.root, os.W_OK)
    yield Finding(
        "good" if writable else "bad",
        "writable",
        "yes" if writable else "no",
        "" if writable else "this user may not write here",
    )
    yield _dvc(workspace)
    lock = workspace.private / "retrain.lock"
    busy = holder(lock) is not None
    yield Finding("note" if busy else "good", "runs", holder_text(lock) if busy else "none now")
    yield from _servers(workspace)


def _dvc(workspace: Any) -> Finding:
    from components.storage.dvc_repository import is_initialised, open_repo

    if not is_initialised(workspace):
        return Finding("note", "DVC", "not yet", "the first `unimed retrain` does it")
    try:
        with open_repo(workspace, looks=True) as repo:
            stages = len(repo.index.stages)
    except ValueError as error:
        found, _, fix = str(error).partition("; ")
        return Finding("bad", "DVC", found, fix)
    return Finding("good", "DVC", f"initialised, {stages} stages")


def is_up(uri: str) -> bool:
    """Whether an MLflow server answers there."""
    from components.storage.addresses import shown
    from flows.loopback import answers

    return answers(f"{shown(uri).rstrip('/')}/health")


def _servers(workspace: Any) -> Iterator[Finding]:
    from components.storage.addresses import shown
    from flows.loopback import answers
    from flows.services import live_services

    for service in live_services(workspace).values():
        if not service.url:
            yield Finding("good", service.name, "running")
        elif service.answers:
            yield Finding("good", service.name, service.url)
        else:
            fix = "it may still be starting; else `unimed down` and `unimed up` again"
            yield Finding("note", service.name, f"{service.url} is not answered by the process that `up` started", fix)
    api = os.environ.get("PREFECT_API_URL")
    if api:
        alive = answers(f"{shown(api)}/health")
        yield Finding(
            "good" if alive else "bad",
            "PREFECT_API_URL",
            shown(api),
            "" if alive else "it does not answer; start it, or unset the variable",
        )
    tracking = os.environ.get("MLFLOW_TRACKING_URI")
    if tracking and tracking.startswith("http"):
        alive = is_up(tracking)
        yield Finding(
            "good" if alive else "bad",
            "MLFLOW_TRACKING_URI",
            shown(tracking),
            "" if alive else "it does not answer; start it, or unset the variable",
        )
