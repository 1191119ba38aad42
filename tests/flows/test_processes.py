"""A card stands for one process, not for its number."""

import os
import subprocess
import sys
import time

import psutil

from flows.processes import card_of, lives, own_card


def test_a_process_lives_by_its_card_and_a_later_one_of_its_number_does_not() -> None:
    card = own_card()
    assert card["pid"] == os.getpid() and lives(card)
    assert not lives({**card, "started": card["started"] - 60})
    assert not lives({**card, "boot": "another"})


def test_a_clock_that_is_set_while_it_runs_changes_nothing(monkeypatch) -> None:
    card = own_card()
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: 86_400.0)
    monkeypatch.setattr(time, "time", lambda: 86_400.0)
    assert lives(card)


def test_a_card_of_an_older_release_still_stands_for_its_process() -> None:
    created = psutil.Process().create_time()
    assert lives({"pid": os.getpid(), "created": created}) and not lives({"pid": os.getpid(), "created": created - 60})


def test_a_process_that_ended_is_dead_whether_or_not_it_was_collected() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    card = card_of(process.pid)
    assert lives(card)
    assert process.stdin is not None
    process.stdin.close()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not lives(card), "it waits to be collected"
    process.wait()
    assert not lives(card)
