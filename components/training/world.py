"""The ranks that train together. One rank is an ordinary world of size 1: every sum is then what it was."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch.distributed.device_mesh import DeviceMesh

OFFLOADING = "cpu:gloo,cuda:nccl"
"""Back ends of ranks whose weights lie in RAM and are computed with on a GPU."""


@dataclass(frozen=True, slots=True)
class World:
    """This process's place among the ranks; sums go through torch.distributed where there are several."""

    rank: int = 0
    size: int = 1
    copies: int = 1
    """Groups of ranks that hold the whole network each; 1: all ranks together hold it once."""

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def sum(self, values: Sequence[float], device: torch.device) -> list[float]:
        """The element-wise sum over all ranks, in double precision."""
        if self.size == 1:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64, device=device)
        torch.distributed.all_reduce(total)
        return total.tolist()

    def mesh(self, device: torch.device, *, of_one: bool = False) -> "DeviceMesh | None":
        """The ranks as FSDP takes them: one axis of shards, or copies by shards; None for a world of one, unless it is asked
        for, which then gets a group of its own where nobody has made one."""
        from torch.distributed.device_mesh import init_device_mesh

        if self.size == 1 and not of_one:
            return None
        if self.size == 1 and not torch.distributed.is_initialized():
            store, backend = torch.distributed.HashStore(), OFFLOADING if device.type == "cuda" else "gloo"
            torch.distributed.init_process_group(backend, store=store, rank=0, world_size=1)
        if self.copies == 1:
            return init_device_mesh(device.type, (self.size,))
        return init_device_mesh(device.type, (self.copies, self.size // self.copies), mesh_dim_names=("copy", "shard"))

    def barrier(self) -> None:
        """Waits until every rank is here."""
        if self.size > 1:
            torch.distributed.barrier()
