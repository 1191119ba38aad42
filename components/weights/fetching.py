"""A folder of weights on S3 becomes a folder here: only the files that are read, each of the size that S3 states."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from components.storage.s3 import S3Object, downloads, list_objects
from components.storage.s3 import fetch as fetch_objects
from model.tensor_files import INDEX, PICKLED, EachTensor

S3 = "s3://"
_SMALL = (".json", ".txt")


def fetch(source: str, weights: Sequence[str], also: Sequence[str] = (), progress: EachTensor | None = None) -> Path:
    """The local folder of a path or an s3:// URL.

    weights: names of which the first found is taken, whole or in shards; also: further files taken where they are there.
    A file that is already in the cache is not fetched again; what changed on S3 gets a new folder. progress counts files.
    Raises ValueError.
    """
    if not source.startswith(S3):
        folder = Path(source).expanduser().absolute()
        if not folder.is_dir():
            raise ValueError(f"there is no folder {folder}; give a folder of weights or an s3:// URL")
        return folder
    found = {entry.name: entry for entry in list_objects(source)}
    if not found:
        raise ValueError(f"{source} holds nothing; give the prefix under which the files lie")
    folder = downloads() / "weights" / _identity(source, found.values())
    small = [name for name in found if name.endswith(_SMALL)]
    fetch_objects(source, [found[name] for name in small], folder)
    large = [*_files(source, folder, found, weights), *(name for name in also if name in found)]
    fetch_objects(source, [found[name] for name in dict.fromkeys(large)], folder, progress)
    return folder


def _files(source: str, folder: Path, found: Mapping[str, S3Object], weights: Sequence[str]) -> list[str]:
    """The files of the first weights that are there."""
    for name in weights:
        if name in found:
            return [name]
        if name + INDEX in found:
            shards = sorted(set(json.loads((folder / (name + INDEX)).read_text())["weight_map"].values()))
            missing = [shard for shard in shards if shard not in found]
            if missing:
                raise ValueError(f"{source} lacks {', '.join(missing)}, which {name + INDEX} names")
            return shards
    pickled = [name for name in found if name.endswith(PICKLED)]
    held = f"only {', '.join(pickled)}, which is pickled and never read" if pickled else ", ".join(found)
    raise ValueError(f"{source} has none of {', '.join(weights)} (it holds {held}); put the safetensors form there")


def _identity(source: str, objects: Iterable[S3Object]) -> str:
    lines = sorted(f"{entry.name} {entry.size} {entry.etag}" for entry in objects)
    return hashlib.sha256("\n".join([source, *lines]).encode()).hexdigest()[:16]
