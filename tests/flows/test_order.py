"""The flow names DVC's stages, all of them, parents first."""

import pytest

from components.recipes.recipe import read_recipe
from components.recipes.shipped import read_shipped, shipped_graph
from components.sources.table import adapter_code
from components.storage.code import code_hashes
from components.storage.dvc import stage_graph
from components.storage.dvc_repository import ensure_initialised
from components.storage.made_with import flat
from components.storage.workspace import Workspace
from components.storage.yaml_files import parse_yaml
from flows.order import stage_list, stage_order
from tests.flows import toy


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Workspace:
    monkeypatch.chdir(tmp_path)
    made = Workspace(toy.make(tmp_path / "w"))
    ensure_initialised(made)
    return made


def test_the_flow_names_the_stages_of_the_graph_and_no_other(workspace):
    assert sorted(stage_list(read_recipe(workspace.params))) == sorted(stage_graph(workspace))


def test_every_stage_comes_after_all_that_it_reads_from_and_beside_none_of_it(workspace):
    graph = stage_graph(workspace)
    before: set[str] = set()
    for group in stage_order(read_recipe(workspace.params)):
        for stage in group:
            assert graph[stage] <= before, f"{stage} reads from {sorted(graph[stage] - before)}, which comes later"
        before |= set(group)


@pytest.mark.parametrize("recipe", ["tiny", "small", "unimedvl-14b"])
def test_every_source_and_every_curriculum_stage_of_a_shipped_recipe_is_named(recipe):
    read = read_shipped(recipe)
    named = set(stage_list(read))
    assert {f"validate@{source}" for source in read.sources} | {f"train@{name}" for name in read.curriculum} <= named


def test_a_stage_that_reads_its_code_reads_what_it_is_made_with_too():
    stages = parse_yaml(shipped_graph(), "dvc.yaml")["stages"]
    for name, stage in stages.items():
        maps = [param["code.json"] for param in stage.get("do", stage).get("params", []) if isinstance(param, dict)]
        keys = {key for listed in maps for key in listed}
        code = {key for key in keys if not key.startswith(("made_with.", "secrets."))}
        assert {key for key in keys if key.startswith("made_with.")} == {f"made_with.{key}" for key in code}, name
        assert code or name == "code"


def test_a_stage_whose_component_computes_with_torch_reads_the_number_of_threads():
    """The door sets it, and float sums depend on it."""
    stages, packages = parse_yaml(shipped_graph(), "dvc.yaml")["stages"], flat(code_hashes(adapter_code()))
    for name, stage in stages.items():
        params = stage.get("do", stage).get("params", [])
        made_with = [
            key for param in params if isinstance(param, dict) for key in param["code.json"] if key in packages
        ]
        computes = any("torch" in packages[key] for key in made_with)
        assert computes == ("compute.threads" in params), name
