import os
import signal
import subprocess
import sys
import time

import pytest

from components.storage.locks import Held, hold, holder

HOLDER = "import sys, time; from pathlib import Path; from components.storage.locks import hold\nwith hold(Path(sys.argv[1]), 'retrain'):\n    print('held', flush=True); time.sleep(60)"


def test_a_second_holder_is_told_who_holds_and_a_killed_holder_frees_the_lock(tmp_path):
    lock = tmp_path / "retrain.lock"
    child = subprocess.Popen([sys.executable, "-c", HOLDER, str(lock)], stdout=subprocess.PIPE)
    assert child.stdout is not None and child.stdout.readline() == b"held\n"
    with (
        pytest.raises(Held, match=rf"second: held by pid {child.pid} on .* since .* \(retrain\)"),
        hold(lock, "second"),
    ):
        pass
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    begun = time.monotonic()
    with hold(lock, "second", wait_seconds=5):
        assert holder(lock) is not None
    assert time.monotonic() - begun < 5 and holder(lock) is None


LOOKER = "import sys; from pathlib import Path; from components.storage.locks import holder\nprint('looks', flush=True)\nwhile True: holder(Path(sys.argv[1]))"


def test_whoever_only_looks_takes_the_lock_from_nobody(tmp_path):
    lock = tmp_path / "retrain.lock"
    lock.touch()
    looker = subprocess.Popen([sys.executable, "-c", LOOKER, str(lock)], stdout=subprocess.PIPE)
    try:
        assert looker.stdout is not None and looker.stdout.readline() == b"looks\n"
        for _ in range(20):
            with hold(lock, "retrain"):
                pass
    finally:
        looker.kill()
        looker.wait()
