"""The memory of this process, and of everything a command starts, its detached servers too."""

import os
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

import psutil

MARK = "UNIMED_BENCHMARK_MARK"
EVERY_SECONDS = 1.0


def peak_bytes() -> int:
    """The most that this process has held. Not getrusage: its peak is also that of the process which started this one."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


@dataclass(frozen=True, slots=True)
class Peak:
    """The moment of the largest sum: bytes in all, bytes of the largest process, how many processes."""

    total: int = 0
    largest: int = 0
    processes: int = 0


def run_and_watch(command: list[str], cwd: Path, environment: dict[str, str]) -> tuple[int, Peak]:
    """Run the command; its exit code, and the largest sum of proportional set sizes over all it started.

    Processes are found by a mark in their environment, which those that leave the process group inherit as well.
    What it prints goes to standard error. A page that several processes share counts once in the sum (PSS). Sampled once a second.
    """
    mark = uuid.uuid4().hex
    process = subprocess.Popen(command, cwd=cwd, env=environment | {MARK: mark}, stdout=sys.stderr)
    peak = Peak()
    marked: dict[tuple[int, float], bool] = {}
    while True:
        try:
            return process.wait(timeout=EVERY_SECONDS), peak
        except subprocess.TimeoutExpired:
            sizes = _sizes(mark, marked)
            if sum(sizes) > peak.total:
                peak = Peak(sum(sizes), max(sizes), len(sizes))


def _sizes(mark: str, marked: dict[tuple[int, float], bool]) -> list[int]:
    """Bytes (PSS) of each living process with the mark; `marked` remembers who has it."""
    sizes = []
    for process in psutil.process_iter():
        try:
            key = (process.pid, process.create_time())
            if process.pid == os.getpid() or not marked.setdefault(key, process.environ().get(MARK) == mark):
                continue
            sizes.append(process.memory_full_info().pss)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return sizes
