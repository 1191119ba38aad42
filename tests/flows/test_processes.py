"""A card stands for one process, not for its number."""

import os
import subprocess
import sys

from flows.processes import lives, own_card


def test_a_process_lives_by_its_card_and_a_later_one_of_its_number_does_not() -> None:
    card = own_card()
    assert card["pid"] == os.getpid() and lives(card)
    assert not lives({**card, "created": card["created"] - 60})


def test_a_process_that_ended_is_dead_whether_or_not_it_was_collected() -> None:
    import psutil

    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    card = {"pid": process.pid, "created": psutil.Process(process.pid).create_time()}
    assert lives(card)
    assert process.stdin is not None
    process.stdin.close()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not lives(card), "it waits to be collected"
    process.wait()
    assert not lives(card)
