"""The training samples as columns of numbers: what the planner reads in place of texts.

The columns are made once, before a GPU is held, and lie as files that every process maps: of millions of samples a process
holds what it touches. A sample's conditions stand apart, since whether they are dropped is a matter of the visit.
"""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Self, get_args

import numpy as np
from numpy.typing import NDArray

from components.assembly.dataset import Layout as Pieces
from components.assembly.dataset import SampleIndex
from components.storage.atomic import atomic_folder, read_object, write_json
from components.storage.file_hashes import file_sha256
from components.storage.keys import keyed_hash
from components.storage.locks import hold
from components.training.layout import Kind, Layout, Visit, sample_key

# Shapes: N samples, C conditions that may be dropped.

KINDS: tuple[Kind, ...] = get_args(Kind)
CHUNK = 10_000
"""Samples that are Python objects at a time, while columns are made."""
MANIFEST = "manifest.json"


class Stream(NamedTuple):
    """The samples that are drawn by one weight."""

    group: str
    source: str

    @property
    def name(self) -> str:
        return f"{self.group}/{self.source}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Lengths:
    """The samples of a training set, in the order of the index."""

    streams: tuple[Stream, ...]
    stream: NDArray[np.uint16]
    """[N]: place among `streams`."""
    key: NDArray[np.uint64]
    """[N]: `sample_key` of the ids."""
    kept: NDArray[np.int32]
    """[N]: tokens of what every visit has."""
    start: NDArray[np.int64]
    """[N + 1]: where a sample's conditions begin."""
    kind: NDArray[np.uint8]
    """[C]: place among KINDS."""
    piece: NDArray[np.uint16]
    """[C]: place among the sample's pieces."""
    tokens: NDArray[np.int32]
    """[C]."""

    def __len__(self) -> int:
        return len(self.key)

    def of(self, visit: Visit, layout: Layout) -> int:
        """Tokens of the packed sample in this visit."""
        conditions = range(int(self.start[visit.number]), int(self.start[visit.number + 1]))
        return int(self.kept[visit.number]) + sum(
            int(self.tokens[at])
            for at in conditions
            if not layout.drops(KINDS[self.kind[at]], visit, int(self.piece[at]))
        )

    def longest(self) -> NDArray[np.int64]:
        """[N]: tokens of the visits that drop nothing."""
        sums = np.concatenate([[0], np.cumsum(self.tokens, dtype=np.int64)])
        return self.kept.astype(np.int64) + sums[self.start[1:]] - sums[self.start[:-1]]

    def check_room(self, room: int, index: SampleIndex) -> None:
        """Raises ValueError that names the longest sample, when not all fit in `room` tokens."""
        longest = self.longest()
        if len(longest) and (most := int(longest.max())) > room:
            name = index.read(int(longest.argmax())).id
            raise ValueError(
                f"{int((longest > room).sum())} of {len(longest)} samples do not fit in a packed sequence of {room} tokens, "
                f"the longest is {name} with {most}; raise training.tokens_per_sequence, or the stage's own, to {most}"
            )

    @classmethod
    def count(cls, samples: Iterable[tuple[str, str, str, Pieces]], layout: Layout) -> Self:
        """The columns of samples given by id, group, source and pieces."""
        streams: dict[Stream, int] = {}
        chunks = list(_chunks(samples, layout, streams))
        columns = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in _TYPES}
        columns["start"] = np.concatenate([[0], np.cumsum(columns.pop("conditions"), dtype=np.int64)])
        return cls(streams=tuple(streams), **columns)

    def save(self, folder: Path, **facts: object) -> None:
        """Leaves the columns in the folder, whole or not at all."""
        with atomic_folder(folder) as path:
            for name in _COLUMNS:
                np.save(path / f"{name}.npy", getattr(self, name))
            hashes = {name: file_sha256(path / f"{name}.npy") for name in _COLUMNS}
            write_json(path / MANIFEST, {**facts, "streams": self.streams, "sha256": hashes})

    @classmethod
    def map(cls, folder: Path) -> Self | None:
        """The columns of the folder, read as they are asked for; None where they are missing, cut or damaged."""
        try:
            manifest = read_object(folder / MANIFEST)
            if any(file_sha256(folder / f"{name}.npy") != manifest["sha256"][name] for name in _COLUMNS):
                return None
            columns = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in _COLUMNS}
        except (KeyError, ValueError):
            return None
        return cls(streams=tuple(Stream(*pair) for pair in manifest["streams"]), **columns)


def lengths_of(
    index: SampleIndex, layout: Layout, folder: Path, *, dataset_id: str, tokenizer: str, code: str
) -> Lengths:
    """The columns of the index, from the folder where they are there under the same data set, tokenizer (a hash of its
    files), transforms and code; else made and left there, in place of those of other data."""
    about = {"dataset": dataset_id, "tokenizer": tokenizer, "code": code}
    sizes = [asdict(layout.vit), asdict(layout.vae), layout.vit_patch, layout.latent_stride, layout.noised_copies]
    path = folder / keyed_hash("lengths", sorted(about.items()), sizes)
    with hold(folder / "lock", "lengths of the training samples", wait_seconds=float("inf")):
        found = Lengths.map(path)
        if found is None:
            Lengths.count(index.layouts(), layout).save(path, **about)
            _forget_others(folder, about)
            found = Lengths.map(path)
    assert found is not None and len(found) == len(index)
    return found


_TYPES = {"stream": "uint16", "key": "uint64", "kept": "int32", "conditions": "uint16"} | {
    "kind": "uint8",
    "piece": "uint16",
    "tokens": "int32",
}
"""Columns while they are made, `conditions` being a sample's number of them."""
_COLUMNS = tuple(sorted(_TYPES.keys() - {"conditions"} | {"start"}))


def _chunks(
    samples: Iterable[tuple[str, str, str, Pieces]], layout: Layout, streams: dict[Stream, int]
) -> Iterator[dict[str, NDArray[Any]]]:
    """The columns of CHUNK samples at a time, and at least once; a new stream gets the next place in `streams`."""
    rest = iter(samples)
    first = True
    while (chunk := list(islice(rest, CHUNK))) or first:
        first = False
        rows: dict[str, list[int]] = {name: [] for name in _TYPES}
        for sample_id, group, source, pieces in chunk:
            items = layout.all_items(pieces)
            conditions = [item for item in items if item.is_condition]
            rows["stream"].append(streams.setdefault(Stream(group, source), len(streams)))
            rows["key"].append(sample_key(sample_id))
            rows["kept"].append(sum(item.num_tokens for item in items if not item.is_condition))
            rows["conditions"].append(len(conditions))
            rows["kind"] += (KINDS.index(item.kind) for item in conditions)
            rows["piece"] += (item.piece for item in conditions)
            rows["tokens"] += (item.num_tokens for item in conditions)
        yield {name: np.array(values, _TYPES[name]) for name, values in rows.items()}


def _forget_others(folder: Path, about: dict[str, str]) -> None:
    """Removes the columns of other data, tokenizers or code."""
    for path in folder.iterdir():
        if path.is_dir() and not _is_about(path, about):
            shutil.rmtree(path, ignore_errors=True)


def _is_about(path: Path, about: dict[str, str]) -> bool:
    try:
        manifest = read_object(path / MANIFEST)
    except ValueError:
        return False
    return all(manifest.get(name) == value for name, value in about.items())
