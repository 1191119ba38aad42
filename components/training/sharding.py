"""The network over several ranks: each holds a slice of every weight and gathers a layer's others while it runs (FSDP2).

One rank holds whole tensors: the functions here take both, and so does all that is built on them. (Wrapped in a group of
one, a step of the recipe `tiny` took 1.3 times as long; it is for weights that lie in RAM alone.)
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import CPUOffloadPolicy, FSDPModule, MixedPrecisionPolicy, OffloadPolicy, fully_shard
from torch.distributed.tensor import DTensor, Replicate
from torch.distributed.tensor._utils import compute_local_shape_and_global_offset

from components.recipes.training import Precision
from model.tensor_files import LazyTensor
from model.unimedvl import UniMedVL


@dataclass(frozen=True, slots=True)
class Region:
    """The part of a tensor that a rank holds, by its place in the whole."""

    start: tuple[int, ...]
    shape: tuple[int, ...]
    whole: tuple[int, ...]

    @property
    def slices(self) -> tuple[slice, ...]:
        return tuple(slice(at, at + size) for at, size in zip(self.start, self.shape, strict=True))


def shard(model: UniMedVL, mesh: DeviceMesh, precision: Precision, *, offload: bool = False) -> None:
    """Replaces each weight by this rank's slice of it, in place; over two axes of the mesh: copies of such slices.

    Layers, ViT, embedding and text head are gathered one at a time. With bf16 they are gathered and computed with in
    bfloat16; what is held, added up and optimized stays float32. Gradients are added up over the ranks, never averaged.
    With offload a rank's slices, their gradients and what is made of them lie in RAM: the network is filled there.
    """
    place = CPUOffloadPolicy(pin_memory=mesh.device_type == "cuda") if offload else OffloadPolicy()
    reduced = MixedPrecisionPolicy(torch.bfloat16, torch.float32, cast_forward_inputs=False)
    policy = reduced if precision == "bf16" else MixedPrecisionPolicy()
    for part in gathered_apart(model):
        fully_shard(part, mesh=mesh, mp_policy=policy, offload_policy=place)
    # What is left is small and used throughout: tables, norms, the ways in and out. It computes in float32.
    fully_shard(model, mesh=mesh, reshard_after_forward=False, offload_policy=place)
    for part in _wrapped(model):
        part.set_gradient_divide_factor(1.0)
        part.set_force_sum_reduction_for_comms(True)  # gloo knows no mean


def gathered_apart(model: UniMedVL) -> list[nn.Module]:
    """The parts whose weights are gathered together, inner ones first."""
    parts: list[nn.Module] = [*model.language_model.model.layers]
    if model.config.vit is not None:
        parts += [*model.vit_model.vision_model.encoder.layers, model.vit_model]
    return [*parts, model.language_model.model.embed_tokens, model.language_model.lm_head]


def add_up_gradients(model: nn.Module, *, now: bool) -> None:
    """Whether the next backward adds gradients up over the ranks, or keeps them for a later one of the step that does."""
    for part in _wrapped(model):
        part.set_requires_gradient_sync(now, recurse=False)


def fill(model: nn.Module, tensors: Mapping[str, LazyTensor], device: torch.device) -> None:
    """Gives a network without memory its weights: each rank reads its own slices of them."""
    model.to_empty(device=device)
    with torch.no_grad():
        for name, value in model.state_dict().items():
            own(value).copy_(tensors[name].fetch()[region(value).slices])


def own(tensor: Tensor) -> Tensor:
    """What this rank holds of a tensor: the memory itself."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def whole(tensor: Tensor) -> Tensor:
    """The whole tensor; every rank calls this for the same ones in the same order."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def region(tensor: Tensor) -> Region:
    """Where what this rank holds lies in the whole."""
    size = tuple(tensor.shape)
    if not isinstance(tensor, DTensor):
        return Region((0,) * len(size), size, size)
    shape, start = compute_local_shape_and_global_offset(tensor.shape, tensor.device_mesh, tensor.placements)
    return Region(tuple(start), tuple(shape), size)


def is_first_copy(tensor: Tensor, rank: int) -> bool:
    """Whether no rank before this one holds the same part of the tensor."""
    if not isinstance(tensor, DTensor):
        return rank == 0
    place = tensor.device_mesh.get_coordinate() or ()
    return all(at == 0 for at, how in zip(place, tensor.placements, strict=True) if isinstance(how, Replicate))


def lazily_whole(tensors: Mapping[str, Tensor]) -> dict[str, LazyTensor]:
    """Tensors that are gathered when they are read, one at a time: every rank reads all of them in the same order."""

    def fetched(tensor: Tensor) -> LazyTensor:
        return LazyTensor(tuple(tensor.shape), tensor.dtype, lambda: whole(tensor))

    return {name: fetched(tensor) for name, tensor in tensors.items()}


def _wrapped(model: nn.Module) -> Iterator[FSDPModule]:
    return (part for part in model.modules() if isinstance(part, FSDPModule))
