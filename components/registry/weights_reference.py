"""Weights by reference: names and hashes of a checkpoint's files and where their bytes lie. Never a copy of them.

Loaded inside a model version too, far from any workspace.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from components.storage.addresses import shown
from components.storage.atomic import TEMPORARY, atomic_path
from components.storage.file_hashes import file_sha256, weights_sha256
from components.storage.s3 import UnreadableS3, download, downloads
from components.storage.workspace import find_workspace

SCHEMA = 1
REMOTE = "UNIMED_REMOTE"
"""Where weights are fetched from outside of any workspace: the URL of a DVC remote. Its service is $AWS_ENDPOINT_URL."""
SERVED_WEIGHTS = "weights"
"""Below this name the MLflow of `unimed up` gives out the weights that versions refer to."""
_MD5 = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, kw_only=True, slots=True)
class WeightsFile:
    """One file of a checkpoint; `name` is relative to the checkpoint's folder."""

    name: str
    size: int
    md5: str
    """DVC's key in cache and remote."""
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class WeightsReference:
    """A checkpoint folder as hashes, and where its bytes were when it was registered."""

    checkpoint: str
    """Workspace-relative folder it had, as dvc.lock names it."""
    directory_md5: str
    files: tuple[WeightsFile, ...]
    cache: str
    """Absolute folder of the DVC cache's md5 objects."""
    remote: str
    """URL of the DVC remote, or empty. Told to people; bytes are fetched from where the settings say: see `remote_now`."""
    endpoint: str
    """Address of an S3 service that is not AWS, or empty."""

    @property
    def sha256(self) -> str:
        """sha256 of the sorted lines `sha256  name`: the identity of the weights."""
        return weights_sha256((file.name, file.sha256) for file in self.files)

    def to_json(self) -> dict[str, Any]:
        """What weights.json holds."""
        return {
            "schema": SCHEMA,
            "weights_sha256": self.sha256,
            **asdict(self),
            "files": [asdict(f) for f in self.files],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "WeightsReference":
        """The reference in weights.json; raises ValueError when its parts do not fit its identity, a name leaves the folder, or
        an md5, which becomes a path, is none."""
        if value.get("schema") != SCHEMA:
            raise ValueError(f"weights.json has schema {value.get('schema')!r}; this code reads schema {SCHEMA}")
        files = tuple(WeightsFile(**entry) for entry in value["files"])
        for file in files:
            parts = PurePosixPath(file.name).parts
            if file.name.startswith("/") or ".." in parts or not parts:
                raise ValueError(f"weights.json names {file.name!r}, which is not inside a checkpoint folder")
            if not _MD5.fullmatch(str(file.md5)):
                raise ValueError(f"weights.json gives {file.name} the md5 {file.md5!r}, which is none; it was edited")
        names = ("checkpoint", "directory_md5", "cache", "remote", "endpoint")
        reference = cls(files=files, **{name: str(value[name]) for name in names})
        if reference.sha256 != value["weights_sha256"]:
            raise ValueError(
                f"weights.json was edited: its files hash to {reference.sha256}, it says {value['weights_sha256']}"
            )
        return reference


class MissingWeights(ValueError):
    """Neither the cache nor the remote has a file of the weights."""


class DamagedWeights(ValueError):
    """A file of the weights is there with other bytes."""


def refer_to(
    checkpoint: Path, entries: Mapping[str, str], *, directory_md5: str, cache: Path, remote: str, endpoint: str
) -> WeightsReference:
    """The reference to a checkpoint folder in a workspace whose files have these md5 (`entries`: name -> md5)."""
    files = []
    for name, md5 in sorted(entries.items()):
        path = checkpoint / name
        if not path.is_file():
            raise ValueError(f"{path} is missing though dvc.lock names it; `dvc checkout` brings it back")
        files.append(WeightsFile(name=name, size=path.stat().st_size, md5=md5, sha256=file_sha256(path)))
    return WeightsReference(
        checkpoint=f"checkpoints/{checkpoint.name}",
        directory_md5=directory_md5,
        files=tuple(files),
        cache=str(cache),
        remote=remote,
        endpoint=endpoint,
    )


def lay_out(reference: WeightsReference, folder: Path) -> Path:
    """Put the checkpoint's files into `folder` as links to verified bytes and return it.

    Bytes come from the DVC cache, else from the remote into a local cache. Raises MissingWeights or DamagedWeights.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for file in reference.files:
        source = find_verified(reference, file)
        target = folder / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        target.symlink_to(source)
    return folder


def find_verified(reference: WeightsReference, file: WeightsFile, *, hashed: float = 0.0) -> Path:
    """The local path of one file's bytes, checked against size and sha256.

    A file that was last written before `hashed` (seconds since 1970), when it was right, is checked by its size alone.
    """
    places = [Path(reference.cache) / key(file.md5), downloads() / "md5" / key(file.md5)]
    for place in places:
        if _is_readable(place):
            _verify(place, file, hashed)
            return place
    if _from_server(file, places[1]):
        return places[1]
    remote, endpoint = remote_now()
    if remote:
        _download(reference, file, places[1], remote, endpoint)
        return places[1]
    known = shown(reference.remote)
    fix = (
        f"it was sent to {known}: set {REMOTE} to that, or make it the DVC remote of this workspace"
        if known
        else "the version names no DVC remote; bring the cache back, or set a remote and push before registering"
    )
    raise MissingWeights(
        f"{file.name} of weights {reference.sha256[:12]} (md5 {file.md5}, {file.size} bytes) is not in the DVC cache "
        f"{reference.cache}, and {fix}"
    )


def remote_now() -> tuple[str, str]:
    """URL and service address of the remote that the settings name: $UNIMED_REMOTE, else the DVC remote of the workspace
    around this process; empty without one. Whoever may write a record cannot send this machine's keys anywhere."""
    if os.environ.get(REMOTE):
        return os.environ[REMOTE], ""
    try:
        workspace = find_workspace()
        if not (workspace.root / ".dvc").is_dir():
            return "", ""
        from components.storage.dvc_remote import remote_address
    except (ValueError, ImportError):  # a server that only answers has neither a workspace nor DVC
        return "", ""
    return remote_address(workspace)


def key(md5: str) -> str:
    """Relative path of an object in a DVC cache's or remote's md5 folder."""
    return f"{md5[:2]}/{md5[2:]}"


def _is_readable(path: Path) -> bool:
    try:
        return path.is_file() and os.access(path, os.R_OK)
    except PermissionError:  # a folder above it is another user's
        return False


def _verify(path: Path, file: WeightsFile, hashed: float = 0.0) -> None:
    size = path.stat().st_size
    if size != file.size:
        raise DamagedWeights(
            f"{path} ({file.name}) is {size} bytes, the version says {file.size}; delete it, `dvc pull`"
        )
    if path.stat().st_mtime < hashed:
        return
    found = file_sha256(path)
    if found != file.sha256:
        raise DamagedWeights(
            f"{path} ({file.name}) has sha256 {found}, the version says {file.sha256}; delete it, `dvc pull`"
        )


def _from_server(file: WeightsFile, target: Path) -> bool:
    """Whether the MLflow server that this process uses had the bytes and they are in `target` now."""
    if not os.environ.get("MLFLOW_TRACKING_URI", "").startswith(("http:", "https:")):
        return False
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=target.parent) as folder,
            atomic_path(target) as temporary,
        ):
            address = f"mlflow-artifacts:/{SERVED_WEIGHTS}/{key(file.md5)}"
            Path(mlflow.artifacts.download_artifacts(artifact_uri=address, dst_path=folder)).replace(temporary)
            _verify(temporary, file)
    except (MlflowException, OSError):  # another server than that of `unimed up`: it has no weights
        return False
    return True


def _download(reference: WeightsReference, file: WeightsFile, target: Path, remote: str, endpoint: str) -> None:
    url = f"{remote.rstrip('/')}/files/md5/{key(file.md5)}"
    with atomic_path(target) as temporary:
        if remote.startswith("s3://"):
            try:
                download(url, temporary, endpoint)
            except UnreadableS3 as error:
                raise MissingWeights(str(error)) from None
        elif "://" not in remote:
            if not Path(url).is_file():
                raise MissingWeights(
                    f"{file.name}: neither the DVC cache {reference.cache} nor the remote has it ({url})"
                )
            shutil.copyfile(url, temporary)
        else:
            raise MissingWeights(
                f"{file.name}: the DVC remote {shown(remote)} is read by DVC only; run `dvc pull` in a workspace and "
                f"point weights.json's cache to it"
            )
        _verify(temporary, file)
