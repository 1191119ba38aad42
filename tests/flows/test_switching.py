"""Another recipe takes the place of params.yaml when asked for, and says what changes; who was taken out stays out."""

from pathlib import Path

import pytest

from components.recipes.recipe import read_recipe
from components.recipes.shipped import shipped_recipe
from components.storage.workspace import Workspace
from flows.switching import use_recipe


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "params.yaml").write_text(shipped_recipe("tiny"))
    return Workspace(tmp_path)


def test_a_recipe_is_refused_with_the_difference_until_it_is_asked_to_switch(workspace):
    with pytest.raises(ValueError, match=r"(?s)\+recipe: small.*take it with --switch"):
        use_recipe(workspace, "small", switch=False)
    assert read_recipe(workspace.params).recipe == "tiny"
    assert "+recipe: small" in use_recipe(workspace, "small", switch=True)
    assert workspace.params.read_text() == shipped_recipe("small")
    assert use_recipe(workspace, "small", switch=True) == []


def test_patients_who_were_taken_out_stay_out_with_what_was_said_of_them(workspace):
    line = "  excluded_patients:\n    - 0123456789abcdef01234567 # 2026-11-01 somebody: asked for it\n"
    workspace.params.write_text(workspace.params.read_text().replace("assembly:\n", f"assembly:\n{line}", 1))
    use_recipe(workspace, "tiny-scratch", switch=True)
    assert read_recipe(workspace.params).assembly.excluded_patients == ("0123456789abcdef01234567",)
    assert "# 2026-11-01 somebody: asked for it" in workspace.params.read_text()
    assert use_recipe(workspace, "tiny-scratch", switch=False) == []
