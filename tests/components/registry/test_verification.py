"""`unimed verify V` names the file that is not what it was."""

import sqlite3
from pathlib import Path

import pytest

from components.registry.catalogue import record_folder, reference_of, resolve
from components.registry.tracking import connect
from components.registry.verification import verify
from components.registry.weights_reference import key


def wrong(workspace) -> list[str]:
    return [check.what for check in verify(workspace, "1") if not check.ok]


def test_an_untouched_version_holds(three):
    checks = verify(three, "champion")
    assert all(check.ok for check in checks)
    assert {check.what for check in checks} >= {"decision log", "dvc.lock", "model.safetensors"}


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [("params.yaml", "seed: 1", "seed: 2"), ("dvc.lock", "size: ", "size: 1"), ("evaluation.json", "0.8", "0.9")],
)
def test_an_edited_record_is_named(three, name, old, new):
    tracking = connect(three)
    path = record_folder(tracking, resolve(three, "1", tracking)) / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    assert wrong(three) == [name]


def test_one_flipped_byte_in_the_cache_is_named(three):
    tracking = connect(three)
    reference = reference_of(tracking, resolve(three, "1", tracking))
    (file,) = (file for file in reference.files if file.name == "model.safetensors")
    path = Path(reference.cache) / key(file.md5)
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    assert wrong(three) == ["model.safetensors"]


def test_an_edited_log_is_named(three):
    with sqlite3.connect(three.private / "unimed.db") as database:
        database.execute("update unimed_decisions set body = replace(body, 'gate', 'eve')")
    assert wrong(three) == ["decision log"]
