"""Every hostile case, read and judged as `validate` does, each in a process of its own under limits of memory and CPU time.

`python -m tests.faults.hostile [--only TEXT]` prints one JSON object a case: what came of its items, the seconds that
reading and judging took, and the bytes that they needed beyond what reading a harmless file of the same format needs.
"""

import argparse
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

from components.recipes.recipe import Recipe, read_recipe
from components.recipes.shipped import read_shipped
from components.recipes.sources import SourceSettings
from components.sources.table import read_source
from components.validation.judging import READING, judge
from tests.faults.cases import KEPT, RECIPE, REFUSED, Case
from tests.faults.hostile_archives import ARCHIVES
from tests.faults.hostile_parquet import HARMLESS_PARQUET, PARQUET
from tests.faults.hostile_pictures import CANARY, PICTURES
from tests.faults.hostile_rows import HARMLESS_ROWS, RECIPES, ROWS
from tests.faults.hostile_scans import HARMLESS_SCANS, SCANS

CASES: Mapping[str, Case] = PICTURES | SCANS | ARCHIVES | ROWS | PARQUET | RECIPES
HARMLESS: Mapping[str, Case] = HARMLESS_SCANS | HARMLESS_ROWS | HARMLESS_PARQUET
CPU_SECONDS = 10
"""After which a case is ended: a hang."""
ADDRESSES = 2 * 2**30
"""Bytes of address space that a case may take beyond what libraries hold before anything is read."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a case, beyond what a harmless file of its format takes."""

    items: Mapping[str, int]
    """Reason, or KEPT -> items. Empty when the process was ended."""
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    has_suite: bool = False
    """Whether a record was read, so that the suite ran, which takes its second for one as for a thousand."""
    ended: str = ""
    """What ended the process, where it did not come to its end."""


def outcomes(names: list[str]) -> Iterator[tuple[str, Outcome]]:
    """(case, outcome); the peak without that of a harmless file of its format. Libraries are loaded before, once."""
    recipe = read_shipped("tiny-scratch")
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        for case in HARMLESS.values():
            _prepared(case, Path(name), recipe)
        idle = {kind: _measured(case, Path(name), recipe) for kind, case in HARMLESS.items()}
        for name_of_case in names:
            case = CASES[name_of_case]
            found = _measured(case, Path(name), recipe)
            yield name_of_case, _beyond(found, idle.get(case.format, idle["jsonl"]))
            assert not CANARY.exists(), f"{name_of_case}: a pickle was executed"
        os.chdir("/")


def _beyond(found: Outcome, idle: Outcome) -> Outcome:
    """The outcome without what a harmless file costs: its memory, and its time where the suite ran as for that one."""
    times = (idle.seconds, idle.cpu_seconds) if found.has_suite else (0.0, 0.0)
    return replace(
        found,
        seconds=max(0.0, found.seconds - times[0]),
        cpu_seconds=max(0.0, found.cpu_seconds - times[1]),
        peak_bytes=max(0, found.peak_bytes - idle.peak_bytes),
    )


def _prepared(case: Case, folder: Path, recipe: Recipe) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as place:
        case.write(Path(place))
        found, _ = _items(case, Path(place), recipe)
        assert case.is_as_expected(found), (case.format, found)


def _measured(case: Case, folder: Path, recipe: Recipe) -> Outcome:
    with tempfile.TemporaryDirectory(dir=folder) as place:
        case.write(Path(place))
        fork = multiprocessing.get_context("fork")
        here, there = fork.Pipe(duplex=False)
        process = fork.Process(target=_child, args=(case, Path(place), recipe, there))
        process.start()
        there.close()
        try:
            found = here.recv()
        except EOFError:
            found = None
        process.join()
    if found is None:
        return Outcome({}, CPU_SECONDS, CPU_SECONDS, ADDRESSES, ended=f"exit code {process.exitcode}")
    return found


def _child(case: Case, folder: Path, recipe: Recipe, there: Connection) -> None:
    limit = _status_bytes("VmSize") + ADDRESSES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = _status_bytes("VmHWM")
    began, spent = time.perf_counter(), time.process_time()
    ended, has_suite = "", False
    try:
        items, has_suite = _items(case, folder, recipe)
    except BaseException as error:
        items, ended = Counter(), f"{type(error).__name__}: {str(error)[:200]}"
    took, cpu = time.perf_counter() - began, time.process_time() - spent
    there.send(Outcome(dict(items), took, cpu, _status_bytes("VmHWM") - before, has_suite, ended))


def _status_bytes(name: str) -> int:
    status = Path("/proc/self/status").read_text()
    return 1024 * int(next(line.split()[1] for line in status.splitlines() if line.startswith(name)))


def _items(case: Case, folder: Path, recipe: Recipe) -> tuple[Counter[str], bool]:
    """(what came of the items, whether the suite ran)."""
    if case.format == RECIPE:
        try:
            read_recipe(folder / "params.yaml")
        except ValueError:
            return Counter([REFUSED]), False
        return Counter([KEPT]), False
    options = {"public": True} if case.format in ("dicom", "nifti") else {}
    settings = SourceSettings(path="data/raw/s", format=case.format, options=options)
    judged = judge("s", read_source(folder, "s", settings), recipe.validation, decisions={}, accepted={})
    has_suite = bool(judged.rows) or any(row["suite"] != READING for row in judged.quarantine)
    return Counter([KEPT] * len(judged.rows) + [row["reason"] for row in judged.quarantine]), has_suite


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    options = parser.parse_args()
    for name, outcome in outcomes([name for name in CASES if options.only in name]):
        print(json.dumps({"name": name, **asdict(outcome)}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
