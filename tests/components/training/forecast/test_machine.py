"""What memory this machine has."""

import psutil
import pytest

from components.training.forecast import machine
from components.training.forecast.machine import this_machine


def test_a_container_has_what_its_limit_says(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(machine, "CGROUP", (limit,))
    for text, found in (("max", psutil.virtual_memory().total), ("123000000", 123_000_000)):
        limit.write_text(f"{text}\n")
        assert this_machine().ram_bytes == found


def test_a_cluster_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "ray://elsewhere:10001")
    assert this_machine().kind == "cluster"
    assert this_machine().words == "a cluster, whose memory is not known here"
