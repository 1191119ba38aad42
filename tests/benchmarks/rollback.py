"""What a rollback to a champion of several gigabytes costs beside a bare program that imports MLflow's client.

    python -m tests.benchmarks.rollback [--workspace FOLDER] [--gigabytes 4]

The workspace is a micro one after one retrain (FOLDER: one that was made before; it is copied). Two versions of weights of that
size are registered and promoted one after the other; then the first gets the title back. CPU time beyond the bare program counts; wall time is told beside it.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from components.recipes.registry import MODEL
from components.registry.catalogue import CHAMPION, find, record_folder, reference_in
from components.registry.database import embedded_uri
from components.registry.model_files import code_folders, log_model
from components.registry.runs import keyed_run
from components.registry.tracking import connect
from components.registry.weights_reference import WeightsFile, key
from components.storage.file_hashes import file_sha256
from components.storage.workspace import Workspace
from tests.benchmarks.figures import Figure, report, within
from tests.benchmarks.prompt import BARE, cost, prepared
from tests.fixtures.micro import UNIMED

GOAL_SECONDS = 1.0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path, help="a workspace with a version; by default one is made")
    parser.add_argument("--gigabytes", type=float, default=4.0)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="unimed-bench-") as folder:
        workspace = prepared(Path(folder) / "w", given.workspace, 1)
        for name in ("one", "two"):
            register_large(workspace, Path(folder) / name, int(given.gigabytes * 2**30), name)
        return report("rollback", measured(workspace, given.gigabytes))


def register_large(workspace: Workspace, folder: Path, size: int, name: str) -> None:
    """Register the first version's record anew, with one file of that size as its weights: a sparse one, whose zeros are
    hashed like any bytes."""
    os.chdir(workspace.root)
    tracking = connect(workspace)
    first = find(tracking, "1")
    assert first is not None
    record = shutil.copytree(record_folder(tracking, first), folder / "record")
    md5 = hashlib.md5(name.encode()).hexdigest()
    path = workspace.private / "large" / key(md5)
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.write(name.encode())
        file.truncate(size)
    os.utime(path, (time.time() - 60, time.time() - 60))
    large = WeightsFile(name="ema.safetensors", size=size, md5=md5, sha256=file_sha256(path))
    reference = replace(reference_in(record, first), files=(large,), cache=str(workspace.private / "large"))
    (record / "weights.json").write_text(json.dumps(reference.to_json()))
    tags = {**first.tags, "unimed.weights_sha256": reference.sha256}
    with keyed_run(workspace, "register", name) as run:
        source = log_model(run, record=record, code=code_folders(folder / "code"), tags=tags)
        tracking.client.create_model_version(MODEL, source, run.run_id, tags=tags, model_id=source.rpartition("/")[2])


def measured(workspace: Workspace, gigabytes: float) -> Iterator[Figure]:
    """Wall and CPU seconds of promotions and of the rollback, beyond those of the bare program."""
    bare = cost([[sys.executable, "-c", BARE, embedded_uri(workspace)]] * 3, workspace)
    promotions = [[UNIMED, "promote", version, "--why", "measured", "--json"] for version in ("2", "3")]
    promoted = cost(promotions, workspace)
    yield Figure(
        name="rollback.promotion_hashes",
        value=promoted.wall - bare.wall,
        unit="s",
        peer="a bare search",
        peer_value=bare.wall,
        ratio=bare.wall / promoted.wall,
        goal=None,
        is_right=promoted.is_right,
        note=f"{gigabytes:g} GB are hashed before the lease is taken",
    )
    back = cost([[UNIMED, "rollback", "--why", "measured", "--json"]], workspace)
    champion = find(connect(workspace), CHAMPION)
    is_right = back.is_right and champion is not None and champion.number == 2
    note = f"{gigabytes:g} GB; wall: the command {back.wall:.2f} s, the bare program {bare.wall:.2f} s"
    value = back.cpu - bare.cpu
    yield within("rollback.beyond_imports", value, "s", GOAL_SECONDS, of="a second", is_right=is_right, note=note)


if __name__ == "__main__":
    sys.exit(main())
