"""What is refused before anything runs."""

import json
from dataclasses import replace
from typing import Any

import pytest
from dvc.config import Config

from components.recipes.shipped import read_shipped
from components.recipes.sources import SourceSettings
from components.sources.table import adapter_code
from components.storage.code import code_hashes
from components.storage.workspace import Workspace
from flows.making import workspace_files
from flows.run import initialise, prepare
from flows.state import stages_with_new_code


@pytest.fixture
def lent():
    """A recipe with one source that may not be passed on."""
    recipe = read_shipped("tiny-scratch")
    return replace(recipe, sources={"mimic": SourceSettings(path="data/raw/mimic", format="mimic-cxr")})


def test_a_workspace_with_a_remote_does_not_start_on_what_may_not_be_passed_on(lent, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    workspace = Workspace(tmp_path)
    (tmp_path / "dvc.yaml").write_text(workspace_files("tiny")["dvc.yaml"])
    assert prepare(workspace, lent) == [], "without a remote nothing leaves the machine"
    initialise(workspace)
    edited: Any = Config(str(tmp_path / ".dvc"), validate=False).edit("repo")
    with edited as settings:
        settings["core"]["remote"], settings["remote"] = "store", {"store": {"url": "/mnt/everybody"}}
    with pytest.raises(ValueError, match=r"/mnt/everybody .*mimic \(mimic-cxr, "):
        prepare(workspace, lent)
    told = {"mimic": replace(lent.sources["mimic"], options={"share": True})}
    assert prepare(workspace, replace(lent, sources=told)) == []


def test_a_changed_adapter_makes_its_own_sources_stale_and_no_other(tmp_path):
    for name, text in workspace_files("tiny").items():
        (tmp_path / name).write_text(text)
    recorded = code_hashes(adapter_code())
    for path in ("fundus", "dicom"):
        recorded["adapters"][path] = "as it was yesterday"
    (tmp_path / "code.json").write_text(json.dumps(recorded))
    order = ["code", "validate@fundus", "validate@histology", "validate@dicom", "admit", "assemble"]
    found = stages_with_new_code(Workspace(tmp_path), order)
    assert found == dict.fromkeys(("validate@fundus", "validate@dicom"), "its adapter's code changed")


def test_a_package_of_another_version_makes_stale_what_imports_it_and_is_named(tmp_path):
    for name, text in workspace_files("tiny").items():
        (tmp_path / name).write_text(text)
    recorded = code_hashes(adapter_code())
    torch = recorded["made_with"]["training"]["torch"]
    for component in ("training", "evaluation"):
        recorded["made_with"][component]["torch"] = "2.0.1"
    recorded["made_with"]["adapters"]["fundus"]["pillow"] = "1.0"
    (tmp_path / "code.json").write_text(json.dumps(recorded))
    order = ["code", "validate@fundus", "validate@histology", "admit", "assemble", "train@unified", "evaluate"]
    found = stages_with_new_code(Workspace(tmp_path), order)
    assert set(found) == {"validate@fundus", "train@unified", "evaluate"}
    assert found["train@unified"] == found["evaluate"] == f"torch 2.0.1 is now {torch}"
    assert found["validate@fundus"].startswith("pillow 1.0 is now ")


def test_packages_that_no_earlier_release_recorded_are_left_to_the_stage_graph(tmp_path):
    for name, text in workspace_files("tiny").items():
        (tmp_path / name).write_text(text)
    recorded = code_hashes(adapter_code())
    del recorded["made_with"]
    (tmp_path / "code.json").write_text(json.dumps(recorded))
    assert stages_with_new_code(Workspace(tmp_path), ["train@unified"]) == {}
