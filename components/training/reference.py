"""A stage's work for nodes that do not see the workspace: hashes and the remote's address in place of paths.

The stage puts its inputs into the DVC remote; each node has them from there by way of its cache. The first rank puts the
finished checkpoint there, under the keys that DVC will look for, and the stage fetches it. States are left there for all.
"""

import os
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from components.assembly.dataset import TRAINED_ON
from components.context import StageContext
from components.recipes.recipe import Recipe
from components.sources.sharing import check_sharing
from components.storage.atomic import atomic_folder, read_object
from components.storage.dvc_objects import Tree, fetch_object, fetch_tree, recorded_tree, send_files, send_tree
from components.storage.dvc_remote import remote_address
from components.storage.home import workspace_id
from components.storage.node_cache import NodeCache
from components.storage.object_store import ObjectStore
from components.training.job import StageJob
from components.training.state_folders import note_bucket

CHECKPOINT, LOSSES = "checkpoint", "losses.json"


@dataclass(frozen=True, slots=True)
class Mark:
    """A file with a random text: who reads it sees the workspace's disk at the path where the stage does."""

    path: Path
    text: str

    def is_seen(self) -> bool:
        """Whether this process sees it."""
        try:
            return self.path.read_text() == self.text
        except OSError:
            return False


@contextmanager
def mark(folder: Path) -> Iterator[Mark]:
    """A mark in the folder for as long as the block runs."""
    made = Mark(folder / f"seen-{os.getpid()}", secrets.token_hex(16))
    folder.mkdir(parents=True, exist_ok=True)
    made.path.write_text(made.text)
    try:
        yield made
    finally:
        made.path.unlink(missing_ok=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class JobByReference:
    """What a curriculum stage works on, for whoever has keys to the remote."""

    recipe: Recipe
    stage: str
    name: str
    """Stage and run key."""
    workspace: str
    """What identifies it."""
    remote: ObjectStore
    """The DVC remote."""
    states: ObjectStore
    """This run's training states."""
    dataset: Tree
    """Manifest and training samples: a node needs no more of the data set."""
    parent: Tree
    lengths: Tree
    """The samples' token lengths, which the stage counted."""
    code: str
    seen: Mark
    paths: tuple[Path, Path]
    """Data set and parent, where the workspace is seen."""


def refer(ctx: StageContext, job: StageJob, name: str, seen: Mark) -> JobByReference:
    """The job by reference, its inputs in the remote. Raises ValueError without a remote on S3, or with sources that may not
    be passed on to it."""
    url, endpoint = remote_address(ctx.workspace)
    if not url.startswith("s3://"):
        raise ValueError(
            f"nodes of the Ray cluster do not see {ctx.workspace.root}, and the DVC remote is {url or 'not set'}: they have "
            "data and weights from a remote on S3 (`dvc remote add --default store s3://BUCKET`), or see the workspace at "
            "one path (a shared disk)"
        )
    check_sharing(ctx.recipe.sources, url)
    remote = ObjectStore(url, endpoint)
    inputs = [recorded_tree(ctx.workspace, folder) for folder in (job.dataset, job.parent)]
    reference = JobByReference(
        recipe=job.recipe,
        stage=job.stage,
        name=name,
        workspace=workspace_id(ctx.workspace),
        remote=remote,
        states=remote.below(f"unimed/training/{workspace_id(ctx.workspace)}/{name}"),
        dataset=inputs[0].only(_is_trained_on(job.dataset)),
        parent=inputs[1],
        lengths=send_files(remote, job.lengths, filter(_is_below, _files(job.lengths)), "token lengths"),
        code=job.code,
        seen=seen,
        paths=(job.dataset, job.parent),
    )
    for tree, folder in zip((reference.dataset, reference.parent), reference.paths, strict=True):
        sent = send_tree(remote, tree, folder)
        if sent:
            ctx.progress.say(f"{sent} files of {tree.what} went to the DVC remote")
    note_bucket(job.states, reference.states)
    return reference


def job_here(reference: JobByReference, rank: int, say: Callable[[str], None]) -> StageJob:
    """The job on this node: inputs where the workspace is seen, else out of the node's cache; results in a folder of the
    rank's own. Raises ValueError when the cache has no room for them or they are damaged."""
    cache = NodeCache.here()
    if reference.seen.is_seen():
        dataset, parent = reference.paths
    else:
        latest = f"data-of-{reference.workspace}"
        dataset = cache.lay(reference.dataset, reference.remote, say, instead_of=latest)
        parent = cache.lay(reference.parent, reference.remote, say)
    own = cache.scratch(f"{reference.name}-rank-{rank:05d}")
    return StageJob(
        recipe=reference.recipe,
        stage=reference.stage,
        dataset=dataset,
        parent=parent,
        checkpoint=own / CHECKPOINT,
        losses=own / LOSSES,
        states=own / "states",
        latents=cache.scratch("latents"),
        lengths=cache.lay(reference.lengths, reference.remote, say),
        code=reference.code,
        bucket=reference.states,
    )


def send_output(reference: JobByReference, job: StageJob) -> Tree:
    """Puts checkpoint and loss rows into the remote, under DVC's keys; what they are."""
    folder = job.checkpoint.parent
    names = [f"{CHECKPOINT}/{name}" for name in _files(job.checkpoint)]
    return send_files(reference.remote, folder, [*names, LOSSES], f"the finished {job.stage} of {socket.gethostname()}")


def take_output(reference: JobByReference, made: Tree, job: StageJob) -> None:
    """Writes checkpoint and loss rows where the job says, out of the remote, each file compared with its hash."""
    for entry in made.entries:
        if entry.name == LOSSES:
            fetch_object(reference.remote, entry, job.losses)
    with atomic_folder(job.checkpoint) as folder:
        fetch_tree(reference.remote, made.below(CHECKPOINT), folder)


def _files(folder: Path) -> list[str]:
    """The names of all files in the folder."""
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


def _is_below(name: str) -> bool:
    """Whether the file lies in a folder of the folder: beside those are locks."""
    return "/" in name


def _is_trained_on(dataset: Path) -> Callable[[str], bool]:
    shards = read_object(dataset / "manifest.json")["shards"]
    wanted = {"manifest.json", *(shard["file"] for shard in shards if (shard["kind"], shard["split"]) == TRAINED_ON)}
    return wanted.__contains__
