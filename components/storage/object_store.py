"""Objects below a prefix of S3: read, written, listed, removed. A bucket that is away for a while is waited for."""

import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from components.storage.addresses import shown
from components.storage.s3 import UnreadableS3, make_client, split_url

Answer = TypeVar("Answer")
PATIENCE_SECONDS = 300.0
"""How long a bucket may be away before what needs it fails."""
PAUSE_SECONDS = 2.0
PASSING = (408, 429)
"""HTTP statuses below 500 that a later try may not meet."""


class ObjectStore:
    """Names and bytes below s3://bucket/prefix. It travels without keys: whoever uses it has his own in his environment.

    Every method raises UnreadableS3 where the store refuses, or is away for longer than `patience_seconds`.
    """

    def __init__(self, url: str, endpoint: str = "", patience_seconds: float = PATIENCE_SECONDS) -> None:
        self.url, self.endpoint, self.patience_seconds = url.rstrip("/"), endpoint, patience_seconds
        self._bucket, self._prefix = split_url(self.url)

    def __reduce__(self) -> tuple[type["ObjectStore"], tuple[str, str, float]]:
        return ObjectStore, (self.url, self.endpoint, self.patience_seconds)

    def below(self, name: str) -> "ObjectStore":
        """What lies below a further prefix."""
        return ObjectStore(f"{self.url}/{name}", self.endpoint, self.patience_seconds)

    def names(self) -> list[str]:
        """The names of all objects, sorted."""
        prefix = self._key("")

        def ask(client: Any) -> list[str]:
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            return [entry["Key"].removeprefix(prefix) for page in pages for entry in page.get("Contents", ())]

        return sorted(self._patiently(ask))

    def size(self, name: str) -> int | None:
        """Bytes of the object; None when it is not there."""
        answer = self._unless_missing(lambda client: client.head_object(Bucket=self._bucket, Key=self._key(name)))
        return None if answer is None else int(answer["ContentLength"])

    def read(self, name: str) -> bytes | None:
        """The object's bytes; None when it is not there."""
        where = {"Bucket": self._bucket, "Key": self._key(name)}
        return self._unless_missing(lambda client: client.get_object(**where)["Body"].read())

    def write(self, name: str, data: bytes) -> None:
        """Puts the bytes there, whole or not at all."""
        where = {"Bucket": self._bucket, "Key": self._key(name), "ChecksumAlgorithm": "SHA256"}
        self._patiently(lambda client: client.put_object(Body=data, **where))

    def get(self, name: str, path: Path) -> None:
        """Copies the object into the file, which is the caller's to make whole."""
        self._patiently(lambda client: client.download_file(self._bucket, self._key(name), str(path)))

    def put(self, path: Path, name: str) -> None:
        """Copies the file to the object, which is there whole or not at all; the server checks what came."""
        extra = {"ChecksumAlgorithm": "SHA256"}
        self._patiently(lambda client: client.upload_file(str(path), self._bucket, self._key(name), ExtraArgs=extra))

    def remove(self) -> None:
        """Removes every object below the prefix."""
        for name in self.names():
            self._patiently(lambda client, key=self._key(name): client.delete_object(Bucket=self._bucket, Key=key))

    @cached_property
    def _client(self) -> Any:
        return make_client(self.endpoint)

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name

    def _unless_missing(self, question: Callable[[Any], Answer]) -> Answer | None:
        from botocore.exceptions import ClientError

        def ask(client: Any) -> Answer | None:
            try:
                return question(client)
            except ClientError as error:
                if _status(error) == 404 and error.response.get("Error", {}).get("Code") != "NoSuchBucket":
                    return None
                raise

        return self._patiently(ask)

    def _patiently(self, question: Callable[[Any], Answer]) -> Answer:
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        deadline = time.monotonic() + self.patience_seconds
        while True:
            try:
                return question(self._client)
            except (BotoCoreError, ClientError, Boto3Error) as error:
                if not _passes(error) or time.monotonic() > deadline:
                    raise UnreadableS3(
                        f"{shown(self.url)} does not do what is asked ({shown(str(error))}); check the AWS variables of "
                        "this machine, the bucket and its room"
                    ) from error
            time.sleep(PAUSE_SECONDS)


def _passes(error: BaseException) -> bool:
    """Whether the same question may be answered later: nobody was there, or the server had troubles of its own."""
    from botocore.exceptions import ClientError, ConnectionError, HTTPClientError, ResponseStreamingError

    link: BaseException | None = error
    while link is not None:
        if isinstance(link, ClientError):
            return _status(link) >= 500 or _status(link) in PASSING
        if isinstance(link, (ConnectionError, HTTPClientError, ResponseStreamingError)):
            return True
        link = link.__cause__ or link.__context__
    return False


def _status(error: Any) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
