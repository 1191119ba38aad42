"""Adding a source: its files into data/raw, its name into params.yaml with comments and order kept."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from components.recipes.nearest import nearest
from components.recipes.recipe import read_recipe
from components.sources.delivery import prepare_curation
from components.storage.atomic import TEMPORARY, atomic_folder, write_text
from components.storage.full_disk import check_room, says_full
from components.storage.workspace import Workspace
from components.storage.yaml_files import edited
from flows.plan import folder_bytes

if TYPE_CHECKING:
    from components.storage.s3 import S3Object


def check_new_source(workspace: Workspace, name: str, path: Path | None, format_name: str) -> None:
    """Raise ValueError when a source of this name, from this folder (None: from S3), in this format cannot be added."""
    from components.sources.table import MODULES

    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,60}", name):
        raise ValueError(f"source name {name!r}: use lower case letters, digits and dashes")
    recipe = read_recipe(workspace.params)
    if name in recipe.sources:
        raise ValueError(
            f"source {name!r} is there already ({recipe.sources[name].path}); put new files into that folder"
        )
    if format_name not in MODULES:
        raise ValueError(f"unknown format {format_name!r}{nearest(format_name, MODULES)}")

    if path is not None and not path.is_dir():
        raise ValueError(f"--path {path} is not a folder")
    if path is not None and not any(path.iterdir()):
        raise ValueError(f"--path {path} is empty")
    inside = (workspace.raw / name).resolve()
    if inside.exists() and (path is None or path.resolve() != inside):
        raise ValueError(f"{inside} exists already; remove it or choose another name")


def proposed_patients(workspace: Workspace, folder: Path, format_name: str) -> tuple[str | None, list[str]]:
    """The namespace that the patients of a new source share (None: its own), and sources of the same patients that have
    another one."""
    from components.sources.patients import SHARED, proposed
    from components.sources.private import is_private

    sources = read_recipe(workspace.params).sources
    private = [name for name, settings in sources.items() if is_private(name, settings)]
    files = (path.name for path in folder.rglob("*"))
    namespace = proposed(format_name, files, sources, private)
    apart = [
        name
        for name, settings in sources.items()
        if namespace
        and settings.namespace(name) != namespace
        and (SHARED.get(settings.format) == namespace or name in private)
    ]
    return namespace, apart


def add_source(
    workspace: Workspace, name: str, path: Path, format_name: str, *, keep: bool = False, patients: str | None = None
) -> None:
    """Copy the folder to data/raw/<name> (links are not followed) and name it in params.yaml, the name last, with the
    namespace of its patients.

    What was fetched from S3 is moved. Raises ValueError for a file that cannot be copied, and where the disk has no room. With keep, DVC's cache holds the raw files too, under data/raw/<name>.dvc.
    """
    target = workspace.raw / name
    if path.is_relative_to(workspace.private):
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
    elif path.resolve() != target.resolve():
        check_room(target, folder_bytes(path), f"the copy of {path}")
        with atomic_folder(target) as folder:
            _copy(path, folder)
    if keep:
        from components.storage.dvc_remote import keep_folder

        keep_folder(workspace, target)
    prepare_curation(workspace, name)
    text = with_source(workspace.params.read_text(), name, f"data/raw/{name}", format_name, patients)
    write_text(workspace.params, text)


def _copy(path: Path, folder: Path) -> None:
    """Copy all files of one folder into another; raises ValueError, or OSError for a disk that is full, for the first that
    cannot be copied."""
    try:
        shutil.copytree(path, folder, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns(f"{TEMPORARY}*"))
    except shutil.Error as error:
        (name, _, reason), *others = error.args[0]
        more = f" (and {len(others)} more)" if others else ""
        if says_full(str(reason)):
            raise OSError(f"{name}: {reason}{more}") from None
        raise ValueError(f"{name} cannot be copied: {reason}{more}; nothing was added") from None


def delivered_objects(url: str) -> list["S3Object"]:
    """What lies below s3://bucket/prefix, as far as it can become files of one folder. Raises ValueError."""
    from components.storage.s3 import list_objects

    found = [entry for entry in list_objects(url, deep=True) if not entry.name.endswith("/")]
    if not found:
        raise ValueError(f"{url} holds nothing; give the prefix under which the files lie")
    names = {entry.name for entry in found}
    for name in sorted(names):
        path = PurePosixPath(name)
        if path.as_posix() != name or path.is_absolute() or ".." in path.parts:
            raise ValueError(f"{url} holds {name!r}, which cannot be a file of this folder; rename it there")
        if clash := next((str(parent) for parent in path.parents if str(parent) in names), ""):
            raise ValueError(f"{url} holds {clash!r} as a file and as a folder; rename one there")
    return found


def fetch_delivery(workspace: Workspace, name: str, url: str, progress: Callable[[int, int, str], None]) -> Path:
    """The folder below .unimed/incoming that holds what lies on S3; a broken fetch goes on where it stopped.

    progress hears of (files so far, files in all, name). Raises ValueError.
    """
    from components.storage.s3 import fetch

    found = delivered_objects(url)
    folder = workspace.private / "incoming" / name
    size = sum(entry.size for entry in found)
    check_room(workspace.private, size, f"what {url} holds")
    wanted = {folder / entry.name for entry in found}
    for stale in [path for path in folder.rglob("*") if path.is_file() and path not in wanted]:
        stale.unlink()
    fetch(url, found, folder, progress)
    return folder


def with_source(text: str, name: str, path: str, format_name: str, patients: str | None = None) -> str:
    """The YAML text with one more source; comments and order of everything else stay."""

    def add(document: Any) -> None:
        document["sources"][name] = {"path": path, "format": format_name}
        if patients:
            document["sources"][name]["patients"] = patients

    return edited(text, add)
