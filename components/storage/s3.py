"""Reading from S3: what lies below a prefix, and one object into a file."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.storage.addresses import shown
from components.storage.atomic import atomic_path


@dataclass(frozen=True, slots=True)
class S3Object:
    """One object below a prefix; `name` is relative to it."""

    name: str
    size: int
    etag: str


class UnreadableS3(ValueError):
    """S3 did not give what was asked for."""


def downloads() -> Path:
    """The folder of this user that keeps what was downloaded."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "unimed"


def list_objects(url: str, endpoint: str = "", *, deep: bool = False) -> list[S3Object]:
    """The objects directly below s3://bucket/prefix, with `deep` those further down too, by name. Raises UnreadableS3."""
    bucket, prefix = split_url(url)
    prefix = f"{prefix.rstrip('/')}/" if prefix else ""

    def ask(client: Any) -> list[S3Object]:
        pages = client.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=prefix, **({} if deep else {"Delimiter": "/"})
        )
        entries = [entry for page in pages for entry in page.get("Contents", ())]
        return [S3Object(e["Key"][len(prefix) :], int(e["Size"]), str(e["ETag"]).strip('"')) for e in entries]

    return sorted((found for found in _ask(url, endpoint, ask) if found.name), key=lambda found: found.name)


def fetch(
    url: str, objects: Sequence[S3Object], folder: Path, progress: Callable[[int, int, str], None] | None = None
) -> None:
    """Copy objects below s3://bucket/prefix into the folder, each whole or not at all; one that is there in its size stays.

    progress hears of (files so far, files in all, name). Raises UnreadableS3, for a file of another size too.
    """
    for number, entry in enumerate(objects, 1):
        target = folder / entry.name
        if not (target.is_file() and target.stat().st_size == entry.size):
            with atomic_path(target) as temporary:
                download(f"{url.rstrip('/')}/{entry.name}", temporary)
                size = temporary.stat().st_size
                if size != entry.size:
                    raise UnreadableS3(f"{url}: {entry.name} came as {size} bytes of {entry.size}; start again")
        if progress:
            progress(number, len(objects), entry.name)


def download(url: str, target: Path, endpoint: str = "", progress: Callable[[int], None] | None = None) -> None:
    """Copy one object into the file; progress hears of each piece's bytes. Raises UnreadableS3."""
    bucket, name = split_url(url)
    _ask(url, endpoint, lambda client: client.download_file(bucket, name, str(target), Callback=progress))


def make_client(endpoint: str = "") -> Any:
    """boto3's client of the service at this address; of AWS, or what AWS_ENDPOINT_URL names, without one."""
    import boto3
    from botocore.config import Config

    config = Config(s3={"addressing_style": "path"}, retries={"mode": "standard", "max_attempts": 5})
    return boto3.client("s3", endpoint_url=endpoint or None, config=config)


def split_url(url: str) -> tuple[str, str]:
    """(bucket, name or prefix) of s3://bucket/name."""
    bucket, _, name = url.removeprefix("s3://").partition("/")
    return bucket, name


def _ask(url: str, endpoint: str, question: Callable[[Any], Any]) -> Any:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return question(make_client(endpoint))
    except (BotoCoreError, ClientError) as error:
        raise UnreadableS3(
            f"{shown(url)} cannot be read ({shown(str(error))}); check the AWS variables and the bucket"
        ) from error
