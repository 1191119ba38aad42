"""Making a workspace from the installed package."""

from pathlib import Path

from components.recipes.recipe import read_recipe
from components.recipes.shipped import shipped_graph, shipped_recipe
from components.storage.atomic import write_text
from components.storage.private import make_private
from components.storage.workspace import Workspace, check_path
from flows.run import prepare

DVCIGNORE = """\
# DVC writes a .gitignore beside each output; a folder that is somebody's input must not change by that.
.gitignore
.writing-*
/.unimed
"""
GITIGNORE = """\
# What a run makes stays with DVC. Git holds the recipe, the stage graph with its hashes, people's decisions about
# the data, and the metrics (`dvc metrics diff` reads them there).
/data/*
!/data/decisions/
!/data/accepted/
!/data/patients/
/checkpoints/
/training/
/evaluation/*
!/evaluation/metrics.json
/.unimed/
"""


def planned_files(folder: Path, recipe: str) -> list[Path]:
    """The files that `make_workspace` would write; raises ValueError for what it would refuse."""
    check_path(folder.resolve())
    check_folder(folder, recipe)
    return [folder / name for name in (*workspace_files(recipe), ".dvc/config", "data/raw")]


def make_workspace(folder: Path, recipe: str) -> tuple[Workspace, list[str]]:
    """The workspace, with what delivery of the raw data has to report. Files that are there already are left alone.

    Raises ValueError when the folder is a workspace with another recipe, or holds other things.
    """
    check_path(folder.resolve())
    check_folder(folder, recipe)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in workspace_files(recipe).items():
        if not (folder / name).exists():
            write_text(folder / name, text)
    workspace = Workspace(folder.resolve())
    make_private(workspace)
    return workspace, prepare(workspace, read_recipe(workspace.params))


def workspace_files(recipe: str) -> dict[str, str]:
    """Name -> text of the files that make a folder a workspace."""
    return {
        "params.yaml": shipped_recipe(recipe),
        "dvc.yaml": shipped_graph(),
        ".dvcignore": DVCIGNORE,
        ".gitignore": GITIGNORE,
    }


def check_folder(folder: Path, recipe: str) -> None:
    """Raise ValueError when a workspace with this recipe cannot stand there."""
    shipped_recipe(recipe)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; give a folder")
    if not folder.is_dir():
        return
    params = folder / "params.yaml"
    if params.is_file():
        name = read_recipe(params).recipe
        if name != recipe:
            raise ValueError(
                f"{folder} is a workspace with the recipe {name}; `unimed retrain --recipe {recipe} --switch` changes it"
            )
        return
    strangers = sorted(path.name for path in folder.iterdir() if path.name not in (".git", "data", "README.md"))
    if strangers:
        raise ValueError(f"{folder} is not empty ({', '.join(strangers[:3])} …); give a new folder")
