"""Where the training states of a run lie: a folder that all ranks see, or a bucket and a folder of each rank's own."""

import json
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from components.storage.atomic import read_object, write_json
from components.storage.object_store import ObjectStore
from components.training.job import StageJob
from components.training.state_files import cards, is_whole

FORMAT = 2
MANIFEST = "manifest.json"


class StatePlace(Protocol):
    """States `step-000100`, each published by its manifest, written last."""

    def begin(self, name: str, *, is_first: bool) -> Path:
        """The folder that this rank writes the state into, emptied of what a former try left there."""
        ...

    def send(self, name: str, files: Iterable[str]) -> None:
        """Called when this rank has written these files of the state: now the others can have them."""

    def publish(self, name: str, manifest: Mapping[str, Any], ranks: int) -> None:
        """Makes the state count, with the cards of so many ranks; the first rank calls it when all have sent."""

    def manifests(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """(name, manifest) of the states that count, newest first."""
        ...

    def brought(self, name: str, card: Mapping[str, Any]) -> bool:
        """Whether the card's file lies in `folder_of` whole, fetched if need be."""
        ...

    def folder_of(self, name: str) -> Path:
        """Where this rank finds the files that were brought."""
        ...

    def published(self) -> list[str]:
        """The names of the states that count, oldest first."""
        ...

    def forget(self, keep: Collection[str]) -> None:
        """Removes all other states; the first rank calls it."""


def state_place(job: StageJob) -> StatePlace:
    """Where the states of this work lie."""
    return Bucket(job.bucket, job.states) if job.bucket else SharedFolder(job.states)


class SharedFolder:
    """A folder that all ranks see."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def folder_of(self, name: str) -> Path:
        return self._folder / name

    def begin(self, name: str, *, is_first: bool) -> Path:
        path = self._folder / name
        if is_first:
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir(parents=True)
        return path

    def send(self, name: str, files: Iterable[str]) -> None:
        del name, files

    def publish(self, name: str, manifest: Mapping[str, Any], ranks: int) -> None:
        path = self._folder / name
        write_json(path / MANIFEST, {**manifest, "ranks": cards(path, ranks)})

    def manifests(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for name in reversed(self.published()):
            try:
                manifest = read_object(self._folder / name / MANIFEST)
            except ValueError:
                continue
            if manifest.get("format") == FORMAT:
                yield name, manifest

    def published(self) -> list[str]:
        return sorted(path.parent.name for path in self._folder.glob(f"step-*/{MANIFEST}"))

    def brought(self, name: str, card: Mapping[str, Any]) -> bool:
        return is_whole(self._folder / name, card)

    def forget(self, keep: Collection[str]) -> None:
        for path in self._folder.glob("step-*"):
            if path.name not in keep:
                shutil.rmtree(path, ignore_errors=True)


class Bucket:
    """A prefix of a bucket, and this rank's own folder: ranks on different nodes see no other's files."""

    def __init__(self, store: ObjectStore, folder: Path) -> None:
        self._store, self._folder = store, folder

    def folder_of(self, name: str) -> Path:
        return self._folder / name

    def begin(self, name: str, *, is_first: bool) -> Path:
        if is_first:
            self._store.below(name).remove()
        path = self._folder / name
        for former in self._folder.glob("step-*"):  # the bucket has them
            shutil.rmtree(former, ignore_errors=True)
        path.mkdir(parents=True)
        return path

    def send(self, name: str, files: Iterable[str]) -> None:
        for file in files:
            self._store.put(self._folder / name / file, f"{name}/{file}")

    def publish(self, name: str, manifest: Mapping[str, Any], ranks: int) -> None:
        told = [self._store.read(f"{name}/rank-{rank:05d}.json") for rank in range(ranks)]
        if missing := [rank for rank, card in enumerate(told) if card is None]:
            raise ValueError(
                f"{self._store.url}/{name} has not what rank {missing[0]} sent; who removes objects there?"
            )
        described = [json.loads(card) for card in told if card is not None]
        self._store.write(f"{name}/{MANIFEST}", json.dumps({**manifest, "ranks": described}).encode())

    def manifests(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for name in reversed(self.published()):
            data = self._store.read(f"{name}/{MANIFEST}")
            manifest = json.loads(data) if data else {}
            if manifest.get("format") == FORMAT:
                yield name, manifest

    def brought(self, name: str, card: Mapping[str, Any]) -> bool:
        path = self._folder / name
        if is_whole(path, card):
            return True
        if self._store.size(f"{name}/{card['file']}") != card["bytes"]:
            return False
        path.mkdir(parents=True, exist_ok=True)
        self._store.get(f"{name}/{card['file']}", path / card["file"])
        return is_whole(path, card)

    def published(self) -> list[str]:
        return [name.removesuffix(f"/{MANIFEST}") for name in self._store.names() if name.endswith(f"/{MANIFEST}")]

    def forget(self, keep: Collection[str]) -> None:
        for name in {name.partition("/")[0] for name in self._store.names()}.difference(keep):
            self._store.below(name).remove()
