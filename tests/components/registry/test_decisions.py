"""The decision log is a chain."""

import multiprocessing
import sqlite3
from datetime import datetime

import pytest

from components.registry.database import Impossible, database_url
from components.registry.decisions import BrokenLog, Decision, Ruling, append, champion_of, decision_about, read_log
from components.registry.lease import Lease
from components.storage.workspace import Workspace


@pytest.fixture
def bare(tmp_path, monkeypatch) -> Workspace:
    for name in ("MLFLOW_TRACKING_URI", "UNIMED_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return Workspace(tmp_path)


def write(workspace, action="promote", version=1, log=None) -> Decision:
    log = read_log(workspace) if log is None else log
    evidence = {"difference": 0.1}
    ruling = Ruling(action=action, version=version, weights_sha256="w", who="ada", why="better", evidence=evidence)
    return append(Lease(workspace), log, ruling)


def test_entries_come_back_in_order_and_each_holds_the_hash_of_the_one_before(bare):
    one, two = write(bare, version=1), write(bare, action="refuse", version=2)
    assert read_log(bare) == [one, two]
    assert two.previous_hash == one.hash
    assert (champion_of([one, two]), decision_about([one, two], 2)) == (1, two)
    assert Decision.from_body(two.to_json()) == two


@pytest.mark.parametrize(
    "edit",
    [
        """update unimed_decisions set body = replace(body, 'ada', 'eve') where sequence = 1""",
        "delete from unimed_decisions where sequence = 1",
        "delete from unimed_decisions where sequence = 2",
    ],
)
def test_an_edited_or_missing_entry_is_found(bare, edit):
    for version in (1, 2, 3):
        write(bare, version=version)
    with sqlite3.connect(bare.private / "unimed.db") as database:
        database.execute(edit)
    with pytest.raises(BrokenLog, match=r"decision log entry \d"):
        read_log(bare)


def test_a_clock_that_goes_backwards_moves_no_entry(bare, monkeypatch):
    class Earlier(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(1999, 1, 1, tzinfo=tz)

    write(bare, version=1)
    monkeypatch.setattr("components.registry.decisions.datetime", Earlier)
    write(bare, version=2)
    log = read_log(bare)
    assert [entry.version for entry in log] == [1, 2] and log[1].at < log[0].at and champion_of(log) == 2


def test_two_writers_after_the_same_entry_do_not_both_write(bare):
    log = read_log(bare)
    write(bare, log=log)
    with pytest.raises(ValueError, match="written by somebody else meanwhile"):
        write(bare, version=2, log=log)
    assert [entry.version for entry in read_log(bare)] == [1]


def _write_in_process(root, version, barrier, results):
    workspace = Workspace(root)
    log = read_log(workspace)
    barrier.wait()
    try:
        write(workspace, version=version, log=log)
        results.put("won")
    except ValueError:
        results.put("lost")


def test_of_four_processes_that_write_at_once_one_wins(bare):
    read_log(bare)
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(4), context.Queue()
    processes = [context.Process(target=_write_in_process, args=(bare.root, v, barrier, results)) for v in range(4)]
    for process in processes:
        process.start()
    outcomes = sorted(results.get(timeout=60) for _ in processes)
    for process in processes:
        process.join()
    assert outcomes == ["lost", "lost", "lost", "won"]


def test_a_shared_mlflow_without_a_shared_database_is_impossible(bare, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@tracking.example:5000")
    with pytest.raises(Impossible, match="UNIMED_DATABASE_URL") as caught:
        database_url(bare)
    assert "secret" not in str(caught.value)
    monkeypatch.setenv("UNIMED_DATABASE_URL", "sqlite:////tmp/team.db")
    assert database_url(bare) == "sqlite:////tmp/team.db"


@pytest.mark.parametrize("uri", ["sqlite:////shared/mlflow.db", "/shared/mlruns", "file:///shared/mlruns"])
def test_a_shared_file_or_folder_of_mlflows_is_shared_too_and_the_own_log_is_named(bare, monkeypatch, uri):
    write(bare)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(Impossible, match=r"decided until now: sqlite:///.*/\.unimed/unimed\.db"):
        database_url(bare)
