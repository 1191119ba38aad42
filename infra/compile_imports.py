"""Compiles what our code imports, once: run by setup.sh with Python allowed to keep compiled modules.

Containers often forbid it (PYTHONDONTWRITEBYTECODE), every stage is a process of its own, and compiling what it imports
took each of them 2 to 10 s again. The whole environment would take four times as long as the part that is imported.
"""

import ast
import sys
import warnings
from pathlib import Path


def compile_imports(folders: list[str]) -> None:
    """Import all that the Python files in the folders import, also what they import inside functions."""
    warnings.simplefilter("ignore")
    files = (path for folder in folders for path in sorted(Path(folder).rglob("*.py")))
    nodes = (node for path in files for node in ast.walk(ast.parse(path.read_text())))
    imports = (node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom))
    for statement in dict.fromkeys(map(ast.unparse, imports)):
        exec(statement, {})  # as written, since several packages load a module only when a name is taken from it


if __name__ == "__main__":
    compile_imports(sys.argv[1:])
