"""`retrain --set key=value`: a workspace of its own beside the real one, with the same raw data and the same DVC cache."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from components.recipes.nearest import nearest
from components.recipes.reading import read_dataclass
from components.recipes.recipe import Recipe
from components.storage.atomic import write_text
from components.storage.keys import keyed_hash
from components.storage.workspace import Workspace
from components.storage.yaml_files import dump_yaml, load_yaml
from flows.journal import keep_seconds, stage_seconds
from flows.making import workspace_files
from flows.run import initialise


def make_experiment(workspace: Workspace, settings: Sequence[str]) -> Workspace:
    """The experiment's workspace in .unimed/experiments/<key>; the same settings give the same one, so a run goes on.

    Raises ValueError for a key that the recipe does not have or a value that it does not take.
    """
    params = changed_params(load_yaml(workspace.params), settings)
    read_dataclass(Recipe, params, "--set")
    root = workspace.private / "experiments" / keyed_hash(*sorted(settings), digest_bytes=6)
    root.mkdir(parents=True, exist_ok=True)
    write_text(root / "params.yaml", dump_yaml(params))
    shutil.copyfile(workspace.root / "dvc.yaml", root / "dvc.yaml")
    for name in (".dvcignore", ".gitignore"):
        write_text(root / name, workspace_files("tiny")[name])
    for folder in ("raw", "decisions", "accepted", "alignment", "deidentified", "patients", "start"):
        link_folder(workspace.root / "data" / folder, root / "data" / folder)
    share_cache(workspace, Workspace(root))
    keep_seconds(Workspace(root), stage_seconds(workspace))
    return Workspace(root.resolve())


def changed_params(params: Mapping[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """The recipe with `key=value` settings applied; values are read as YAML."""
    import copy
    import io

    from ruamel.yaml import YAML, YAMLError

    changed = copy.deepcopy(dict(params))
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key:
            raise ValueError(f"--set {setting!r}: write key=value, such as curriculum.unified.steps=100")
        *path, last = key.split(".")
        place: Any = changed
        for depth, part in enumerate([*path, last]):
            if not isinstance(place, dict) or part not in place:
                known = place if isinstance(place, dict) else {}
                raise ValueError(
                    f"--set {key}: no recipe key {'.'.join([*path, last][: depth + 1])!r}{nearest(part, known)}"
                )
            if depth < len(path):
                place = place[part]
        try:
            place[last] = YAML(typ="safe", pure=True).load(io.StringIO(text))
        except YAMLError:
            raise ValueError(f"--set {key}: {text!r} is not a YAML value") from None
    return changed


def link_folder(source: Path, target: Path) -> None:
    """Make `target` hold the same files as hard links (copies across file systems); what `source` lost goes too."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True, symlinks=True, copy_function=_link)


def share_cache(workspace: Workspace, experiment: Workspace) -> None:
    """Make the experiment a DVC repository of its own whose cache is the workspace's."""
    initialise(workspace)
    initialise(experiment)
    local = experiment.root / ".dvc" / "config.local"
    write_text(local, f"[cache]\n    dir = {workspace.root / '.dvc' / 'cache'}\n")


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
