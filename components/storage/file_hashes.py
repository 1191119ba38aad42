"""What identifies bytes on disk: the sha256 of a file, and of a checkpoint by the names and hashes of its files."""

import hashlib
from collections.abc import Iterable
from pathlib import Path


def file_sha256(path: Path) -> str:
    """Hex sha256 of the file's bytes; raises ValueError when it is missing."""
    if not path.is_file():
        raise ValueError(f"{path} is missing; `unimed status` says which stage makes it")
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def file_md5(path: Path) -> str:
    """Hex md5 of the file's bytes: what DVC knows it by."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "md5").hexdigest()


def weights_sha256(files: Iterable[tuple[str, str]]) -> str:
    """Identity of weights from (name, sha256) pairs in any order: sha256 of the sorted lines `sha256  name`."""
    lines = sorted(f"{sha256}  {name}" for name, sha256 in files)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def checkpoint_sha256(checkpoint: Path) -> str:
    """`weights_sha256` of the files in a checkpoint folder; raises ValueError when there are none."""
    files = [path for path in checkpoint.rglob("*") if path.is_file()]
    if not files:
        raise ValueError(f"{checkpoint} holds no checkpoint; `unimed status` says which stage makes it")
    return weights_sha256((path.relative_to(checkpoint).as_posix(), file_sha256(path)) for path in files)
