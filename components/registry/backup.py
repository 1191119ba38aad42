"""Backup and restore of the decision log and MLflow's store as a pair: both as they were at one moment, under the lease.

The weights are not in it: they lie in the DVC remote (and on the MLflow server, where there is one), under their hashes.
"""

import os
import shutil
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from components.registry.catalogue import all_versions
from components.registry.database import Impossible, database_url, has_log, has_own_mlflow, tracking_uri
from components.registry.databases import OURS, copy_in, copy_out, ending
from components.registry.decisions import read_log
from components.registry.lease import hold_lease
from components.registry.pairing import mismatch
from components.registry.places import is_server
from components.registry.tracking import connect
from components.storage.addresses import shown
from components.storage.atomic import read_object, write_json
from components.storage.file_hashes import file_sha256
from components.storage.home import ARTIFACTS
from components.storage.workspace import Workspace

STORE = "UNIMED_MLFLOW_DATABASE"
"""The database behind the MLflow server, where MLFLOW_TRACKING_URI names a server: needed for backup and restore alone."""
CARD = "backup.json"
SCHEMA = 1
WAIT_SECONDS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Backup:
    """What lies in a backup's folder."""

    at: str
    """UTC, ISO 8601."""
    decisions: int
    head: str
    """Hash of the newest decision; empty where nothing was decided."""
    versions: int
    files: dict[str, str]
    """Name -> sha256."""
    artifacts: bool
    """Whether the workspace's own artifacts are in it; a server's lie in its artifact store, which has its own backups."""


def back_up(workspace: Workspace, folder: Path) -> Backup:
    """Copy log and store into a new folder, as they are at one moment: nobody decides or registers meanwhile.

    Raises Impossible for a folder that is not empty and a server whose database is not named; ValueError when a copy fails.
    """
    if folder.exists() and any(folder.iterdir()):
        raise Impossible(f"{folder} is not empty; give a new folder to each backup")
    urls = _urls(workspace)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with hold_lease(workspace, "backup", wait_seconds=WAIT_SECONDS):
        log, versions = read_log(workspace), all_versions(connect(workspace))
        if reason := mismatch(log, versions):
            raise ValueError(f"not backed up, since what there is does not fit: {reason}")
        files = {name: folder / f"{name}.{ending(url)}" for name, url in urls.items()}
        copy_out(urls["log"], files["log"], tables=[OURS])
        copy_out(urls["mlflow"], files["mlflow"], without=[OURS])
        artifacts = _own_artifacts(workspace)
        if artifacts is not None and artifacts.is_dir():
            shutil.copytree(artifacts, folder / ARTIFACTS, symlinks=True)
    card = Backup(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        decisions=len(log),
        head=log[-1].hash if log else "",
        versions=len(versions),
        files={path.name: file_sha256(path) for path in files.values()},
        artifacts=(folder / ARTIFACTS).is_dir(),
    )
    write_json(folder / CARD, {"schema": SCHEMA, **asdict(card)})
    return card


def restore(workspace: Workspace, folder: Path, *, force: bool) -> Backup:
    """Bring log and store back to the backup, both. End schedules first, and restart an MLflow server afterwards.

    Raises Impossible where decisions would be lost that the backup does not hold, unless `force`; ValueError for a backup
    that is damaged, or of databases of another kind.
    """
    card = read_backup(folder)
    urls = _urls(workspace)
    files = {name: folder / f"{name}.{ending(url)}" for name, url in urls.items()}
    for path in files.values():
        if path.name not in card.files:
            raise Impossible(
                f"the backup holds {', '.join(card.files)} and no {path.name}: it is of another kind of database than "
                "UNIMED_DATABASE_URL and MLFLOW_TRACKING_URI name now"
            )
    with hold_lease(workspace, "restore", wait_seconds=WAIT_SECONDS):
        later = _decisions_after(workspace, card)
        if later and not force:
            raise Impossible(
                f"{later} decisions would be lost that the backup of {card.at} does not hold; back up first, then give --force"
            )
        artifacts = _own_artifacts(workspace)
        if artifacts is not None and card.artifacts:
            shutil.copytree(folder / ARTIFACTS, artifacts, symlinks=True, dirs_exist_ok=True)
        copy_in(urls["mlflow"], files["mlflow"])
        copy_in(urls["log"], files["log"])
    (workspace.private / "registration.json").unlink(missing_ok=True)
    return card


def read_backup(folder: Path) -> Backup:
    """What lies in the folder; raises ValueError for a backup that is damaged or none."""
    found = read_object(folder / CARD)
    if found.pop("schema", None) != SCHEMA:
        raise ValueError(f"{folder / CARD} is of another release of unimed")
    card = Backup(**found)
    for name, digest in card.files.items():
        if not (folder / name).is_file() or file_sha256(folder / name) != digest:
            raise ValueError(f"{folder / name} is not what was backed up at {card.at}: it is damaged or gone")
    return card


def _urls(workspace: Workspace) -> dict[str, str]:
    uri = tracking_uri(workspace)
    if is_server(uri):
        uri = os.environ.get(STORE, "")
        if not uri:
            raise Impossible(
                f"MLFLOW_TRACKING_URI is {shown(tracking_uri(workspace))}, a server: name the database behind it in {STORE} "
                "(what `mlflow server` got as --backend-store-uri)"
            )
    return {"log": database_url(workspace), "mlflow": uri}


def _own_artifacts(workspace: Workspace) -> Path | None:
    """The artifacts of an embedded MLflow; None where another keeps them."""
    return workspace.private / ARTIFACTS if has_own_mlflow(workspace) else None


def _decisions_after(workspace: Workspace, card: Backup) -> int:
    """How many decisions there are now that the backup does not hold."""
    log = read_log(workspace) if has_log(workspace) else []
    shared = card.decisions <= len(log) and (card.decisions == 0 or log[card.decisions - 1].hash == card.head)
    return len(log) - card.decisions if shared else len(log)
