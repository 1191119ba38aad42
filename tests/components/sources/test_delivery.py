import json

import pytest

from components.recipes.shipped import read_shipped
from components.sources import delivery
from components.sources.delivery import corpus, deliver, locate, prepare
from components.storage.workspace import Workspace


def test_every_file_of_the_corpus_has_a_licence_and_is_found():
    for source, files in corpus().items():
        for file in files:
            assert file.licence, f"{source}/{file.file}"
            assert locate(file).stat().st_size == file.bytes


def test_each_source_of_the_tiny_recipe_is_delivered():
    recipe = read_shipped("tiny")
    assert set(corpus()) == set(recipe.sources)


def test_second_delivery_writes_nothing(tmp_path):
    assert deliver(tmp_path, ["fundus"])
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "fundus").iterdir()}
    assert deliver(tmp_path, ["fundus"]) == []
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "fundus").iterdir()}


def test_missing_file_is_restored_changed_file_reported_added_file_kept(tmp_path):
    deliver(tmp_path, ["fundus"])
    folder = tmp_path / "fundus"
    (folder / "retina.jpg").unlink()
    (folder / "HRF_07_dr.jpg").write_bytes(b"mine")
    (folder / "own.jpg").write_bytes(b"added")
    lines = deliver(tmp_path, ["fundus"])
    assert lines[0].startswith("fundus/HRF_07_dr.jpg differs")
    assert lines[1:] == ["delivered fundus/retina.jpg"]
    assert (folder / "HRF_07_dr.jpg").read_bytes() == b"mine"
    assert (folder / "own.jpg").read_bytes() == b"added"
    assert (folder / "retina.jpg").stat().st_size > 1000


def test_package_with_other_bytes_is_refused(tmp_path, monkeypatch):
    table = json.loads(delivery._TABLE.read_text())
    changed = [row | {"sha256": "0" * 64} for row in table["fundus"] if row["file"] == "retina.jpg"]
    (tmp_path / "corpus.json").write_text(json.dumps({"fundus": changed}))
    monkeypatch.setattr(delivery, "_TABLE", tmp_path / "corpus.json")
    corpus.cache_clear()
    try:
        with pytest.raises(ValueError, match=r"skimage/data/retina\.jpg has sha256 .* requirements\.lock"):
            deliver(tmp_path / "raw")
    finally:
        monkeypatch.undo()
        corpus.cache_clear()
    assert not (tmp_path / "raw" / "fundus" / "retina.jpg").exists()


def test_missing_package_is_named_with_its_fix():
    file = delivery.CorpusFile(
        file="a.nii", origin="package:no-such-package", path="a.nii", sha256="", bytes=0, licence="x"
    )
    with pytest.raises(ValueError, match=r"no-such-package is not installed; `pip install"):
        locate(file)


def test_prepare_leaves_the_curators_files_alone(tmp_path):
    recipe = read_shipped("tiny")
    workspace = Workspace(tmp_path)
    workspace.decisions.mkdir(parents=True)
    (workspace.decisions / "fundus.jsonl").write_text("mine\n")
    prepare(workspace, recipe)
    assert (workspace.decisions / "fundus.jsonl").read_text() == "mine\n"
    for source in recipe.sources:
        assert (workspace.accepted / f"{source}.json").is_file()
        assert any((workspace.raw / source).iterdir())
    assert workspace.alignment.is_dir(), "an input of assemble, empty until somebody computes scores"
    assert prepare(workspace, recipe) == []
