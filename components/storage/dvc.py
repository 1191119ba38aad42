"""Stages through DVC's Python API: which there are, what has changed, and bringing one up to date."""

import re
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.storage.dvc_cache import remove_damaged
from components.storage.dvc_repository import enter, open_repo, read_lock
from components.storage.made_with import SECTION, differences, flat, recorded_packages
from components.storage.marks import note_made
from components.storage.progress import progress_file
from components.storage.spans import take_over
from components.storage.workspace import Workspace

INTERRUPTED = 75
"""Exit code of a stage that was asked to stop and saved what it had."""
LOG_LINES = 20


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


def stage_graph(workspace: Workspace, *, looks: bool = False) -> dict[str, set[str]]:
    """Stage -> the stages whose outputs it reads, in dvc.yaml's order."""
    with open_repo(workspace, looks=looks) as repo:
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
    return _reasons(status, read_lock(workspace), recorded_packages(workspace))


def stages_to_change(workspace: Workspace, code: Mapping[str, Any]) -> dict[str, str]:
    """The same, were code.json this; nothing of the workspace is touched."""
    from dvc.dependency.param import ParamsDependency
    from dvc.repo import lock_repo

    with open_repo(workspace, looks=True) as repo, lock_repo(repo):  # outside, it forgets the stages that it has read
        for stage in repo.index.stages:
            for dependency in stage.deps:
                if isinstance(dependency, ParamsDependency) and Path(dependency.fs_path).name == "code.json":
                    keys = {key: _within(code, key) for key in dependency.params}
                    known = {key: value for key, value in keys.items() if value is not None}
                    dependency.read_params = lambda flatten=True, known=known, **_: known
        status: Mapping[str, list[Any]] = repo.status()
    reasons = _reasons(status, read_lock(workspace), flat(code))
    reasons.pop("code", None)  # it is what was given
    return reasons


def _reasons(
    status: Mapping[str, list[Any]], lock: Mapping[str, Any], packages: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    reasons = {stage: _reason(entries, _news(lock.get(stage, {}), packages)) for stage, entries in status.items()}
    return {stage: reason for stage, reason in reasons.items() if reason}


def _within(values: Any, key: str) -> Any:
    """The value at a dotted key; None where there is none."""
    for part in key.split("."):
        values = values.get(part) if isinstance(values, Mapping) else None
    return values


def reproduce_stage(workspace: Workspace, target: str) -> StageOutcome:
    """Bring this one stage up to date, given that its parents are.

    Raises StageInterrupted when its command left with 75, StageFailed for any other failure, ValueError for a target
    that dvc.yaml does not have.
    """
    enter(workspace)
    from dvc.exceptions import DvcException

    started, before = time.monotonic(), _written(workspace, target)
    try:
        with open_repo(workspace) as repo:
            ran = [stage.addressing for stage in repo.reproduce(target, single_item=True)]
        if target in ran and _written(workspace, target) == before and remove_damaged(workspace, target):
            with open_repo(workspace) as repo:  # its bytes came out of the cache, and were edited there
                repo.reproduce(target, single_item=True, force=True)
    except DvcException as error:
        failure = _failure(workspace, target, error, before)
    else:
        if target in ran:
            take_over(progress_file(workspace.progress, target), started)
            note_made(workspace, target)
        return StageOutcome(target, target in ran, time.monotonic() - started)
    raise failure from None


def _written(workspace: Workspace, target: str) -> tuple[int, ...]:
    """What changes when the stage's command runs, which writes its log anew; the same where its outputs came out of the
    cache. No clock is asked: it may have been set back meanwhile."""
    path = _log(workspace, target)
    if not path.is_file():
        return ()
    stat = path.stat()
    return stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size


def _log(workspace: Workspace, target: str) -> Path:
    return workspace.logs / f"{target.replace('@', '-')}.log"


def _news(entry: Mapping[str, Any], packages: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Key of code.json -> which packages are others than those that the stage's present outputs were made with."""
    made_with = entry.get("params", {}).get("code.json", {})
    return {
        key: ", ".join(differences(made_with[key], packages.get(key, {})))
        for key in made_with
        if key.startswith(f"{SECTION}.")
    }


def _reason(entries: Iterable[Any], news: Mapping[str, str]) -> str:
    """DVC's status entries of one stage in one line; `always changed` is no news, `news` says more of some keys."""
    parts = []
    for entry in entries:
        if isinstance(entry, str):
            if entry != "always changed":
                parts.append(entry)
            continue
        for kind, items in entry.items():
            what = "output" if "outs" in kind else "input"
            parts += [f"{what} {name} {_state(state, news)}" for name, state in items.items()]
    return "; ".join(parts)


def _state(state: Any, news: Mapping[str, str]) -> str:
    if isinstance(state, Mapping):
        return "(" + ", ".join(news.get(key) or f"{key} {value}" for key, value in state.items()) + ")"
    return {"deleted": "missing", "not in cache": "not in the cache"}.get(str(state), str(state))


def _failure(workspace: Workspace, target: str, error: Exception, before: tuple[int, ...]) -> Exception:
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
    return StageFailed(target, code, reason, _last_lines(workspace, target, before))


def _last_lines(workspace: Workspace, target: str, before: tuple[int, ...]) -> list[str]:
    """The end of the stage's log, unless an earlier run wrote it."""
    if _written(workspace, target) in (before, ()):
        return []
    with _log(workspace, target).open(errors="replace") as handle:
        return [line.rstrip() for line in deque(handle, LOG_LINES)]
