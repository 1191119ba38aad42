"""Identities of bytes on disk: by content and name, never by place or order."""

import hashlib
import re
import shutil
from pathlib import Path

import pytest

from components.storage.file_hashes import checkpoint_sha256, file_sha256, weights_sha256

CONTENTS = {"b.safetensors": b"weights", "a.json": b"{}", "deep/c.txt": b""}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    for name, data in CONTENTS.items():
        path = tmp_path / "checkpoint" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "checkpoint"


def test_a_file_is_hashed_whole_and_a_missing_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "large"
    data = bytes(range(256)) * 5000
    path.write_bytes(data)
    assert file_sha256(path) == hashlib.sha256(data).hexdigest()
    with pytest.raises(ValueError, match=f"{re.escape(str(tmp_path / 'gone'))} is missing; `unimed status`"):
        file_sha256(tmp_path / "gone")


def test_a_checkpoint_is_the_sorted_lines_of_its_files(checkpoint: Path) -> None:
    pairs = [(name, hashlib.sha256(data).hexdigest()) for name, data in CONTENTS.items()]
    lines = sorted(f"{sha256}  {name}" for name, sha256 in pairs)
    expected = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    assert weights_sha256(pairs) == weights_sha256(reversed(pairs)) == checkpoint_sha256(checkpoint) == expected


def test_a_checkpoint_is_known_by_content_and_names_not_by_place(checkpoint: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(checkpoint, tmp_path / "elsewhere"))
    assert checkpoint_sha256(copied) == checkpoint_sha256(checkpoint)
    (copied / "a.json").rename(copied / "d.json")
    assert checkpoint_sha256(copied) != checkpoint_sha256(checkpoint)
    with pytest.raises(ValueError, match="nothing holds no checkpoint"):
        checkpoint_sha256(tmp_path / "nothing")
