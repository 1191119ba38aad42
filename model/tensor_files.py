"""Tensors in safetensors files, read and written one at a time, so that a large network is never held twice.

Nothing but safetensors is opened: a pickled file can run any code in whoever opens it.
"""

import json
import os
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

EachTensor = Callable[[int, int, str], None]
"""Called after each tensor with (done, in all, its name); may raise to stop."""

PICKLED = (".bin", ".pt", ".pth", ".pkl", ".ckpt")
INDEX = ".index.json"

# In the order in which safetensors lays tensors into a file.
_DTYPES = {"F64": torch.float64, "F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}


class Shaped(Protocol):
    """What has a shape: a tensor, or one that is not read yet."""

    @property
    def shape(self) -> tuple[int, ...]: ...


@dataclass(frozen=True, slots=True)
class LazyTensor:
    """A tensor that is not in memory yet."""

    shape: tuple[int, ...]
    dtype: torch.dtype
    fetch: Callable[[], Tensor]
    """Its values, perhaps as a view of a mapped file, perhaps of another dtype."""

    @classmethod
    def of(cls, tensor: Tensor) -> "LazyTensor":
        """One that is in memory after all."""
        return cls(tuple(tensor.shape), tensor.dtype, lambda: tensor)

    @property
    def num_bytes(self) -> int:
        return torch.Size(self.shape).numel() * self.dtype.itemsize

    def read(self, dtype: torch.dtype | None = None, device: torch.device | str = "cpu") -> Tensor:
        """The values in memory of their own, cast (None: as stored) and placed."""
        values = torch.empty(self.shape, dtype=dtype or self.dtype, device=device)
        return values.copy_(self.fetch().detach())

    def cast(self, dtype: torch.dtype | None) -> "LazyTensor":
        """The same tensor in another dtype; None leaves it."""
        return LazyTensor(self.shape, dtype or self.dtype, self.fetch)

    def changed(self, shape: tuple[int, ...], change: Callable[[Tensor], Tensor]) -> "LazyTensor":
        """The tensor of this shape that `change` makes of this one, when it is read."""
        return LazyTensor(shape, self.dtype, lambda: change(self.fetch()))


def lazy(tensors: Mapping[str, Tensor]) -> dict[str, LazyTensor]:
    """The tensors of a state dict as write_tensors takes them."""
    return {name: LazyTensor.of(tensor) for name, tensor in tensors.items()}


def weight_files(directory: Path, names: Iterable[str]) -> list[Path]:
    """The files of the first of these weights that the folder has, whole (NAME) or in shards (NAME.index.json).

    Raises FileNotFoundError when there is none; it names a pickled file that lies there in its place.
    """
    names = list(names)
    for name in names:
        if (directory / name).is_file():
            return [directory / name]
        if (directory / (name + INDEX)).is_file():
            return _shards(directory / (name + INDEX))
    pickled = sorted(path.name for path in directory.glob("*") if path.suffix in PICKLED)
    if pickled:
        raise FileNotFoundError(
            f"{directory} holds {', '.join(pickled)} and no safetensors; a pickled file can run any code when it is opened, "
            "so it is never read. Take the safetensors form of these weights, or convert them where you trust them: "
            "safetensors.torch.save_file(torch.load(FILE, weights_only=True), 'model.safetensors')"
        )
    raise FileNotFoundError(
        f"{directory} holds no weights: none of {', '.join(names)} is there, nor an index of shards"
    )


def open_tensors(files: Iterable[Path]) -> dict[str, LazyTensor]:
    """The tensors in the files, by name; only headers are read. Raises ValueError for a file that is no safetensors."""
    tensors: dict[str, LazyTensor] = {}
    for path in files:
        found = _open(path)
        twice = sorted(set(tensors) & set(found))
        if twice:
            raise ValueError(f"{path} holds tensors that another shard has too: {', '.join(twice)}")
        tensors |= found
    return tensors


def read_tensors(
    tensors: Mapping[str, LazyTensor],
    dtype: torch.dtype | None,
    device: torch.device | str,
    progress: EachTensor | None = None,
) -> dict[str, Tensor]:
    """Every tensor in memory, cast and placed one after the other; dtype None: the smallest that loses nothing."""
    dtype = dtype or reduce(torch.promote_types, (tensor.dtype for tensor in tensors.values()))
    values: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        values[name] = tensor.read(dtype, device)
        if progress:
            progress(len(values), len(tensors), name)
    return values


def write_tensors(path: Path, tensors: Mapping[str, LazyTensor], progress: EachTensor | None = None) -> None:
    """Writes one safetensors file, tensor by tensor: the bytes that safetensors itself would write."""
    names = {dtype: name for name, dtype in _DTYPES.items()}
    unknown = [name for name, tensor in tensors.items() if tensor.dtype not in names]
    if unknown:
        raise ValueError(f"weights are floating point, but {unknown[0]} is {tensors[unknown[0]].dtype}")
    order = file_order(tensors)
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name in order:
        tensor = tensors[name]
        begin, end = end, end + tensor.num_bytes
        header[name] = {"dtype": names[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for number, name in enumerate(order, 1):
            values = tensors[name].fetch().detach().to("cpu", tensors[name].dtype).contiguous()
            assert tuple(values.shape) == tensors[name].shape, f"{name} is {values.shape}, its header says otherwise"
            file.write(values.reshape(-1).view(torch.uint8).numpy().data)
            if progress:
                progress(number, len(order), name)


def file_order(tensors: Mapping[str, LazyTensor]) -> list[str]:
    """The names in the order in which write_tensors reads and writes the tensors."""
    dtypes = list(_DTYPES.values())
    return sorted(tensors, key=lambda name: (dtypes.index(tensors[name].dtype), name))


def write_shards(
    directory: Path,
    name: str,
    tensors: Mapping[str, LazyTensor],
    max_bytes: int,
    progress: EachTensor | None = None,
) -> None:
    """Writes NAME in shards of at most max_bytes each (a larger tensor gets its own) and its index."""
    shards = plan_shards({key: tensor.num_bytes for key, tensor in tensors.items()}, max_bytes)
    stem, before, weight_map = name.removesuffix(".safetensors"), 0, {}
    for number, keys in enumerate(shards, 1):
        file = f"{stem}-{number:05d}-of-{len(shards):05d}.safetensors"

        def within(done: int, _: int, key: str, before: int = before) -> None:
            if progress:
                progress(before + done, len(tensors), key)

        write_tensors(directory / file, {key: tensors[key] for key in keys}, within)
        weight_map |= dict.fromkeys(keys, file)
        before += len(keys)
    index = {"metadata": {"total_size": sum(t.num_bytes for t in tensors.values())}, "weight_map": weight_map}
    (directory / (name + INDEX)).write_text(json.dumps(index, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def plan_shards(sizes: Mapping[str, int], max_bytes: int) -> list[list[str]]:
    """Names in order, a new shard begun rather than max_bytes exceeded."""
    if max_bytes < 1:
        raise ValueError(f"a shard holds at least 1 byte, got max_bytes {max_bytes}")
    shards: list[list[str]] = [[]]
    held = 0
    for name, size in sizes.items():
        if shards[-1] and held + size > max_bytes:
            shards.append([])
            held = 0
        shards[-1].append(name)
        held += size
    return shards


def check_fit(found: Mapping[str, Shaped], expected: Mapping[str, Shaped], what: str) -> None:
    """Raises ValueError that lists every missing, extra and mis-shaped key of found."""
    problems = [f"missing {key}" for key in expected if key not in found]
    problems += [f"extra {key}" for key in found if key not in expected]
    problems += [
        f"{key} has shape {tuple(value.shape)}, not {tuple(expected[key].shape)}"
        for key, value in found.items()
        if key in expected and tuple(value.shape) != tuple(expected[key].shape)
    ]
    if problems:
        raise ValueError(f"{what} do not fit ({len(problems)}): " + "; ".join(problems))


def _open(path: Path) -> dict[str, LazyTensor]:
    from safetensors import SafetensorError, safe_open

    def fetch(name: str) -> Callable[[], Tensor]:
        def read() -> Tensor:
            # Opened anew for each tensor: the map goes with it, so that pages read once do not pile up.
            with safe_open(path, framework="pt") as file:
                return file.get_tensor(name)

        return read

    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing, though the index of its shards names it")
    try:
        with safe_open(path, framework="pt") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            headers = {name: (tuple(part.get_shape()), part.get_dtype()) for name, part in slices.items()}
    except SafetensorError as error:
        raise ValueError(f"{path} is not a whole safetensors file ({error}); fetch it again") from None
    other = [f"{name} is {dtype}" for name, (_, dtype) in headers.items() if dtype not in _DTYPES]
    if other:
        raise ValueError(
            f"{path}: {other[0]}; weights are floating point ({', '.join(_DTYPES)}), quantised ones are not read"
        )
    return {name: LazyTensor(shape, _DTYPES[dtype], fetch(name)) for name, (shape, dtype) in headers.items()}


def _shards(index: Path) -> list[Path]:
    weight_map = json.loads(index.read_text(encoding="utf-8")).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise ValueError(f"{index} names no shards; it should have a weight_map")
    names = sorted(set(weight_map.values()))
    strange = [name for name in names if os.path.basename(name) != name or not name.endswith(".safetensors")]  # noqa: PTH119
    if strange:
        raise ValueError(f"{index} names {strange[0]!r}, which is no safetensors file beside it")
    return [index.with_name(name) for name in names]
