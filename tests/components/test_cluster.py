"""Which Ray cluster is ours, and where its sockets lie."""

import os
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from components import cluster
from components.cluster import SOCKET_LIMIT, SOCKET_NAME, short_of_shared_memory, start_ray, temporary_folder


def test_the_temporary_folder_of_a_batch_system_is_left_for_a_short_one(tmp_path, monkeypatch):
    long = tmp_path / "local-scratch" / "job-48213377" / ("x" * 61)
    long.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    found = temporary_folder()
    assert found == Path("/tmp") / f"ray-{os.getuid()}"
    assert len(str(found)) + SOCKET_NAME <= SOCKET_LIMIT


def test_a_short_one_is_used_and_each_user_has_a_folder_of_his_own(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/var/tmp")
    assert temporary_folder() == Path("/var/tmp") / f"ray-{os.getuid()}"
    monkeypatch.setattr(cluster.os, "getuid", lambda: 4242)
    assert temporary_folder().name == "ray-4242"


def test_where_there_is_none_it_is_said_before_ray_starts(tmp_path, monkeypatch):
    long = tmp_path / ("x" * 80)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    monkeypatch.setattr(cluster.os, "access", lambda path, _: Path(path) != Path("/tmp"))
    with pytest.raises(ValueError, match="set TMPDIR to a short folder"):
        temporary_folder()


def test_too_little_shared_memory_is_said_with_the_way_to_more(monkeypatch):
    monkeypatch.setattr(cluster.shutil, "disk_usage", lambda _: SimpleNamespace(free=64 * 2**20))
    assert "/dev/shm has 67 MB free" in short_of_shared_memory() and "--shm-size" in short_of_shared_memory()
    monkeypatch.setattr(cluster.shutil, "disk_usage", lambda _: SimpleNamespace(free=2**30))
    assert short_of_shared_memory() == ""


@pytest.mark.parametrize("named", [False, True])
def test_without_a_named_cluster_one_of_our_own_is_started_whoever_else_has_one(
    named: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray

    asked: list[dict[str, object]] = []
    monkeypatch.setattr(ray, "init", lambda **given: asked.append(given))
    monkeypatch.setenv("RAY_ADDRESS", "ray://head:10001" if named else "")
    start_ray(2, 1)
    (given,) = asked
    assert given.get("address") == (None if named else "local")
    assert ("num_cpus" in given) != named
