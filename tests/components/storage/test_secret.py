import os
import threading

import pytest

from components.storage.secret import VARIABLE, workspace_secret


@pytest.fixture(autouse=True)
def no_variable(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)


def test_a_secret_is_made_once_for_its_owner_alone(tmp_path):
    private = tmp_path / ".unimed"
    before = os.umask(0)
    try:
        first = workspace_secret(private)
    finally:
        os.umask(before)
    assert len(first) == 64
    assert (private / "secret").stat().st_mode & 0o777 == 0o600
    assert workspace_secret(private) == first
    assert workspace_secret(tmp_path / "other" / ".unimed") != first


def test_many_at_once_get_the_same_one(tmp_path):
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(workspace_secret(tmp_path / ".unimed"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_an_experiment_shares_the_secret_of_its_workspace(tmp_path):
    experiment = tmp_path / ".unimed" / "experiments" / "abc" / ".unimed"
    assert workspace_secret(experiment) == workspace_secret(tmp_path / ".unimed")
    assert not experiment.exists()


def test_the_environment_wins_and_must_be_long_enough(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "x" * 32)
    assert workspace_secret(tmp_path / ".unimed") == b"x" * 32
    assert not (tmp_path / ".unimed").exists()
    monkeypatch.setenv(VARIABLE, "short")
    with pytest.raises(ValueError, match=r"UNIMED_SECRET holds 5 characters, at least 32 .* makes a good one"):
        workspace_secret(tmp_path / ".unimed")


def test_a_secret_that_others_may_read_is_refused(tmp_path):
    workspace_secret(tmp_path / ".unimed")
    (tmp_path / ".unimed" / "secret").chmod(0o644)
    with pytest.raises(ValueError, match=r"others may read .* `chmod 600"):
        workspace_secret(tmp_path / ".unimed")
