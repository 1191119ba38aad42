"""Where a run's stages are forked from (`components.fork_server`): started with the run, ended with it."""

import gc
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components import stage as door
from components.fork_server import ADDRESS, ForkServer
from components.recipes.recipe import Recipe
from components.storage.workspace import Workspace
from flows.server import end_process, start_child

ACCELERATORS = ("/dev/nvidiactl", "/dev/kfd")
"""Where one of these is there, a driver may be in use from an import on, and none survives a fork."""


@contextmanager
def fork_server(workspace: Workspace, recipe: Recipe) -> Iterator[None]:
    """While the block runs, stages are forks of one process, where that is possible: without workers and accelerators. Others
    take their seconds of imports in minutes and hours of work."""
    if recipe.compute.workers > 0 or any(Path(path).exists() for path in ACCELERATORS):
        yield
        return
    name = f"unimed-{secrets.token_hex(16)}"
    threads = str(recipe.compute.threads)
    process = start_child(["flows.fork_server", name, threads], log=workspace.logs / "fork-server.log")
    os.environ[ADDRESS] = name
    try:
        yield
    finally:
        del os.environ[ADDRESS]
        end_process(process)


def work(argv: list[str], began: float) -> int:
    """In a fork: the stage, by the door, which processes of its own take for their beginning."""
    sys.modules["__main__"] = door
    return door.do(argv, began)


if __name__ == "__main__":
    door.set_environment(int(sys.argv[2]))
    gc.set_threshold(50_000, 20, 50)  # as the door does
    ForkServer(folder=str(Path.cwd()), prepare=door.function_of, work=work).serve(sys.argv[1])
