"""The folders of what resumes a stage, by stage and key of the work, and which of them go."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from components.storage.atomic import read_object, write_json
from components.storage.object_store import ObjectStore
from components.storage.s3 import UnreadableS3
from components.storage.workspace import Workspace

BUCKET = "bucket.json"
"""In a folder of states: the address of those that are in a bucket."""
BUCKET_SECONDS = 20.0
"""How long a bucket may be away before what is in it is left for another time."""


def state_folder(workspace: Workspace, stage: str, key: str) -> Path:
    """Where the stage keeps what resumes the work of this key."""
    return workspace.training_state / f"{stage}-{key}"


def forget_states(workspace: Workspace, stages: Iterable[str], *, keep: Path | None = None) -> None:
    """Removes what would resume these stages, but for one folder, and what nodes left in a bucket for them.

    Call it for a finished stage when DVC holds its results: without both, all is redone. A bucket that is away keeps
    what it has, and the folder with its address is kept too, for the next time.
    """
    names = set(stages)
    for folder in workspace.training_state.glob("*-*"):
        if folder.name.rpartition("-")[0] in names and folder != keep and _empty_bucket(folder / BUCKET):
            shutil.rmtree(folder, ignore_errors=True)


def note_bucket(states: Path, bucket: ObjectStore) -> None:
    """Leaves in the folder where those of its states lie that are in a bucket, so that they go with it."""
    write_json(states / BUCKET, {"url": bucket.url, "endpoint": bucket.endpoint})


def _empty_bucket(note: Path) -> bool:
    """Removes what the note points to; False when the bucket does not let us."""
    if not note.is_file():
        return True
    where = read_object(note)
    try:
        ObjectStore(where["url"], where["endpoint"], BUCKET_SECONDS).remove()
    except UnreadableS3 as error:
        print(f"training states stay in {where['url']} for now: {error}")
        return False
    return True
