"""The libraries that are measured beside ours. They come into .peers at the root, never into the environment:
`python -m tests.benchmarks.peers` puts them there, by the group `bench-peers` of pyproject.toml."""

import importlib
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

from tests.benchmarks.figures import say

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".peers"


def peer(name: str) -> ModuleType | None:
    """The library, or None where it is not installed; then a line says how to get it."""
    if str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))
    try:
        return importlib.import_module(name)
    except ImportError as error:
        say(f"{name} is left out: {error}; `python -m tests.benchmarks.peers` installs it")
        return None


def install() -> int:
    """Everything in the group and nothing that it asks for: what the environment has stays as it is."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["bench-peers"]
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--upgrade", "--target", str(FOLDER), *wanted]
    return subprocess.run(command).returncode


if __name__ == "__main__":
    sys.exit(install())
