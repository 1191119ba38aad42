"""What a stage tells is in the file at once, whole lines only, each step once, and never an error of the stage."""

import pickle

from components.registry.run_spool import RunSpool, spool_folder, spools
from components.storage.workspace import Workspace


def spool_in(folder) -> RunSpool:
    spool = RunSpool(folder / "key")
    spool.open("train@unified", {})
    return spool


def steps(spool):
    return [event["step"] for event, _ in spool.events() if event["kind"] == "metrics"]


def test_lines_are_read_in_their_order_from_any_offset(tmp_path):
    spool = spool_in(tmp_path)
    spool.params({"seed": 1})
    spool.log(10, {"loss": 2.0})
    read = list(spool.events())
    assert [event["kind"] for event, _ in read] == ["open", "params", "metrics"]
    assert list(spool.events(read[1][1])) == read[2:]
    assert (spool.stage, spool.status) == ("train@unified", "")
    spool.end("FINISHED")
    assert spool.status == "FINISHED"


def test_a_step_that_is_told_again_counts_once_also_in_another_process(tmp_path):
    spool = spool_in(tmp_path)
    spool.log(10, {"loss": 2.0})
    worker = pickle.loads(pickle.dumps(RunSpool(spool.folder)))
    for step in (10, 20):
        worker.log(step, {"loss": 1.0})
    later = RunSpool(spool.folder)
    for step in (10, 20, 30):
        later.log(step, {"loss": 3.0})
    assert steps(spool) == [10, 20, 30]
    assert [event["values"]["loss"] for event, _ in spool.events() if event["kind"] == "metrics"] == [2.0, 1.0, 3.0]


def test_a_line_that_a_kill_cut_is_passed_over_and_what_follows_is_whole(tmp_path):
    spool = spool_in(tmp_path)
    spool.log(10, {"loss": 2.0})
    with spool.path.open("ab") as handle:
        handle.write(b'{"kind": "metrics", "st')
    assert steps(spool) == [10], "not yet whole"
    again = spool_in(tmp_path)
    again.log(20, {"loss": 1.0})
    assert steps(again) == [10, 20]


def test_a_place_that_cannot_be_written_to_is_said_once_and_ends_nothing(tmp_path, capsys):
    elsewhere = RunSpool(tmp_path / "not" / "on this machine")
    for step in (10, 20):
        elsewhere.log(step, {"loss": 1.0})
    elsewhere.end("FINISHED")
    assert capsys.readouterr().err.count("the run's curve is not kept in") == 1
    assert not (tmp_path / "not").exists()


def test_spools_are_found_oldest_first(tmp_path):
    workspace = Workspace(tmp_path)
    assert spools(workspace) == []
    for key in ("b", "a"):
        RunSpool(spool_folder(workspace) / key).open(f"train@{key}", {})
    assert [spool.key for spool in spools(workspace)] == ["b", "a"]
