"""`unimed gc` frees what nobody names, and never what a version names."""

import os

import pytest

from components.registry.catalogue import record_folder, reference_of, resolve
from components.registry.collection import collect_garbage
from components.registry.people import rollback
from components.registry.tracking import connect
from components.registry.weights_reference import find_verified


def test_weights_of_every_version_stay_and_unregistered_ones_go(three, retrain):
    retrain(three, "never registered", accuracy=0.7)
    retrain(three, "weights 3")
    would = collect_garbage(three, dry_run=True)
    assert would.objects > 0 and would.kept_versions == 3
    assert collect_garbage(three, dry_run=False) == would
    assert collect_garbage(three, dry_run=True).objects == 0
    tracking = connect(three)
    for number in ("1", "2", "3"):
        reference = reference_of(tracking, resolve(three, number, tracking))
        assert all(find_verified(reference, file) for file in reference.files)


def test_cached_predictions_of_the_champion_stay_and_others_go(three):
    champion = resolve(three, "champion").weights_sha256[:8]
    for name in (f"{champion}-b-d", "00000000-b-d"):
        (three.private / "gate" / name).mkdir(parents=True)
    collect_garbage(three, dry_run=False)
    assert [path.name for path in (three.private / "gate").iterdir()] == [f"{champion}-b-d"]


def test_old_unfinished_files_go_and_young_ones_stay(three):
    old, young = (three.root / "data" / f".writing-{name}" for name in ("1-old", "2-young"))
    for path in (old, young):
        path.write_text("half")
    os.utime(old, (1_000_000, 1_000_000))
    collect_garbage(three, dry_run=False)
    assert not old.exists() and young.exists()


def test_a_version_that_cannot_be_read_stops_the_collection(three, retrain):
    retrain(three, "never registered")
    tracking = connect(three)
    (record_folder(tracking, resolve(three, "2", tracking)) / "weights.json").unlink()
    before = sorted((three.root / ".dvc" / "cache").rglob("*"))
    with pytest.raises(ValueError, match="the record of version 2 is damaged"):
        collect_garbage(three, dry_run=False)
    assert sorted((three.root / ".dvc" / "cache").rglob("*")) == before


def test_collected_workspaces_still_roll_back(three):
    from components.registry.people import promote

    promote(three, "2", who="ada", why="better")
    collect_garbage(three, dry_run=False)
    assert rollback(three, who="ada", why="back").version == 1
