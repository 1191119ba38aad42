"""A workspace whose dvc.yaml is not this release's is refused before anything starts, and mended on request."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from components.storage.workspace import Workspace
from components.storage.yaml_files import dump_yaml, load_yaml
from flows.cli.main import app
from flows.graph import KEPT, check_graph, graph_differences, repair_graph
from flows.making import workspace_files

TODAY = workspace_files("tiny")["dvc.yaml"]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    for name, text in workspace_files("tiny").items():
        (tmp_path / name).write_text(text)
    return Workspace(tmp_path)


def edit(workspace: Workspace, change) -> None:
    graph = load_yaml(workspace.root / "dvc.yaml")
    change(graph["stages"])
    (workspace.root / "dvc.yaml").write_text(dump_yaml(graph))


def without_training(stages) -> None:
    stages["train"]["do"]["params"].remove("training")


def without_adapters(stages) -> None:
    (code,) = [param for param in stages["validate"]["do"]["params"] if isinstance(param, dict)]
    code["code.json"].remove("adapters.${item.format}")


def without_judge(stages) -> None:
    del stages["judge"]


def with_the_old_command(stages) -> None:
    stages["admit"]["cmd"] = "exec python -m components.stage admit"


EDITS = {
    "stage train: params lacks training": without_training,
    "stage validate: params lacks code.json: adapters.${item.format}": without_adapters,
    "stage judge is missing": without_judge,
    "stage admit: cmd has exec python -m components.stage admit, which this release does not": with_the_old_command,
}


@pytest.mark.parametrize(("said", "change"), EDITS.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_each_way_to_leave_out_an_input_is_named_refused_and_mended(workspace, said, change):
    check_graph(workspace)
    edit(workspace, change)
    edited = (workspace.root / "dvc.yaml").read_text()
    assert said in graph_differences(workspace)
    with pytest.raises(ValueError, match="is not the stage graph of this release") as refused:
        check_graph(workspace)
    assert said in str(refused.value) and "unimed doctor --repair" in str(refused.value)
    assert repair_graph(workspace)
    assert (workspace.root / "dvc.yaml").read_text() == TODAY
    assert (workspace.root / KEPT).read_text() == edited
    assert not repair_graph(workspace)


def test_order_and_descriptions_do_not_count_and_stages_of_the_user_stay(workspace):
    def change(stages) -> None:
        stages["train"]["do"]["params"].reverse()
        stages["judge"]["desc"] = "ours"
        stages["copy-to-archive"] = {"cmd": "cp", "deps": ["evaluation/metrics.json"]}

    edit(workspace, change)
    check_graph(workspace)
    edit(workspace, without_judge)
    repair_graph(workspace)
    stages = load_yaml(workspace.root / "dvc.yaml")["stages"]
    assert stages["copy-to-archive"]["cmd"] == "cp" and "judge" in stages
    check_graph(workspace)


def test_the_advice_of_the_refusal_ends_in_a_workspace_that_starts(workspace, monkeypatch):
    monkeypatch.chdir(workspace.root)
    edit(workspace, without_training)
    refused = CliRunner().invoke(app, ["retrain", "--dry-run"])
    assert refused.exit_code != 0 and "doctor --repair" in str(refused.exception)
    assert not (workspace.root / "data" / "raw").exists(), "nothing was started"
    assert "stage train: params lacks training" in " ".join(CliRunner().invoke(app, ["doctor"]).output.split())
    CliRunner().invoke(app, ["doctor", "--repair"])
    check_graph(workspace)
