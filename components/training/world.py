"""The ranks that train together. One rank is an ordinary world of size 1: every sum is then what it was."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class World:
    """This process's place among the ranks; sums go through torch.distributed where there are several."""

    rank: int = 0
    size: int = 1

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

    def sum_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Adds up every gradient over the ranks, in place."""
        if self.size == 1:
            return
        trained = [p for p in parameters if p.requires_grad]
        gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in trained]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        torch.distributed.all_reduce(flat)
        for parameter, part in zip(trained, flat.split([g.numel() for g in gradients]), strict=True):
            parameter.grad = part.view_as(parameter).clone()

    def barrier(self) -> None:
        """Waits until every rank is here."""
        if self.size > 1:
            torch.distributed.barrier()
