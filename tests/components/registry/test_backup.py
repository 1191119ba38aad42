"""Log and store are copied as a pair and brought back as one; what is not a pair is named."""

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from components.registry import backup
from components.registry.backup import back_up, restore
from components.registry.catalogue import all_versions, resolve
from components.registry.database import Impossible
from components.registry.deciding import settle
from components.registry.decisions import BrokenLog, read_log
from components.registry.lease import hold_lease
from components.registry.pairing import OlderStore, mismatch
from components.registry.people import promote, rollback
from components.registry.tracking import connect
from components.registry.verification import verify
from components.registry.versions import models
from flows.checkup import examine


def store(workspace):
    return workspace.private / "mlflow.db"


def put_back(saved, target) -> None:
    with closing(sqlite3.connect(saved)) as source, closing(sqlite3.connect(target)) as database:
        source.backup(database)


def test_what_is_restored_is_what_was_backed_up(three, tmp_path):
    promote(three, "2", who="ada", why="better")
    before = models(three)
    made = back_up(three, tmp_path / "monday")
    assert (made.decisions, made.versions) == (2, 3)
    promote(three, "3", who="ada", why="better still")
    with pytest.raises(Impossible, match="1 decisions would be lost that the backup"):
        restore(three, tmp_path / "monday", force=False)
    assert len(read_log(three)) == 3
    restore(three, tmp_path / "monday", force=True)
    assert models(three) == before
    assert [check for check in verify(three, "champion") if not check.ok] == []
    assert rollback(three, who="ada", why="goes on from there").version == 1


def test_a_lost_disk_is_whole_again_from_the_backup(three, tmp_path):
    before = models(three)
    back_up(three, tmp_path / "monday")
    for name in ("unimed.db", "mlflow-artifacts"):
        path = three.private / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    restore(three, tmp_path / "monday", force=False)
    assert models(three) == before
    assert [check for check in verify(three, "champion") if not check.ok] == []


def test_nobody_decides_while_a_backup_is_made(three, tmp_path, monkeypatch):
    held = []
    real = backup.copy_out

    def copy_out(*args, **kwargs):
        from components.storage.locks import holder

        held.append(holder(three.private / "unimed.lease.lock") is not None)
        return real(*args, **kwargs)

    monkeypatch.setattr(backup, "copy_out", copy_out)
    back_up(three, tmp_path / "monday")
    assert held == [True, True]


def test_a_damaged_backup_changes_nothing(three, tmp_path):
    back_up(three, tmp_path / "monday")
    file = tmp_path / "monday" / "log.sqlite"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    before = models(three)
    with pytest.raises(ValueError, match=r"log\.sqlite is not what was backed up"):
        restore(three, tmp_path / "monday", force=True)
    assert models(three) == before


def test_a_folder_that_holds_something_and_a_server_without_its_database_are_refused(three, tmp_path, monkeypatch):
    (tmp_path / "monday").mkdir()
    (tmp_path / "monday" / "thesis.txt").write_text("mine")
    with pytest.raises(Impossible, match=r"is not empty"):
        back_up(three, tmp_path / "monday")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:secret@mlflow.example.org")
    monkeypatch.setenv("UNIMED_DATABASE_URL", f"sqlite:///{tmp_path / 'log.db'}")
    with pytest.raises(Impossible, match=r"name the database behind it in UNIMED_MLFLOW_DATABASE") as caught:
        back_up(three, tmp_path / "tuesday")
    assert "secret" not in str(caught.value) and not (tmp_path / "tuesday").exists()


def test_a_store_of_an_earlier_moment_is_named_and_settled_by_a_persons_word(three, tmp_path):
    shutil.copyfile(store(three), tmp_path / "earlier.db")
    promote(three, "2", who="ada", why="better")
    promote(three, "3", who="ada", why="better still")
    put_back(tmp_path / "earlier.db", store(three))
    said = mismatch(read_log(three), all_versions(connect(three)))
    assert said is not None
    assert "version 2 in MLflow knows no decision, the log has decision 2 (promote) about it" in said
    assert "restore FOLDER" in said
    with pytest.raises(OlderStore), hold_lease(three, "decide 3") as lease:
        settle(lease, connect(three))
    assert [check.what for check in verify(three, "1") if not check.ok] == ["decision log"]
    with pytest.raises(ValueError, match="does not fit"):
        back_up(three, tmp_path / "never")
    (found,) = [finding for finding in examine() if finding.what == "decision log"]
    assert (
        found.state == "bad" and "MLflow's store is older than the log" in found.found and "restore FOLDER" in found.fix
    )
    assert promote(three, "2", who="ada", why="settles it").champion_after == 2
    assert mismatch(read_log(three), all_versions(connect(three))) is None
    assert [finding.state for finding in examine() if finding.what == "decision log"] == ["good"]
    assert resolve(three, "3").tags["unimed.state"] == "superseded"


def test_a_log_of_an_earlier_moment_is_named(three, tmp_path):
    shutil.copyfile(three.private / "unimed.db", tmp_path / "earlier.db")
    promote(three, "2", who="ada", why="better")
    put_back(tmp_path / "earlier.db", three.private / "unimed.db")
    with pytest.raises(BrokenLog, match=r"older than MLflow's store; restore both from one backup"):
        promote(three, "3", who="ada", why="nothing happened")


def test_a_champion_that_the_restored_store_never_had_is_no_deletion(three, tmp_path, retrain):
    """Where somebody deleted it, its alias is gone with it."""
    from components.registry.versions import register

    shutil.copyfile(store(three), tmp_path / "earlier.db")
    retrain(three, "weights 4")
    fourth = register(three)
    promote(three, str(fourth.number), who="ada", why="better")
    put_back(tmp_path / "earlier.db", store(three))
    with (
        pytest.raises(
            OlderStore, match=r"the champion of the log, version 4, is not in MLflow, and the alias stands on version 1"
        ),
        hold_lease(three, "decide 3") as lease,
    ):
        settle(lease, connect(three))
    assert len(read_log(three)) == 2, "nothing was taken out of the log"
    models(three)
    assert promote(three, "1", who="ada", why="go on from here").champion_after == 1


def test_numbers_of_a_registered_model_that_was_made_anew_are_no_sign(three):
    """Somebody deleted it on MLflow's page; its numbers begin again, with other weights."""
    log = read_log(three)
    versions = all_versions(connect(three))
    (first,) = [version for version in versions if version.number == 1]
    other = replace(first, aliases=(), tags={"unimed.weights_sha256": "another"})
    promote(three, "2", who="ada", why="better")
    assert mismatch([*read_log(three)], [other]) is None
    stale = replace(first, aliases=(), tags={"unimed.weights_sha256": first.weights_sha256})
    assert "knows no decision" in str(mismatch([*read_log(three)], [stale]))
    assert mismatch(log, [stale]) is None, "the newest may be unfinished"


def test_the_card_says_what_the_backup_holds(three, tmp_path):
    back_up(three, tmp_path / "monday")
    card = json.loads((tmp_path / "monday" / "backup.json").read_text())
    assert card["head"] == read_log(three)[-1].hash and set(card["files"]) == {"log.sqlite", "mlflow.sqlite"}
