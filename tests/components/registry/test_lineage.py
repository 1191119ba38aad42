"""Which bytes, which code, which decision made this model?"""

import json

import pytest
from rich.console import Console

from components.registry.database import Impossible
from components.registry.lineage import lineage, lineage_of_record, render_lineage
from components.registry.people import promote, rollback
from components.storage.dvc_repository import read_lock


def test_the_tree_goes_from_the_evaluation_back_to_the_raw_delivery_with_hashes(three):
    found = lineage(three, "champion")
    assert list(found["stages"]) == ["evaluate", "train", "assemble"]
    assert {item["path"] for item in found["raw"]} >= {"data/raw/one"}
    assert len({item["path"] for item in found["raw"]}) == len(found["raw"]), (
        "what several stages read stands there once"
    )
    assert all(item["md5"] for stage in found["stages"].values() for item in stage["inputs"] + stage["outputs"])
    assert [item["made_by"] for item in found["stages"]["train"]["inputs"] if item["path"] == "data/unimed"] == [
        ["assemble"]
    ]
    assert [entry["action"] for entry in found["decisions"]] == ["promote"]
    json.dumps(found)


def test_a_raw_delivery_that_several_stages_read_stands_there_once(tmp_path):
    start, out = {"path": "data/start", "md5": "5", "size": 1}, {"path": "checkpoints/unified", "md5": "6", "size": 1}
    stages = {
        "train": {"cmd": "t", "deps": [start], "outs": [out]},
        "evaluate": {"cmd": "e", "deps": [start, out], "outs": [{"path": "evaluation", "md5": "7", "size": 1}]},
    }
    (tmp_path / "dvc.lock").write_text(json.dumps({"schema": "2.0", "stages": stages}))
    (tmp_path / "manifest.json").write_text("{}")
    (tmp_path / "weights.json").write_text('{"files": []}')
    assert [item["path"] for item in lineage_of_record(tmp_path, {})["raw"]] == ["data/start"]


def test_a_version_keeps_its_own_lineage_when_the_workspace_moves_on(three):
    old, new = lineage(three, "1"), lineage(three, "3")
    weights = [item["md5"] for item in old["stages"]["train"]["outputs"]]
    assert weights != [item["md5"] for item in new["stages"]["train"]["outputs"]]
    assert [out["md5"] for out in read_lock(three)["train"]["outs"]] == [
        item["md5"] for item in new["stages"]["train"]["outputs"]
    ]


def test_it_prints_who_decided_and_what_was_kept(three):
    console = Console(record=True, width=160)
    console.print(render_lineage(lineage(three, "1")))
    text = console.export_text()
    for said in (
        "unimed version 1 (champion)",
        "promote by gate",
        "3 of 5 records kept",
        "checkpoints/unified",
        "weights_sha256",
    ):
        assert said in text


def test_what_people_write_is_text_and_who_took_a_version_back_is_in_its_lineage(three):
    promote(three, "2", who="ada [x]", why="seen on [/ward] and [red]")
    rollback(three, who="eve", why="complaints")
    found = lineage(three, "2")
    assert [entry["action"] for entry in found["decisions"]] == ["promote", "rollback"]
    console = Console(record=True, width=160)
    console.print(render_lineage(found))
    assert "by ada [x]: seen on [/ward] and [red]" in console.export_text()


def test_an_unknown_version_is_named(three):
    with pytest.raises(Impossible, match="there is no version 9; registered: 3, 2, 1"):
        lineage(three, "9")
