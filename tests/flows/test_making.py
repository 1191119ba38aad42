"""`init` makes a workspace once and completes it again; experiments and new sources change what they say and nothing else."""

import pytest

from components.recipes.recipe import read_recipe
from components.recipes.shipped import shipped_recipe
from components.storage.workspace import Workspace
from components.storage.yaml_files import parse_yaml
from flows.experiment import changed_params, make_experiment
from flows.making import check_folder, workspace_files
from flows.sources import check_new_source, with_source
from tests.flows import toy


def test_a_folder_with_other_things_or_another_recipe_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(ValueError, match=r"is not empty \(thesis.tex"):
        check_folder(tmp_path, "tiny")
    other = tmp_path / "other"
    other.mkdir()
    (other / "params.yaml").write_text(shipped_recipe("small"))
    with pytest.raises(ValueError, match=r"with the recipe small; `unimed retrain --recipe tiny --switch`"):
        check_folder(other, "tiny")
    check_folder(other, "small")
    with pytest.raises(ValueError, match="unknown recipe 'tny'; did you mean 'tiny'"):
        check_folder(tmp_path / "new", "tny")


def test_a_new_workspace_has_the_recipe_the_graph_and_what_dvc_must_ignore():
    files = workspace_files("tiny")
    assert set(files) == {"params.yaml", "dvc.yaml", ".dvcignore", ".gitignore"}
    assert ".gitignore" in files[".dvcignore"].splitlines()


def test_setting_a_key_changes_that_key_alone():
    params = parse_yaml(shipped_recipe("tiny"), "tiny")
    changed = changed_params(params, ["curriculum.unified.steps=9", "seed=4"])
    assert (changed["curriculum"]["unified"]["steps"], changed["seed"]) == (9, 4)
    changed["curriculum"]["unified"]["steps"] = params["curriculum"]["unified"]["steps"]
    assert changed | {"seed": params["seed"]} == params


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("curriculum.unifid.steps=9", r"no recipe key 'curriculum.unifid'; did you mean 'unified'"),
        ("seed.deep=9", r"no recipe key 'seed.deep'"),
        ("seed", r"write key=value"),
    ],
)
def test_a_key_that_the_recipe_lacks_is_refused_with_the_nearest(setting, message):
    with pytest.raises(ValueError, match=message):
        changed_params(parse_yaml(shipped_recipe("tiny"), "tiny"), [setting])


def test_an_experiment_shares_raw_files_and_cache_and_leaves_the_workspace_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    workspace = Workspace(toy.make(tmp_path / "w"))
    workspace.alignment.mkdir(parents=True)
    (workspace.alignment / "eyes.parquet").write_text("scores")
    before = workspace.params.read_text()
    experiment = make_experiment(workspace, ["seed=5"])
    assert experiment.root.parent == workspace.private / "experiments"
    assert read_recipe(experiment.params).seed == 5 and workspace.params.read_text() == before
    for file in ("data/raw/eyes/a.txt", "data/alignment/eyes.parquet"):
        assert (experiment.root / file).samefile(workspace.root / file)
    assert str(workspace.root / ".dvc" / "cache") in (experiment.root / ".dvc" / "config.local").read_text()
    assert make_experiment(workspace, ["seed=5"]).root == experiment.root
    with pytest.raises(ValueError, match=r"--set: curriculum.unified: curriculum steps must be at least 1"):
        make_experiment(workspace, ["curriculum.unified.steps=0"])


def test_a_new_source_is_named_in_the_recipe_with_every_comment_kept():
    text = shipped_recipe("tiny")
    changed = with_source(text, "clinic", "data/raw/clinic", "dicom")
    assert [line for line in text.splitlines() if "#" in line] == [line for line in changed.splitlines() if "#" in line]
    (name, *_) = [line.strip() for line in changed.splitlines() if "clinic" in line]
    assert name == "clinic:"


def test_a_source_with_a_taken_name_an_unknown_format_or_no_files_is_refused(tmp_path):
    workspace = Workspace(toy.make(tmp_path / "w"))
    empty, full = tmp_path / "empty", tmp_path / "full"
    empty.mkdir()
    full.mkdir()
    (full / "a.dcm").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"source 'eyes' is there already"):
        check_new_source(workspace, "eyes", full, "dicom")
    with pytest.raises(ValueError, match=r"unknown format 'dicm'; did you mean 'dicom'"):
        check_new_source(workspace, "clinic", full, "dicm")
    with pytest.raises(ValueError, match=r"is empty"):
        check_new_source(workspace, "clinic", empty, "dicom")
    with pytest.raises(ValueError, match=r"use lower case"):
        check_new_source(workspace, "../clinic", full, "dicom")
    check_new_source(workspace, "clinic", full, "dicom")
