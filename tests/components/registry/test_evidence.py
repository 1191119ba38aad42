"""Where the code came from is said honestly: what git could not say in time is unknown, not clean."""

import subprocess

import pytest

from components.registry import evidence


@pytest.mark.parametrize(
    ("hangs", "said"),
    [
        ("none", {"commit": "abc", "dirty": "no"}),
        ("status", {"commit": "abc", "dirty": "unknown"}),
        ("rev-parse", {"commit": "none", "dirty": "unknown"}),
    ],
)
def test_a_git_that_hangs_is_not_waited_for_and_its_tree_is_not_called_clean(monkeypatch, hangs, said):
    def run(command, *, timeout, **_):
        if command[1] == hangs:
            raise subprocess.TimeoutExpired(command, timeout)
        return subprocess.CompletedProcess(command, 0, "abc" if command[1] == "rev-parse" else "", "")

    monkeypatch.setattr(evidence.subprocess, "run", run)
    assert evidence.code_origin() == said
