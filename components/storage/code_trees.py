"""What the code of a source file is: a digest of its syntax tree without docstrings, known again by size, time and inode."""

import ast
import hashlib
from pathlib import Path

from components.storage.atomic import read_object, write_json
from components.storage.read_only import unless_read_only


class CodeTrees:
    """Digests of source files. Parsing all of ours takes a second, so they are kept in the file `memory`, if one is given."""

    def __init__(self, memory: Path | None = None) -> None:
        self._memory = memory
        self._known = _remembered(memory)
        self._is_new = False
        self._looked_at: dict[Path, str] = {}

    def digest(self, path: Path) -> str:
        """Changes with anything in the file but comments, docstrings and layout."""
        if path not in self._looked_at:
            self._looked_at[path] = self._digest(path)
        return self._looked_at[path]

    def keep(self) -> None:
        """Write down what was learnt."""
        if self._memory is not None and self._is_new:
            with unless_read_only():
                write_json(self._memory, self._known)

    def _digest(self, path: Path) -> str:
        stat = path.stat()
        mark = [stat.st_size, stat.st_mtime_ns, stat.st_ino]
        known = self._known.get(str(path))
        if known is None or known[:-1] != mark:
            known = self._known[str(path)] = [*mark, tree_digest(path)]
            self._is_new = True
        return str(known[-1])


def tree_digest(path: Path) -> str:
    """Hex digest of the file's syntax tree, docstrings stripped."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [inner for inner in node.body if not _is_docstring(inner)] or [ast.Pass()]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _remembered(memory: Path | None) -> dict[str, list[object]]:
    if memory is None or not memory.is_file():
        return {}
    try:
        return read_object(memory)
    except ValueError:  # half a file, or another's: all are read again
        return {}
