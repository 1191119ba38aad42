"""A container's small /dev/shm, a real one: what a run with workers says before its first stage."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flows import toy

SMALL = 'mount -t tmpfs -o size=48m tmpfs /dev/shm && exec "$@"'
PREPARE = """
from pathlib import Path
from components.recipes.recipe import read_recipe
from components.storage.workspace import Workspace
from flows.run import prepare
workspace = Workspace(Path.cwd())
print("\\n".join(prepare(workspace, read_recipe(workspace.params))))
"""


def prepared(root: Path, *, workers: int) -> str:
    """What is said before the first stage of a run with so many workers."""
    if not shutil.which("unshare") or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        pytest.skip("a mount of a test's own needs root and CAP_SYS_ADMIN (unshare of util-linux)")
    params = root / "params.yaml"
    assert "workers: 0" in params.read_text() or workers == 0
    params.write_text(params.read_text().replace("workers: 0", f"workers: {workers}"))
    done = subprocess.run(
        [
            "unshare",
            "-m",
            "sh",
            "-c",
            SMALL,
            "sh",
            sys.executable,
            "-c",
            "from tests.flows import toy; toy.toy_graph()" + PREPARE,
        ],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        text=True,
        capture_output=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_workers_without_shared_memory_are_told_of_with_the_way_to_more(tmp_path):
    root = toy.make(tmp_path / "w")
    assert "/dev/shm" not in prepared(root, workers=0)
    said = prepared(root, workers=2)
    assert "/dev/shm has 50 MB free" in said
    assert "docker run --shm-size=512m" in said and "set compute.workers to 0" in said
