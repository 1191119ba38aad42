"""What is refused before anything runs."""

from dataclasses import replace
from typing import Any

import pytest
from dvc.config import Config

from components.recipes.recipe import read_recipe, shipped_recipe
from components.recipes.sources import SourceSettings
from components.storage.workspace import Workspace
from flows.run import initialise, prepare


@pytest.fixture
def lent():
    """A recipe with one source that may not be passed on."""
    recipe = read_recipe(shipped_recipe("tiny"))
    return replace(recipe, sources={"mimic": SourceSettings(path="data/raw/mimic", format="mimic-cxr")})


def test_a_workspace_with_a_remote_does_not_start_on_what_may_not_be_passed_on(lent, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    workspace = Workspace(tmp_path)
    assert prepare(workspace, lent) == [], "without a remote nothing leaves the machine"
    initialise(workspace)
    edited: Any = Config(str(tmp_path / ".dvc"), validate=False).edit("repo")
    with edited as settings:
        settings["core"]["remote"], settings["remote"] = "store", {"store": {"url": "/mnt/everybody"}}
    with pytest.raises(ValueError, match=r"/mnt/everybody .*mimic \(mimic-cxr\)"):
        prepare(workspace, lent)
    told = {"mimic": replace(lent.sources["mimic"], options={"share": True})}
    assert prepare(workspace, replace(lent, sources=told)) == []
