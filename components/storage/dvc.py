"""DVC through its Python API: what has changed, bring one stage up to date, which bytes a stage made and where they lie.

DVC finds stages in the current directory, so every call first moves the process into the workspace: one workspace a
process at a time.
"""

import json
import logging
import os
import re
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.storage.atomic import read_json, write_json, write_text
from components.storage.keys import digest
from components.storage.workspace import ENVIRONMENT, Workspace
from components.storage.yaml_files import load_yaml

IGNORED = (".gitignore", ".writing-*", "/.unimed/", "/.venv/")
"""Lines that .dvcignore must have: DVC takes any dvc.yaml below the workspace for its own, a registered version's too."""

INTERRUPTED = 75
"""Exit code of a stage that was asked to stop and saved what it had."""

LOG_LINES = 20
CONFIG = (
    ("core", "analytics", False),
    ("core", "autostage", False),
    ("cache", "type", "reflink,hardlink,symlink,copy"),
)


@dataclass(frozen=True, slots=True)
class StageOutcome:
    """One stage brought up to date; `ran` is False when nothing it reads had changed."""

    stage: str
    ran: bool
    seconds: float


class StageFailed(ValueError):
    """A stage's command failed; the message ends with the last lines of its log."""

    def __init__(self, stage: str, exit_code: int | None, reason: str, log_lines: list[str]) -> None:
        self.stage, self.exit_code, self.reason, self.log_lines = stage, exit_code, reason, log_lines
        super().__init__("\n".join([f"stage {stage} failed: {reason}", *(f"  {line}" for line in log_lines)]))


class StageInterrupted(Exception):
    """A stage was asked to stop, saved what it had, and wants to be started again."""

    def __init__(self, stage: str) -> None:
        self.stage = stage
        super().__init__(f"stage {stage} was interrupted; the same command continues it")


def ensure_initialised(workspace: Workspace) -> None:
    """Make the workspace a DVC repository if it is none, and hold its settings to ours. Idempotent.

    Inside a git working tree DVC writes .gitignore files beside its outputs, unless git ignores dvc.lock there, which
    DVC refuses; everywhere else it runs without git.
    """
    _enter(workspace)
    from dvc.config import Config
    from dvc.repo import Repo

    if not (workspace.root / ".dvc" / "config").is_file():
        in_git = _git_root(workspace.root)
        no_scm = in_git is None or _git_ignores(workspace.root, "dvc.lock")
        Repo.init(
            str(workspace.root),
            no_scm=no_scm,
            subdir=not no_scm and in_git != workspace.root,
            force=(workspace.root / ".dvc").exists(),
        ).close()
    _ignore(workspace.root / ".dvcignore")
    config = Config(str(workspace.root / ".dvc"), validate=False)
    edited: Any = config.edit("repo")
    with edited as settings:
        for section, key, value in CONFIG:
            settings.setdefault(section, {}).setdefault(key, value)


@contextmanager
def open_repo(workspace: Workspace) -> Iterator[Any]:
    """The DVC repository of the workspace, waiting for its lock where it must; one per call and per thread."""
    _enter(workspace)
    check_unmerged(workspace)
    from dvc.repo import Repo
    from dvc.utils.strictyaml import YAMLSyntaxError, YAMLValidationError

    with Repo(str(workspace.root), _wait_for_lock=True) as repo:
        _heal_rwlock(Path(repo.tmp_dir or workspace.root / ".dvc" / "tmp"))
        try:
            yield repo
        except (YAMLSyntaxError, YAMLValidationError) as error:
            raise ValueError(
                f"DVC cannot read a file of {workspace.root}: {' '.join(str(error).split())}; put it right, or back from "
                "git (without dvc.lock the next run takes what the cache has)"
            ) from None


def check_unmerged(workspace: Workspace) -> None:
    """Raise ValueError when git left conflict markers in a file that DVC reads."""
    for name in ("dvc.lock", "dvc.yaml", "params.yaml"):
        path = workspace.root / name
        lines = path.read_text(errors="replace").splitlines() if path.is_file() else []
        marked = next((number for number, line in enumerate(lines, 1) if line.startswith(("<<<<<<<", ">>>>>>>"))), None)
        if marked is not None:
            raise ValueError(
                f"{path} holds git's conflict markers (line {marked}); take one side (`git checkout --ours {name}` or "
                "`--theirs`) and start again"
            )


def _heal_rwlock(folder: Path) -> None:
    """Remove DVC's list of who reads and writes what when a killed process left half of it; our own locks hold the rest."""
    path = folder / "rwlock"
    if not path.is_file() or _is_json(path):
        return
    from dvc.lock import make_lock

    with make_lock(str(folder / "rwlock.lock"), tmp_dir=str(folder)):  # DVC's own guard: nobody is writing now
        if path.is_file() and not _is_json(path):
            path.unlink()


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text())
    except (ValueError, FileNotFoundError):
        return False
    return True


def stage_names(workspace: Workspace) -> list[str]:
    """Every stage of dvc.yaml, expanded (`validate@fundus`), parents first."""
    graph = stage_graph(workspace)
    ordered: list[str] = []

    def visit(name: str) -> None:
        if name not in ordered:
            for parent in sorted(graph[name]):
                visit(parent)
            ordered.append(name)

    for name in graph:
        visit(name)
    return ordered


def stage_graph(workspace: Workspace) -> dict[str, set[str]]:
    """Stage -> the stages whose outputs it reads, in dvc.yaml's order."""
    with open_repo(workspace) as repo:
        graph = repo.index.graph
        names = {stage: stage.addressing for stage in repo.index.stages}
        return {name: {names[parent] for parent in graph.successors(stage)} for stage, name in names.items()}


def changed_stages(workspace: Workspace) -> dict[str, str]:
    """Stage -> why it must run; empty when nothing is to do.

    Names direct changes only (what comes after a changed stage is not listed), and trusts code.json: bring the stage
    `code` up to date first, it takes a second.
    """
    with open_repo(workspace) as repo:
        status: Mapping[str, list[Any]] = repo.status()
    reasons = {stage: _reason(entries) for stage, entries in status.items()}
    return {stage: reason for stage, reason in reasons.items() if reason}


def reproduce_stage(workspace: Workspace, target: str) -> StageOutcome:
    """Bring this one stage up to date, given that its parents are.

    Raises StageInterrupted when its command left with 75, StageFailed for any other failure, ValueError for a target
    that dvc.yaml does not have.
    """
    _enter(workspace)
    from dvc.exceptions import DvcException

    started, clock = time.monotonic(), time.time()
    try:
        with open_repo(workspace) as repo:
            ran = [stage.addressing for stage in repo.reproduce(target, single_item=True)]
    except DvcException as error:
        failure = _failure(workspace, target, error, clock)
    else:
        return StageOutcome(target, target in ran, time.monotonic() - started)
    raise failure from None


def push(workspace: Workspace, target: str | None = None) -> int:
    """Send what the stage made (without a target: what every stage made) to the default remote.

    Returns how many files went; 0 without a remote. Raises ValueError when the remote does not take them: what is made
    is safe in the cache, and the next run sends it.
    """
    url, _ = remote_address(workspace)
    if not url:
        return 0
    from dvc.exceptions import DvcException

    try:
        with open_repo(workspace) as repo:
            sent = int(repo.push(targets=[target] if target else None))
    except (DvcException, OSError) as error:
        raise ValueError(
            f"the DVC remote {url} does not take the files ({' '.join(str(error).split())}); "
            "see `dvc remote list`; the next `unimed retrain` sends them"
        ) from None
    if target is None:
        write_json(_sent(workspace), _what_a_remote_has(workspace))
    return sent


def is_sent(workspace: Workspace) -> bool:
    """Whether the default remote of today got all that dvc.lock names; True without a remote."""
    url, _ = remote_address(workspace)
    if not url:
        return True
    return _sent(workspace).is_file() and read_json(_sent(workspace)) == _what_a_remote_has(workspace)


def _sent(workspace: Workspace) -> Path:
    return workspace.private / "sent.json"


def _what_a_remote_has(workspace: Workspace) -> dict[str, str]:
    url, endpoint = remote_address(workspace)
    return {"remote": url, "endpoint": endpoint, "lock": digest(read_lock(workspace))}


def keep_folder(workspace: Workspace, folder: Path) -> None:
    """Put a folder of raw files into the cache, as `dvc add` does: <folder>.dvc names its hash, and a remote gets it."""
    with open_repo(workspace) as repo:
        repo.add([str(folder.relative_to(workspace.root))])


def read_lock(workspace: Workspace) -> dict[str, Any]:
    """Stage -> its entry in dvc.lock (cmd, deps, params, outs); empty before the first run."""
    path = workspace.root / "dvc.lock"
    return dict((load_yaml(path) or {}).get("stages", {})) if path.is_file() else {}


def cache_path(workspace: Workspace, md5: str) -> Path:
    """Where the cache keeps the object with this hash (it may not be there); a directory's hash ends in `.dir`."""
    with open_repo(workspace) as repo:
        return Path(repo.cache.local.oid_to_path(md5))


def remote_address(workspace: Workspace) -> tuple[str, str]:
    """URL of the default remote and its service's address (empty for AWS or a folder); both empty without a remote."""
    with open_repo(workspace) as repo:
        name = repo.config["core"].get("remote")
        if not name:
            return "", ""
        remote = repo.config["remote"][name]
        return str(remote["url"]), str(remote.get("endpointurl", ""))


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection of the cache removed, or would remove."""

    objects: int
    size_bytes: int
    paths: tuple[Path, ...]


def collect(workspace: Workspace, keep: Iterable[str], *, dry_run: bool = False) -> Collected:
    """Remove from the cache every object that neither dvc.lock (this workspace's and its experiments') nor `keep` names.

    `keep` holds md5 hashes; a directory's (`….dir`) keeps its files too. Holds DVC's lock meanwhile.
    """
    with open_repo(workspace) as repo, repo.lock:
        cache = repo.cache.local
        wanted = set(keep)
        for root in (workspace.root, *sorted((workspace.private / "experiments").glob("*"))):
            for entry in read_lock(Workspace(root)).values():
                wanted |= {item["md5"] for part in ("deps", "outs") for item in entry.get(part, []) if "md5" in item}
        for md5 in [md5 for md5 in wanted if md5.endswith(".dir")]:
            wanted |= set(_directory(Path(cache.oid_to_path(md5))).values())
        doomed = [(md5, Path(cache.oid_to_path(md5))) for md5 in cache.all() if md5 not in wanted]
        size = sum(path.stat().st_size for _, path in doomed)
        if not dry_run:
            # Directories first: a listing without its files would look complete to nobody, the reverse would.
            for _, path in sorted(doomed, key=lambda item: not item[0].endswith(".dir")):
                path.unlink(missing_ok=True)
                shutil.rmtree(f"{path}.unpacked", ignore_errors=True)
        return Collected(len(doomed), size, tuple(path for _, path in doomed))


def directory_entries(workspace: Workspace, md5: str) -> dict[str, str]:
    """Relative path -> md5 of the files of a directory object in the cache; raises ValueError when it is not there."""
    path = cache_path(workspace, md5)
    entries = _directory(path)
    if not path.is_file():
        raise ValueError(f"the DVC cache has no {md5} ({path}); `dvc pull` may bring it back")
    return entries


def _directory(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    return {entry["relpath"]: entry["md5"] for entry in json.loads(path.read_text())}


def _enter(workspace: Workspace) -> None:
    """Move the process into the workspace, put this interpreter first on PATH, and silence DVC."""
    if Path.cwd() != workspace.root:
        os.chdir(workspace.root)
    folder = str(Path(sys.executable).parent)
    path = os.environ.get("PATH", os.defpath)
    if path.split(os.pathsep)[0] != folder:
        os.environ["PATH"] = os.pathsep.join([folder, path])
    os.environ["SHELL"] = "/bin/sh"
    os.environ["DVC_NO_ANALYTICS"] = "1"
    os.environ[ENVIRONMENT] = str(workspace.root)
    import dvc.logger  # noqa: F401  (its import sets the levels, so it comes first)

    # Its warnings are about what is as it should be (an empty file of decisions); what fails is raised.
    for name in ("dvc", "dvc_data", "dvc_objects"):
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.getLogger("dvc.progress").setLevel(logging.CRITICAL)


def _reason(entries: Iterable[Any]) -> str:
    """DVC's status entries of one stage in one line; `always changed` is no news."""
    parts = []
    for entry in entries:
        if isinstance(entry, str):
            if entry != "always changed":
                parts.append(entry)
            continue
        for kind, items in entry.items():
            what = "output" if "outs" in kind else "input"
            parts += [f"{what} {name} {_state(state)}" for name, state in items.items()]
    return "; ".join(parts)


def _state(state: Any) -> str:
    if isinstance(state, Mapping):
        return "(" + ", ".join(f"{key} {value}" for key, value in state.items()) + ")"
    return {"deleted": "missing", "not in cache": "not in the cache"}.get(str(state), str(state))


def _failure(workspace: Workspace, target: str, error: Exception, since: float) -> Exception:
    """Our own error for DVC's: the interesting one is the innermost cause."""
    from dvc.stage.exceptions import StageCmdFailedError, StageNotFound

    chain: list[BaseException] = [error]
    while chain[-1].__cause__ is not None:
        chain.append(chain[-1].__cause__)
    text = " <- ".join(" ".join(str(link).split()) for link in chain)
    if any(isinstance(link, StageNotFound) for link in chain):
        return ValueError(f"dvc.yaml has no stage {target!r}")
    if not any(isinstance(link, StageCmdFailedError) for link in chain):
        return StageFailed(target, None, text, [])
    found = re.search(r"exited with (-?\d+)", text)
    code = int(found.group(1)) if found else None
    if code == INTERRUPTED:
        return StageInterrupted(target)
    reason = f"killed by signal {-code}" if code is not None and code < 0 else f"exit code {code}"
    return StageFailed(target, code, reason, _last_lines(workspace, target, since))


def _last_lines(workspace: Workspace, target: str, since: float) -> list[str]:
    """The end of the stage's log, unless an earlier run wrote it (file times are coarser than the clock)."""
    path = workspace.logs / f"{target.replace('@', '-')}.log"
    if not path.is_file() or path.stat().st_mtime < since - 1:
        return []
    with path.open(errors="replace") as handle:
        return [line.rstrip() for line in deque(handle, LOG_LINES)]


def _ignore(path: Path) -> None:
    present = path.read_text().splitlines() if path.is_file() else []
    missing = [line for line in IGNORED if line not in present]
    if missing:
        write_text(path, "\n".join([*present, *missing]) + "\n")


def _git_root(folder: Path) -> Path | None:
    return next((parent for parent in (folder, *folder.parents) if (parent / ".git").exists()), None)


def _git_ignores(folder: Path, name: str) -> bool:
    answer = subprocess.run(["git", "check-ignore", "-q", name], cwd=folder, check=False, capture_output=True)
    return answer.returncode == 0
