"""The hash of a component's code, and of what it imports of ours, docstrings stripped; and the packages that it imports."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from components.storage.code_trees import CodeTrees
from components.storage.file_hashes import file_sha256
from components.storage.made_with import SECTION, packages_of

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
    "components.storage.made_with",
    "components.storage.node_cache",
    "components.storage.object_store",
    "components.training.board",
    "components.training.fitting",
    "components.training.reference",
)
"""Not part of any result: numbers and versions reach a stage as DVC parameters, tracking and registration only watch, and what
carries a stage's work to nodes and back compares it with its hash."""

APART = {"validation": ("components.records.findings", "components.images.text_reader")}
"""Component -> modules that count with the adapters that use them instead: a new word for a finding makes no other source
stale."""
_PACKAGES = ("components", "model")
_DATA = (".bloom", ".html", ".json")
MEMORY = "code-trees.json"
"""Below .unimed: what is remembered of source files."""


def code_hashes(adapters: Mapping[str, Sequence[str]], memory: Path | None = None) -> dict[str, Any]:
    """Component -> hash of the syntax trees of its entry module and of all that it imports of ours; `adapters`: format -> the
    same of the modules given for it; `made_with`: the packages that those modules import, in the same order.

    Comments, docstrings and layout do not count; a changed constant, name or import does. Data files of a
    package (adapter tables, page templates, word lists) count for every component whose code lies in their folder. What
    files hold is remembered in `memory`, if that is given.
    """
    graph, trees = _import_graph(), CodeTrees(memory)
    parts = {name: _closure(graph, [entry], (*OUTSIDE, *APART.get(name, ()))) for name, entry in ENTRIES.items()}
    formats = {name: _closure(graph, entries) for name, entries in adapters.items()}
    found: dict[str, Any] = {name: _digest(trees, modules) for name, modules in parts.items()}
    found["adapters"] = {name: _digest(trees, modules) for name, modules in formats.items()}
    trees.keep()
    packages: dict[str, Any] = {name: _packages(graph, modules) for name, modules in parts.items()}
    packages["adapters"] = {name: _packages(graph, modules) for name, modules in formats.items()}
    return found | {SECTION: packages}


def _closure(graph: dict[str, set[str]], entries: Iterable[str], outside: tuple[str, ...] = OUTSIDE) -> list[str]:
    """The modules of ours that these import, themselves first of all."""
    seen: set[str] = set()
    todo = list(entries)
    while todo:
        module = todo.pop()
        if module not in seen and _is_ours(module) and not module.startswith(outside):
            seen.add(module)
            todo += graph[module]
    return sorted(seen)


def _packages(graph: dict[str, set[str]], modules: Iterable[str]) -> dict[str, str]:
    """Package -> version of what these modules import that is not ours."""
    return packages_of(imported for module in modules for imported in graph[module] if not _is_ours(imported))


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in _PACKAGES


def _digest(trees: CodeTrees, modules: Iterable[str]) -> str:
    digest = hashlib.sha256()
    paths = {module: _file_of(module) for module in modules}
    for module, path in paths.items():
        digest.update(f"{module}\n{trees.digest(path)}\n".encode())
    for name, sha256 in sorted(found for folder in {path.parent for path in paths.values()} for found in _data(folder)):
        digest.update(f"{name}\n{sha256}\n".encode())
    return digest.hexdigest()[:32]


@lru_cache
def _data(folder: Path) -> list[tuple[str, str]]:
    """(name, hash) of the files in a folder of code that it reads."""
    return [(file.name, file_sha256(file)) for file in folder.iterdir() if file.suffix in _DATA]


@lru_cache
def _file_of(module: str) -> Path:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ValueError(f"module {module} has no source file; install UniMed from its source or its wheel")
    return Path(spec.origin)


def _import_graph() -> dict[str, set[str]]:
    """Module of ours or top-level module of a package -> what it imports; what type checkers alone import does not count."""
    import grimp

    graph = grimp.build_graph(
        *_PACKAGES, include_external_packages=True, exclude_type_checking_imports=True, cache_dir=None
    )
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
