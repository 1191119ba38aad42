"""The tensors of a training state on disk: each rank's parts in a safetensors file, and a card that says where they belong.

A rank writes what no rank before it holds, one tensor after the other, so that nothing is held a second time; whatever
number of ranks reads, each takes the parts that overlap its own. (torch's own writer of safetensors holds a file's bytes
beside its tensors, and turns what is no tensor into a file that nobody can read.)
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from components.storage.atomic import atomic_path, read_object, write_json
from components.storage.file_hashes import file_sha256
from components.training.sharding import Region, is_first_copy, own, region
from model.tensor_files import LazyTensor, lazy, open_tensors, write_tensors

Card = Mapping[str, Any]
"""What a rank says of its file of a state: {file, bytes, sha256, parts}."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a rank writes: the memory of its parts, and where each lies in its whole."""

    memory: dict[str, Tensor]
    regions: dict[str, Region]


def held(tensors: Mapping[str, Tensor], rank: int) -> Held:
    """The parts of these tensors that this rank writes. Raises ValueError for what is no tensor of floating-point numbers."""
    for name, value in tensors.items():
        if not (isinstance(value, Tensor) and value.is_floating_point()):
            kind = f"of {value.dtype}" if isinstance(value, Tensor) else type(value).__name__
            raise ValueError(f"a training state keeps tensors of floating-point numbers, but {name} is {kind}")
    written = {name: value.detach() for name, value in tensors.items() if is_first_copy(value, rank)}
    written = {name: value for name, value in written.items() if own(value).numel()}
    return Held({name: own(value) for name, value in written.items()}, {name: region(v) for name, v in written.items()})


class Copy:
    """The one copy of what a rank writes, in memory that is taken once: training goes on while it is written."""

    def __init__(self) -> None:
        self._memory: dict[str, Tensor] = {}

    def take(self, parts: Held) -> Held:
        """The parts as they are now."""
        if {name: value.shape for name, value in self._memory.items()} != {k: v.shape for k, v in parts.memory.items()}:
            self._memory = {
                name: torch.empty(value.shape, dtype=value.dtype, pin_memory=value.is_cuda)
                for name, value in parts.memory.items()
            }
        for name, value in parts.memory.items():
            self._memory[name].copy_(value, non_blocking=True)
        if any(value.is_cuda for value in parts.memory.values()):
            torch.cuda.synchronize()
        return Held(self._memory, parts.regions)


def write_parts(folder: Path, parts: Held, rank: int) -> tuple[str, str]:
    """Writes RANK.safetensors and, once it is whole, RANK.json with its hash; their names."""
    path = folder / f"rank-{rank:05d}.safetensors"
    with atomic_path(path) as temporary:
        write_tensors(temporary, lazy(parts.memory))
    regions = {name: asdict(where) for name, where in parts.regions.items()}
    card = {"file": path.name, "bytes": path.stat().st_size, "sha256": file_sha256(path), "parts": regions}
    write_json(path.with_suffix(".json"), card)
    return path.name, path.with_suffix(".json").name


def is_whole(folder: Path, card: Card) -> bool:
    """Whether the card's file has the size and the hash that it says."""
    path = folder / card["file"]
    return path.is_file() and path.stat().st_size == card["bytes"] and file_sha256(path) == card["sha256"]


def cards(folder: Path, ranks: int) -> list[dict[str, Any]]:
    """The cards of a state's ranks, in order."""
    return [read_object(folder / f"rank-{rank:05d}.json") for rank in range(ranks)]


def overlapping(described: Iterable[Card], tensors: Mapping[str, Tensor]) -> list[Card]:
    """The cards of the files that hold something of what this rank holds of the tensors."""
    own_regions = {name: region(tensor) for name, tensor in tensors.items()}
    return [
        card
        for card in described
        if any(
            name in own_regions and _belongs(_region(where), own_regions[name]) for name, where in card["parts"].items()
        )
    ]


def read_parts(folder: Path, described: Iterable[Card], tensors: Mapping[str, Tensor]) -> None:
    """Fills what this rank holds of each tensor, in place. Raises ValueError for one that the state has not whole."""
    parts: dict[str, list[tuple[Region, LazyTensor]]] = defaultdict(list)
    for card in described:
        stored = open_tensors([folder / card["file"]])
        for name, where in card["parts"].items():
            parts[name].append((_region(where), stored[name]))
    with torch.no_grad():
        for name, tensor in tensors.items():
            _fill(name, own(tensor), region(tensor), parts.get(name, []))


def _fill(name: str, target: Tensor, where: Region, parts: Iterable[tuple[Region, LazyTensor]]) -> None:
    filled = 0
    for part, stored in parts:
        if part.whole != where.whole:
            raise ValueError(f"the training state's {name} has shape {part.whole}, the network's {where.whole}")
        common = _overlap(part, where)
        if common is None:
            continue
        low, high = common
        there = tuple(slice(a - at, b - at) for a, b, at in zip(low, high, where.start, strict=True))
        here = tuple(slice(a - at, b - at) for a, b, at in zip(low, high, part.start, strict=True))
        target[there].copy_(stored.fetch()[here])
        filled += target[there].numel()
    if filled != target.numel():
        raise ValueError(f"the training state holds {filled} of the {target.numel()} numbers of {name} that are needed")


def _belongs(part: Region, where: Region) -> bool:
    """Whether the part is read: what is of another shape is, to be refused by name."""
    return part.whole != where.whole or _overlap(part, where) is not None


def _overlap(part: Region, where: Region) -> tuple[list[int], list[int]] | None:
    """First and last but one place of what both have of the whole; None when that is nothing."""
    low = [max(a, b) for a, b in zip(part.start, where.start, strict=True)]
    high = [min(a.stop, b.stop) for a, b in zip(part.slices, where.slices, strict=True)]
    return None if any(a >= b for a, b in zip(low, high, strict=True)) else (low, high)


def _region(where: Mapping[str, Any]) -> Region:
    return Region(*(tuple(where[key]) for key in ("start", "shape", "whole")))
