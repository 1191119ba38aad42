"""`make prove ONLY=full_disk`: the disk of the workspace, of DVC's cache or of temporary files is filled in the middle of a micro
retrain. The run must end by itself, saying so; with room again the same command must go on to an undisturbed run's weights."""

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from components.storage.atomic import TEMPORARY
from components.storage.workspace import Workspace
from tests.faults.killing import current_stage, weights_sha256
from tests.fixtures.disks import fill, small_disk
from tests.fixtures.micro import UNIMED, clean_environment, make_workspace, run_unimed
from tests.proofs.outcome import FAILED, NOT_TRIED, PASSED

SIZES = {"workspace": "900m", "cache": "700m", "temporary": "64m"}
"""Of each disk: a first run asks for 600 MB of room before it begins."""
STAGES = ("assemble", "start", "train-foundation", "predict")
SECONDS = 1800


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--disk", choices=sorted(SIZES), action="append")
    parser.add_argument("--stage", choices=STAGES, action="append", help="in which the disk fills")
    arguments = parser.parse_args()
    wrong, tried, ended = [], 0, 0
    with tempfile.TemporaryDirectory(prefix="unimed-full-") as temporary:
        folder = Path(temporary)
        undisturbed = make_workspace(folder / "undisturbed")
        run_unimed("retrain", cwd=undisturbed.root)
        print(f"undisturbed: weights {weights_sha256(undisturbed)[:16]}", flush=True)
        for disk in arguments.disk or list(SIZES):
            for stage in arguments.stage or list(STAGES):
                try:
                    begun, at = time.monotonic(), folder / f"{disk}-{stage}"
                    said, has_ended, faults = _filled_and_again(at, disk, stage, weights_sha256(undisturbed))
                except pytest.skip.Exception as reason:
                    print(reason)
                    return NOT_TRIED
                tried, ended = tried + 1, ended + has_ended
                wrong += [f"{disk} in {stage}: {fault}" for fault in faults]
                print(f"{disk} full in {stage}: {said} ({time.monotonic() - begun:.0f} s)", flush=True)
    for line in wrong:
        print(f"WRONG: {line}")
    print(
        f"{tried} full disks, {ended} of them ended the run, {len(wrong)} faults; weights equal in all that have none"
    )
    return FAILED if wrong else PASSED


def _filled_and_again(folder: Path, disk: str, stage: str, expected: str) -> tuple[str, bool, list[str]]:
    """(what the run said, whether it was ended by the full disk, what was wrong)."""
    with _disk_of(folder, disk) as (workspace, full, environment):
        log, faults = folder / "retrain.log", []
        status = _retrain(workspace, log, environment, fill_in=stage, full=full)
        said = log.read_text(errors="replace")
        if "Traceback" in said:
            faults.append("the run ended in a traceback")
        if status and "full" not in said:
            faults.append(f"nothing is said of a full disk: {said[-600:]!r}")
        looked = subprocess.run(
            [UNIMED, "status"], cwd=workspace.root, env=environment, text=True, capture_output=True, timeout=300
        )
        if "Traceback" in looked.stdout + looked.stderr:
            faults.append("`unimed status` on the full disk ends in a traceback")
        (full / "ballast").unlink(missing_ok=True)
        if again := _retrain(workspace, log, environment):
            return said, status != 0, [*faults, f"the same command again: {again}, {log.read_text()[-600:]!r}"]
        if weights_sha256(workspace) != expected:
            faults.append("its weights DIFFER")
        faults += [f"left behind: {path}" for path in workspace.root.rglob(f"{TEMPORARY}*")]
        run_unimed("verify", "1", cwd=workspace.root, TMPDIR=environment["TMPDIR"])
        lines = [line for line in said.splitlines() if "full" in line]
        return (lines[-1] if lines else "went through without that room"), status != 0, faults


@contextmanager
def _disk_of(folder: Path, disk: str) -> Iterator[tuple[Workspace, Path, dict[str, str]]]:
    """A micro workspace of which one part lies on a small disk; that disk; and the environment of its commands."""
    root, temporary = folder / "disk" / "w", folder / "temporary"
    temporary.mkdir(parents=True)
    environment = clean_environment(TMPDIR=str(temporary))
    if disk == "workspace":
        with small_disk(root.parent, SIZES[disk]) as full:
            yield make_workspace(root), full, environment
        return
    workspace = make_workspace(root)
    with small_disk({"cache": root / ".dvc" / "cache", "temporary": temporary}[disk], SIZES[disk]) as full:
        yield workspace, full, environment


def _retrain(
    workspace: Workspace, log: Path, environment: dict[str, str], *, fill_in: str = "", full: Path | None = None
) -> int:
    """The exit status of a retrain, during which a disk is filled, again and again, from that stage on."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            [UNIMED, "retrain"], cwd=workspace.root, stdout=out, stderr=out, env=environment, start_new_session=True
        )
    over = threading.Event()

    def keep_full() -> None:
        while full is not None and not over.wait(0.1):
            if current_stage(workspace) == fill_in or (full / "ballast").exists():
                fill(full)

    filler = threading.Thread(target=keep_full)
    filler.start()
    try:
        return process.wait(SECONDS)
    finally:
        over.set()
        filler.join()


if __name__ == "__main__":
    sys.exit(main())
