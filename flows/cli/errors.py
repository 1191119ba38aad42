"""From an exception to one clear line and an exit code; the traceback goes to a file."""

import errno
import os
import re
import sys
import time
import traceback
from pathlib import Path

from components.storage.addresses import shown
from components.storage.full_disk import advice, is_full, lacks_room, says_full, temporary

DONE, FAILED, IMPOSSIBLE, AGAIN = 0, 1, 2, 75

UNREADABLE = re.compile("file is not a database|malformed")
"""SQLite's words for a file that is none of its own, or no longer."""


class Failed(Exception):
    """It was tried and did not work: exit 1."""


class StartAgain(Exception):
    """Stopped on request with the work saved: exit 75."""


def explain(error: BaseException) -> int:
    """Print one line for the error and return the exit code: 2 for what the user asked, 1 for what failed."""
    code, text = _verdict(error)
    print(shown(text), file=sys.stderr)
    return code


def _verdict(error: BaseException) -> tuple[int, str]:
    names = {kind.__name__ for kind in type(error).__mro__}
    if isinstance(error, KeyboardInterrupt):
        return AGAIN, "stopped; start the same command again to go on"
    if isinstance(error, StartAgain) or names & {"StageInterrupted", "Interrupted"}:
        return AGAIN, str(error)
    if "StageFailed" in names:
        return FAILED, stage_failure(error)
    if "Away" in names:
        return FAILED, str(error)
    if is_full(error):
        return FAILED, f"{' '.join(str(error).split())[:300]}\n{advice(str(error), _root())}"
    if isinstance(error, Failed):
        return FAILED, str(error)
    if isinstance(error, ValueError) and _is_ours(error):
        return IMPOSSIBLE, str(error)
    if "TransportError" in names:  # of httpx, which Prefect's client speaks through
        return FAILED, _of_prefect(error)
    if "MlflowException" in names:
        return FAILED, _of_mlflow(error)
    if "OperationalError" in names or ("DatabaseError" in names and UNREADABLE.search(str(error))):
        return FAILED, _of_a_database(error)
    if isinstance(error, OSError):
        return _of_the_system(error)
    first = " ".join(str(error).split())[:300]
    return FAILED, f"unexpected {type(error).__name__}: {first}; {kept_traceback(error)}"


def stage_failure(error: BaseException) -> str:
    """What the stage said when it failed, in one line, and where its log is."""
    stage, reason = getattr(error, "stage", "?"), getattr(error, "reason", str(error))
    said = last_words(stage) or reason
    room = f"\n{advice(said, _root())}" if says_full(said) or lacks_room(_root()) else ""
    wrote = getattr(
        error, "log_lines", None
    )  # of this run; a stage that failed before its log has said it on the terminal
    return f"stage {stage} failed: {said}{room}" + (f"\nits log: unimed logs {stage}" if wrote else "")


def last_words(stage: str) -> str:
    """The message of the failed stage's last progress line; empty when there is none."""
    from components.storage.workspace import find_workspace
    from flows.following import read_last

    try:
        line = read_last(find_workspace().progress, stage)
    except ValueError:
        return ""
    return str(line.get("message", "")) if line.get("state") == "failed" else ""


def _root() -> Path:
    """The workspace around the current folder, else that folder."""
    from components.storage.workspace import find_workspace

    try:
        return find_workspace().root
    except ValueError:
        return Path.cwd()


def _of_prefect(error: BaseException) -> str:
    """Which server it was, where it may have said why, and that nothing is lost."""
    log = _root() / ".unimed" / "logs" / "prefect-server.log"
    where = f"; the last words of a run's own one are in {log}" if log.is_file() else ""
    server = f"the Prefect server at {shown(os.environ.get('PREFECT_API_URL', 'an unknown address'))}"
    said = " ".join(str(error).split())[:300] or type(error).__name__
    return f"{server} is gone ({said}){where}; the stages that ended stand: start the same command again to go on"


def _of_mlflow(error: BaseException) -> str:
    """Which MLflow it was and what it said; the traceback too where that is not only that nobody answered."""
    address = os.environ.get("MLFLOW_TRACKING_URI")
    where = f"MLflow at {shown(address)}" if address else "the workspace's own MLflow"
    said = " ".join(str(error).split())
    if "failed with exception" in said:  # its client's words for a server that no request reached
        reason = said.rpartition("(Caused by ")[2][:200]
        return (
            f"{where} does not answer ({reason}); start it, or correct MLFLOW_TRACKING_URI, then the same command again"
        )
    fix = (
        "see whether MLFLOW_TRACKING_URI names an MLflow server"
        if address
        else "`unimed doctor` looks at the workspace"
    )
    return f"{where} says: {said[:300]}; {fix}; {kept_traceback(error)}"


def _of_a_database(error: BaseException) -> str:
    """Which database it was, as far as that is known, and what it or the way to it says."""
    address = os.environ.get("UNIMED_DATABASE_URL")
    said = " ".join(str(getattr(error, "orig", None) or error).split())[:300]
    fix = "start it, or correct UNIMED_DATABASE_URL" if address else "`unimed doctor` says which"
    return f"{shown(address) if address else 'a database of this workspace'} cannot be used ({said}); {fix}"


def _of_the_system(error: OSError) -> tuple[int, str]:
    name = error.filename if isinstance(error.filename, str | os.PathLike) else ""
    text = f"{name}: {error.strerror or error}" if name else str(error.strerror or error)
    if isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError | FileExistsError):
        return IMPOSSIBLE, text
    if isinstance(error, PermissionError):
        return IMPOSSIBLE, f"{text}; this user may not do that there"
    if error.errno == errno.EROFS:
        return IMPOSSIBLE, f"{text}; what only looks works here, and nothing that writes"
    return FAILED, f"{text}; {kept_traceback(error)}"


def _is_ours(error: ValueError) -> bool:
    """Whether our own code raised it with words for people: its innermost frame lies in flows, components or model."""
    frames = traceback.extract_tb(error.__traceback__)
    root = Path(__file__).parents[2]
    return not frames or any(
        Path(frames[-1].filename).is_relative_to(root / room) for room in ("flows", "components", "model")
    )


def kept_traceback(error: BaseException) -> str:
    """Write the traceback where the user can send it from, and say where that is: the logs of the current folder's
    workspace, else the temporary folder. A disk that takes neither ends nothing."""
    text = "".join(traceback.format_exception(error))
    for folder in (_root() / ".unimed" / "logs", temporary()):
        path = folder / "unimed-error.log"
        try:
            folder.mkdir(exist_ok=True)
            with path.open("a") as handle:
                handle.write(shown(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {' '.join(sys.argv)}\n{text}\n"))
        except OSError:
            continue
        return f"the traceback is in {path}"
    return "its traceback could be written nowhere"
