"""`make prove ONLY=nobody`: a whole micro retrain by a user without an entry, a name and a home, with umask 077: the weights are
anybody's, and nothing is written outside of the workspace."""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from components.storage.workspace import Workspace
from tests.faults.killing import weights_sha256
from tests.fixtures.micro import UNIMED, make_workspace, run_unimed
from tests.fixtures.users import NOBODY, as_nobody
from tests.proofs.outcome import FAILED, NOT_TRIED, PASSED

SECONDS = 3600


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", type=Path, help="a micro workspace whose run is over; without it one is made")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="unimed-nobody-", dir="/tmp"))
    try:
        known = Workspace(arguments.against) if arguments.against else make_workspace(folder / "known")
        if not arguments.against:
            run_unimed("retrain", cwd=known.root)
        theirs = make_workspace(folder / "theirs")
        for path in (folder, theirs.root, *theirs.root.rglob("*")):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        before = _owned()
        wrong = list(_faults(theirs, weights_sha256(known)))
        wrong += [f"written outside of the workspace: {path}" for path in sorted(_owned() - before)]
    except pytest.skip.Exception as reason:
        print(reason)
        return NOT_TRIED
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for line in wrong:
        print(f"WRONG: {line}")
    print(
        f"a micro retrain by user {NOBODY}: " + (f"{len(wrong)} faults" if wrong else "weights equal, nothing outside")
    )
    return FAILED if wrong else PASSED


def _faults(theirs: Workspace, expected: str) -> list[str]:
    """What was wrong with three commands of that user in their workspace."""
    wrong = []
    for command, says in ((("retrain",), "decision"), (("retrain",), "nothing to do"), (("verify", "1"), "")):
        done = as_nobody([sys.executable, UNIMED, *command], cwd=theirs.root, seconds=SECONDS)
        said = done.stdout + done.stderr
        if done.returncode or says not in said or "Traceback" in said:
            return [f"unimed {' '.join(command)} ended with {done.returncode}: {said[-800:]}"]
    if weights_sha256(theirs) != expected:
        wrong.append("the weights DIFFER")
    if theirs.private.stat().st_mode & 0o077:
        wrong.append(f"{theirs.private} is open to others")
    return wrong


def _owned() -> set[Path]:
    """What lies in the folders that everybody may write to and is that user's."""
    places = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))
    return {path for place in places for path in place.iterdir() if path.lstat().st_uid == NOBODY}


if __name__ == "__main__":
    sys.exit(main())
