"""The workspace as a DVC repository: made, opened, healed where a kill or a merge left it broken; its lock file read.

DVC finds stages in the current directory, so every call first moves the process into the workspace: one workspace a
process at a time.
"""

import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from components.storage.atomic import write_text
from components.storage.user import have_user
from components.storage.workspace import ENVIRONMENT, Workspace
from components.storage.yaml_files import load_yaml

GIT_SECONDS = 60
IGNORED = (".gitignore", ".writing-*", "/.unimed/", "/.venv/")
"""Lines that .dvcignore must have: DVC takes any dvc.yaml below the workspace for its own, a registered version's too."""
CONFIG = (
    ("core", "analytics", False),
    ("core", "autostage", False),
    ("cache", "type", "reflink,hardlink,symlink,copy"),
)


def ensure_initialised(workspace: Workspace) -> None:
    """Make the workspace a DVC repository if it is none, and hold its settings to ours. Idempotent.

    Inside a git working tree DVC writes .gitignore files beside its outputs, unless git ignores dvc.lock there, which
    DVC refuses; everywhere else, and on a machine without git, it runs without git.
    """
    enter(workspace)
    from dvc.config import Config
    from dvc.repo import Repo

    if not is_initialised(workspace):
        in_git = _git_root(workspace.root) if shutil.which("git") else None
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


def is_initialised(workspace: Workspace) -> bool:
    """Whether the workspace is a DVC repository: its first run makes it one."""
    return (workspace.root / ".dvc" / "config").is_file()


@contextmanager
def open_repo(workspace: Workspace, *, looks: bool = False) -> Iterator[Any]:
    """The DVC repository of the workspace, waiting for its lock where it must; one per call and per thread.

    looks: nothing of the workspace is touched, its lock included; what somebody else changes meanwhile may be seen by half.
    """
    enter(workspace)
    check_unmerged(workspace)
    looks = looks or not os.access(
        workspace.root / ".dvc", os.W_OK
    )  # whoever only looks may, where nothing can be written
    from dvc.lock import LockNoop
    from dvc.repo import Repo
    from dvc.utils.strictyaml import YAMLSyntaxError, YAMLValidationError

    if not is_initialised(workspace):
        raise ValueError(f"nothing has run in {workspace.root} yet; `unimed retrain` begins")
    with Repo(str(workspace.root), _wait_for_lock=True) as repo, TemporaryDirectory() as elsewhere:
        if looks:
            repo.lock, repo.tmp_dir = LockNoop(), elsewhere
        else:
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


def read_lock(workspace: Workspace) -> dict[str, Any]:
    """Stage -> its entry in dvc.lock (cmd, deps, params, outs); empty before the first run."""
    path = workspace.root / "dvc.lock"
    return dict((load_yaml(path) or {}).get("stages", {})) if path.is_file() else {}


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


def enter(workspace: Workspace) -> None:
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
    have_user(workspace.private / "home")
    import dvc.logger  # noqa: F401  (its import sets the levels, so it comes first)

    # Its warnings are about what is as it should be (an empty file of decisions); what fails is raised.
    for name in ("dvc", "dvc_data", "dvc_objects"):
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.getLogger("dvc.progress").setLevel(logging.CRITICAL)


def _ignore(path: Path) -> None:
    present = path.read_text().splitlines() if path.is_file() else []
    missing = [line for line in IGNORED if line not in present]
    if missing:
        write_text(path, "\n".join([*present, *missing]) + "\n")


def _git_root(folder: Path) -> Path | None:
    return next((parent for parent in (folder, *folder.parents) if (parent / ".git").exists()), None)


def _git_ignores(folder: Path, name: str) -> bool:
    command = ["git", "check-ignore", "-q", name]
    answer = subprocess.run(command, cwd=folder, check=False, capture_output=True, timeout=GIT_SECONDS)
    return answer.returncode == 0
