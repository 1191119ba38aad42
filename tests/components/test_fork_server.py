"""Stages as forks: where they work, how they end, and that none outlives whoever waits for it or the process it came from."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from components.fork_server import ADDRESS

NURSERY = """
import os, signal, sys, time
from components.fork_server import ForkServer

prepared = []

def work(argv, began):
    if argv[0] == "fail":
        raise RuntimeError("the stage's own")
    if argv[0] == "listen":
        signal.signal(signal.SIGTERM, lambda *_: os._exit(75))
    print(os.getpid(), os.getcwd(), os.environ.get("SAID"), began, prepared, flush=True)
    if argv[0] in ("listen", "sleep"):
        time.sleep(600)
    return int(argv[1])

ForkServer(folder=os.getcwd(), prepare=prepared.append, work=work).serve(sys.argv[1])
"""
CALLER = """
import signal, sys
from components.fork_server import ask
print("code", ask(sys.argv[1:], 12.5), signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, flush=True)
"""
SECONDS = 30.0


@pytest.fixture
def fork_server(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process to fork from, in a folder of its own, whose name is the socket's."""
    name = tmp_path.name  # pytest gives each test one of its own
    process = start(NURSERY, name, folder=tmp_path)
    wait_for(lambda: f"@{name}\n" in Path("/proc/net/unix").read_text())
    yield process
    process.kill()
    process.communicate()


def start(program: str, *arguments: str, folder: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])} | environment,
    )


def call(name: str, *arguments: str, folder: Path, **environment: str) -> subprocess.Popen[str]:
    """Somebody who asks for a fork."""
    return start(CALLER, *arguments, folder=folder, **{ADDRESS: name}, **environment)


def working(caller: subprocess.Popen[str]) -> psutil.Process:
    """The fork, once it is at work."""
    assert caller.stdout is not None
    return psutil.Process(int(caller.stdout.readline().split()[0]))


def wait_for(what: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_fork_works_where_its_caller_is_with_its_environment_and_streams_and_imports_are_made_once(
    fork_server, tmp_path
):
    pids = set()
    for code in ("0", "3"):
        said, error = call(tmp_path.name, "count", code, folder=tmp_path, SAID=code).communicate(timeout=SECONDS)
        pid, rest = said.split(maxsplit=1)
        pids.add(pid)
        assert rest == f"{tmp_path} {code} 12.5 ['count']\ncode {code} False\n" and error == ""
    assert len(pids) == 2 and str(fork_server.pid) not in pids


def test_what_a_stage_raises_is_written_to_its_callers_stream_and_is_exit_code_1(fork_server, tmp_path):
    said, error = call(tmp_path.name, "fail", folder=tmp_path).communicate(timeout=SECONDS)
    assert said == "code 1 False\n" and "RuntimeError: the stage's own" in error


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_caller_that_is_asked_to_stop_asks_its_fork(fork_server, tmp_path, number):
    caller = call(tmp_path.name, "listen", folder=tmp_path)
    working(caller)
    caller.send_signal(number)
    assert caller.communicate(timeout=SECONDS)[0] == "code 75 False\n"


def test_a_caller_dies_of_what_its_fork_died_of(fork_server, tmp_path):
    for number in (signal.SIGKILL, signal.SIGTERM):
        caller = call(tmp_path.name, "sleep", folder=tmp_path)
        working(caller).send_signal(number)
        caller.communicate(timeout=SECONDS)
        assert caller.returncode == -number


def test_a_fork_does_not_outlive_its_caller_and_others_go_on(fork_server, tmp_path):
    callers = [call(tmp_path.name, "sleep", folder=tmp_path) for _ in range(2)]
    one, other = (working(caller) for caller in callers)
    callers[0].kill()
    callers[0].communicate()
    psutil.wait_procs([one], timeout=SECONDS)
    assert not one.is_running() and other.is_running()
    said, _ = call(tmp_path.name, "count", "0", folder=tmp_path).communicate(timeout=SECONDS)
    assert said.endswith("code 0 False\n")
    callers[1].kill()
    callers[1].communicate()


def test_no_fork_outlives_the_process_it_came_from_and_its_caller_says_that_it_was_killed(fork_server, tmp_path):
    caller = call(tmp_path.name, "sleep", folder=tmp_path)
    fork = working(caller)
    fork_server.kill()
    caller.communicate(timeout=SECONDS)
    assert caller.returncode == -signal.SIGKILL
    wait_for(lambda: not fork.is_running() or fork.status() == psutil.STATUS_ZOMBIE)


def test_in_another_folder_or_where_nobody_answers_the_caller_does_it_itself(fork_server, tmp_path):
    (tmp_path / "other").mkdir()
    said, _ = call(tmp_path.name, "count", "0", folder=tmp_path / "other").communicate(timeout=SECONDS)
    assert said == "code None True\n"
    fork_server.kill()
    fork_server.wait()
    said, _ = call(tmp_path.name, "count", "0", folder=tmp_path).communicate(timeout=SECONDS)
    assert said == "code None True\n"
    assert start(CALLER, folder=tmp_path, **{ADDRESS: ""}).communicate(timeout=SECONDS)[0] == "code None True\n"


def test_a_fork_of_a_process_with_all_imports_has_one_thread_and_computes(tmp_path):
    """No library starts a thread as it is imported, whose locks a fork would find as they happened to be."""
    program = """
import json, os, sys, threading
from importlib import import_module
from components import stage
from components.fork_server import IMPORTS
stage.set_environment(2)
for name in ("validate", "start", "train", "predict", "evaluate", "judge"):
    stage.function_of(name)
    for module in IMPORTS.get(name, ()):
        import_module(module)
print(json.dumps([thread.name for thread in threading.enumerate()]), flush=True)
if not (pid := os.fork()):
    import torch, pandas
    torch.set_num_threads(2)
    total = (torch.ones(512, 512) @ torch.ones(512, 512)).sum().item() + pandas.Series([1, 2]).sum()
    os._exit(0 if total == 512**3 + 3 else 1)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    said, error = start(program, folder=tmp_path).communicate(timeout=300)
    threads, code = said.splitlines()
    assert (json.loads(threads), code) == (["MainThread"], "0"), error
