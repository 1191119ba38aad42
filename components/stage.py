"""The one door to a stage: `python -P -m components.stage NAME [ITEM]`, as dvc.yaml calls it.

-P keeps the workspace off the import path: a file there that is called like a module is data, and stays unread.

Sets the environment before any heavy import, takes the stage's lock, ties itself to its parent's life, listens to
signals, starts the progress file, calls the component, and leaves by os._exit: torch and friends take seconds to tear
down and have nothing left to say.
"""

import gc
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO

from components.storage.made_with import ARITHMETIC
from components.storage.spans import count_imports, process_began, put_down, spending, told

if TYPE_CHECKING:
    from components.context import Opening, StageRun, Tracker
    from components.storage.workspace import Workspace

STAGES = {
    "code": "components.sources.code_file:write_code",
    "validate": "components.validation.stage:validate",
    "admit": "components.validation.admission:admit",
    "assemble": "components.assembly.stage:assemble",
    "judge": "components.evaluation.judge:train_judge",
    "start": "components.training.start:make_start",
    "train": "components.training.stage:train",
    "predict": "components.evaluation.predict:predict",
    "evaluate": "components.evaluation.evaluate:evaluate",
    "predict-exam": "components.evaluation.exam:predict_exam",
    "predict-checkpoint": "components.evaluation.checkpoint:predict_checkpoint",
}
"""Stage name -> the function that does it."""

GRACE_SECONDS = 6.0
"""Of a stage that asks for no more."""
EXIT_FAILED, EXIT_IMPOSSIBLE, EXIT_CANNOT_PREDICT, EXIT_AGAIN = 1, 2, 3, 75

ENVIRONMENT = {
    # Silence: nothing calls home, nothing waits for the network.
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "RAY_USAGE_STATS_ENABLED": "0",
    "GX_ANALYTICS_ENABLED": "false",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
    **ARITHMETIC,
    # Threads that wait for each other sleep, and leave their core to whoever has work.
    "OMP_WAIT_POLICY": "PASSIVE",
    # Ray: fewer actors, a quick poll, no token between processes of one machine.
    "RAY_AUTH_MODE": "disabled",
    "RAY_TRAIN_V2_ENABLED": "1",
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.2",
    "RAY_TRAIN_METRICS_ENABLED": "0",
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",
    "MPLBACKEND": "Agg",
}
UNUSED = {
    "transformers": ("start", "train", "predict", "predict-exam", "predict-checkpoint"),
    "scipy": ("start", "train"),
}
"""Package -> stages that never use it and for which it is not there: diffusers imports what it finds, for half of the
seconds that it takes. No process but a stage's own does without, for others may want diffusers' other parts."""
NAMED_CLUSTER = {"RAY_AUTH_MODE": "token", "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "1"}
"""Where RAY_ADDRESS names a cluster: others reach it, and its nodes may be told that they are about to go."""
BEGUN_ANEW = "UNIMED_STAGE_BEGUN_ANEW"
"""Set by a stage's process that begins anew, for itself: it does so once."""
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


LOOPBACK = ("127.0.0.1", "localhost", "::1")


def spare_loopback() -> None:
    """Let no proxy stand between this process or its children and servers on this machine."""
    names = ("NO_PROXY", "no_proxy")  # some clients read the one, some the other
    spared = [entry.strip() for name in names for entry in os.environ.get(name, "").split(",") if entry.strip()]
    for name in names:
        os.environ[name] = ",".join(dict.fromkeys([*spared, *LOOPBACK]))


def set_environment(threads: int) -> None:
    """Silence, processor level and thread count of this process and its children; call before torch is imported."""
    spare_loopback()
    for name, value in (ENVIRONMENT | (NAMED_CLUSTER if os.environ.get("RAY_ADDRESS") else {})).items():
        if name.startswith("RAY_AUTH") and os.environ.get(name):
            continue
        os.environ[name] = value
    for name in _THREADS:
        os.environ[name] = str(threads)


def main(argv: list[str]) -> int:
    """Run the stage that argv names; the exit code: 0 done, 1 failed, 2 impossible, 3 no prediction with this
    checkpoint, 75 start me again."""
    if len(argv) not in (1, 2) or argv[0] not in STAGES:
        print(f"usage: python -P -m components.stage NAME [ITEM]; NAME is one of {', '.join(STAGES)}")
        return EXIT_IMPOSSIBLE
    from components.fork_server import ask
    from components.storage.lifeline import die_with_parent

    die_with_parent()
    began = process_began()
    code = ask(argv, began)
    return do(argv, began) if code is None else code


def do(argv: list[str], began: float) -> int:
    """Be the process of the stage, which began, or whose caller did, at this moment of the monotonic clock; the exit code."""
    name, item = argv[0], argv[1] if len(argv) == 2 else ""
    count_imports()
    # Imports make a million objects that stay; looking through them as often as by default takes a second or two.
    gc.set_threshold(50_000, 20, 50)
    from components.storage.lifeline import die_with_parent

    die_with_parent()
    stop, grace = threading.Event(), Grace()
    listen(stop, grace)

    from components.storage.user import have_user
    from components.storage.workspace import ENVIRONMENT as WORKSPACE
    from components.storage.workspace import Workspace

    workspace = Workspace(Path.cwd().resolve())
    os.environ[WORKSPACE] = str(workspace.root)
    have_user(workspace.private / "home")
    return run(workspace.root, name, item, stop, grace, began)


def run(root: Path, name: str, item: str, stop: threading.Event, grace: "Grace", began: float) -> int:
    """Read the recipe, hold the stage's lock, call the component, say how it ended."""
    from components.context import CannotPredict, Interrupted, StageContext, StartAgain
    from components.recipes.recipe import read_recipe
    from components.storage.addresses import shown
    from components.storage.locks import Held, hold
    from components.storage.private import make_private
    from components.storage.progress import Progress
    from components.storage.workspace import Workspace

    workspace = Workspace(root)
    stage = f"{name}@{item}" if item else name
    file_name = stage.replace("@", "-")
    try:
        recipe = read_recipe(workspace.params)
    except ValueError as error:
        print(error, file=sys.stderr)
        return EXIT_IMPOSSIBLE
    set_environment(recipe.compute.threads)
    make_private(workspace)
    with ExitStack() as stack:
        try:
            # A killed run's stage may live for a moment longer; it dies with its parent, so wait for it.
            stack.enter_context(hold(workspace.private / "locks" / f"{file_name}.lock", stage, wait_seconds=30))
        except Held as error:
            print(error, file=sys.stderr)
            return EXIT_IMPOSSIBLE
        log = workspace.logs / f"{file_name}.log"
        terminal = log_to(log)
        progress = Progress.start(workspace.progress, stage)
        if BEGUN_ANEW in os.environ:
            progress.say("begun anew, for what it worked with was lost")
        context = StageContext(
            workspace=workspace,
            recipe=recipe,
            item=item,
            progress=progress,
            stop=stop,
            grace=grace.allow,
            tracker=mlflow_of(workspace),
            open_exam=openings_of(workspace),
        )
        begun = time.monotonic()
        try:
            function = function_of(name)
            with spending("work"):
                function(context)
        except Interrupted as error:
            if isinstance(error, StartAgain) and BEGUN_ANEW not in os.environ and not stop.is_set():
                _begin_anew(terminal)
            progress.finish("interrupted", str(error))
            return EXIT_AGAIN
        except BaseException as error:
            print(shown(traceback.format_exc()), file=sys.stderr)
            said = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
            progress.finish("failed", said)
            from components.registry.tracking import PARENT

            said = shown(said)
            if PARENT not in os.environ:  # a run shows the progress file; after a bare `dvc repro` this is all there is
                terminal.write(f"{stage}: {said}\nThe log is {log}\n")
            return EXIT_CANNOT_PREDICT if isinstance(error, CannotPredict) else EXIT_FAILED
        put_down("imports", began)  # what is not work
        progress.finish("done", f"{time.monotonic() - begun:.1f} s", spent=told())
    return 0


def _begin_anew(terminal: TextIO) -> NoReturn:
    from components.storage.lifeline import begin_anew

    for number in (1, 2):  # its errors go where they went before
        os.dup2(terminal.fileno(), number)
    begin_anew(BEGUN_ANEW)


def mlflow_of(workspace: "Workspace") -> "Tracker":
    """The tracker of a workspace: what a stage says of its run goes to MLflow, and never waits for it."""

    def open_run(stage: str, run_key: str, /) -> "AbstractContextManager[StageRun]":
        from components.registry.watching import watched

        return watched(workspace, stage, run_key)

    return open_run


def openings_of(workspace: "Workspace") -> "Opening":
    """What writes an opening of the exam into the workspace's database, which is imported when one is."""

    def write(exam: str, version: int, weights_sha256: str, /) -> None:
        from components.registry.openings import open_exam

        open_exam(workspace, exam, version, weights_sha256)

    return write


def function_of(name: str) -> Callable[..., None]:
    """The component's function behind a stage name; heavy imports happen here, after the environment is set."""
    leave_out(name)
    module, _, function = STAGES[name].partition(":")
    return getattr(import_module(module), function)


def leave_out(name: str) -> None:
    """Let packages that the stage never uses be missing in this process, and only those."""
    for package, stages in UNUSED.items():
        if name in stages:
            sys.modules.setdefault(package, None)  # type: ignore[arg-type]  (its import fails, as if it were not installed)
        elif sys.modules.get(package, package) is None:  # in a process where another stage did without
            del sys.modules[package]


class Grace:
    """How long this process may live once it was asked to stop."""

    def __init__(self, seconds: float = GRACE_SECONDS) -> None:
        self._seconds = seconds
        self._asked_at: float | None = None
        self._timer: threading.Timer | None = None

    def allow(self, seconds: float) -> None:
        """So long, from the moment that it was or will be asked."""
        self._seconds = seconds
        if self._asked_at is not None:
            self._leave_in(self._asked_at + seconds - time.monotonic())

    def begin(self) -> None:
        """It was asked."""
        self._asked_at = time.monotonic()
        self._leave_in(self._seconds)

    def _leave_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(max(seconds, 0), os._exit, args=(EXIT_AGAIN,))
        self._timer.daemon = True
        self._timer.start()


def listen(stop: threading.Event, grace: Grace) -> None:
    """On SIGTERM or SIGINT set the stop flag; a stage that is not back within its grace is left as it is, to be redone."""

    def asked(*_: object) -> None:
        if not stop.is_set():
            stop.set()
            grace.begin()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, asked)


def log_to(path: Path) -> TextIO:
    """Send this process's output to the stage's log file; children inherit it. What its errors went to before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    before = os.fdopen(os.dup(2), "w", buffering=1)
    with path.open("a" if BEGUN_ANEW in os.environ else "w") as handle:
        os.dup2(handle.fileno(), 1)
        os.dup2(handle.fileno(), 2)
    return before


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
