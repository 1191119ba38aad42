"""The hash of a component's code: what it is made of, and of what it imports of ours, docstrings stripped."""

import ast
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ENTRIES = {
    "validation": "components.validation.stage",
    "admission": "components.validation.admission",
    "assembly": "components.assembly.stage",
    "judge": "components.evaluation.judge",
    "start": "components.training.start",
    "training": "components.training.stage",
    "prediction": "components.evaluation.predict",
    "evaluation": "components.evaluation.evaluate",
}
"""Component -> the module whose function the door calls."""

OUTSIDE = (
    "components.context",
    "components.recipes.nearest",
    "components.recipes.reading",
    "components.recipes.recipe",
    "components.registry",
    "components.stage",
)
"""Not part of any result: numbers reach a stage as DVC parameters, tracking and registration only watch."""

APART = {"validation": ("components.records.findings",)}
"""Component -> modules that count with the adapters that use them instead: a new word for a finding makes no other source
stale."""
_PACKAGES = ("components", "model")


def code_hashes(adapters: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Component -> hash of the syntax trees of its entry module and of all that it imports of ours; and `adapters`: format
    -> the same of the modules given for it.

    Comments, docstrings and layout do not count; a changed constant, name or import does. Data files of a
    package (adapter tables, page templates) count for every component whose code lies in their folder.
    """
    graph = _import_graph()
    found: dict[str, Any] = {
        name: _digest(_closure(graph, [entry], (*OUTSIDE, *APART.get(name, ())))) for name, entry in ENTRIES.items()
    }
    return found | {"adapters": {name: _digest(_closure(graph, entries)) for name, entries in adapters.items()}}


def _closure(graph: dict[str, set[str]], entries: Iterable[str], outside: tuple[str, ...] = OUTSIDE) -> list[str]:
    seen: set[str] = set()
    todo = list(entries)
    while todo:
        module = todo.pop()
        if module not in seen and not module.startswith(outside):
            seen.add(module)
            todo += graph[module]
    return sorted(seen)


def _digest(modules: Iterable[str]) -> str:
    digest = hashlib.sha256()
    folders: set[Path] = set()
    for module in modules:
        path = _file_of(module)
        digest.update(f"{module}\n{_tree_text(path)}\n".encode())
        folders.add(path.parent)
    for data in sorted(file for folder in folders for file in folder.iterdir() if file.suffix in {".html", ".json"}):
        digest.update(data.name.encode() + data.read_bytes())
    return digest.hexdigest()[:32]


@lru_cache
def _tree_text(path: Path) -> str:
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [inner for inner in node.body if not _is_docstring(inner)] or [ast.Pass()]
    return ast.dump(tree)


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _file_of(module: str) -> Path:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ValueError(f"module {module} has no source file; install UniMed from its source or its wheel")
    return Path(spec.origin)


def _import_graph() -> dict[str, set[str]]:
    import grimp

    graph = grimp.build_graph(*_PACKAGES, cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
