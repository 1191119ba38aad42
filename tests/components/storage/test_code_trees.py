import os
from pathlib import Path

from components.storage import code_trees
from components.storage.code_trees import CodeTrees, tree_digest


def test_comments_docstrings_and_layout_do_not_count_but_a_constant_does(tmp_path):
    texts = [
        '"""Doc."""\n\ndef f():\n    """What."""\n    return 1\n',
        "# comment\ndef f():\n\n    return 1\n",
        "def f():\n    return 2\n",
    ]
    digests = []
    for number, text in enumerate(texts):
        path = tmp_path / f"{number}.py"
        path.write_text(text)
        digests.append(tree_digest(path))
    assert digests[0] == digests[1] != digests[2]


def remembering(memory: Path, path: Path, monkeypatch) -> tuple[str, list[Path]]:
    """The file's digest as a new process sees it, and which files it read for it."""
    read: list[Path] = []
    plain = tree_digest
    with monkeypatch.context() as patched:
        patched.setattr(code_trees, "tree_digest", lambda file: read.append(file) or plain(file))
        trees = CodeTrees(memory)
        found = trees.digest(path)
        trees.keep()
    return found, read


def test_a_file_is_read_once_and_again_when_it_changes_also_when_its_time_and_size_stay(tmp_path, monkeypatch):
    memory, path = tmp_path / "trees.json", tmp_path / "a.py"
    path.write_text("x = 1\n")
    first, read = remembering(memory, path, monkeypatch)
    assert read == [path] and remembering(memory, path, monkeypatch) == (first, [])
    path.write_text("x = 22\n")
    second, read = remembering(memory, path, monkeypatch)
    assert read == [path] and second != first
    stat = path.stat()
    other = tmp_path / "b.py"
    other.write_text("x = 33\n")
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    other.replace(path)
    third, read = remembering(memory, path, monkeypatch)
    assert read == [path] and third not in (first, second)


def test_a_damaged_memory_is_none(tmp_path, monkeypatch):
    memory, path = tmp_path / "trees.json", tmp_path / "a.py"
    path.write_text("x = 1\n")
    memory.write_text('{"half')
    found, read = remembering(memory, path, monkeypatch)
    assert (found, read) == (tree_digest(path), [path])
    assert remembering(memory, path, monkeypatch) == (found, [])
