"""One number, tensor or list of ours beside the stored one, and how far apart the two may be."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tests.parity import golden

AT_LEAST = 1e-6
TIMES_FLOOR = 10
STATES, TRAJECTORIES = 5e-5, 2e-4
"""For states and logits, and for latents along a trajectory, where the published code showed no difference to itself."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Tensors differ by their largest absolute difference; anything else is equal (0) or not (infinity)."""

    name: str
    found: Any
    wanted: Any
    allowed: float = 0.0

    @property
    def difference(self) -> float:
        """Infinite where shapes or the places of NaN differ."""
        if not isinstance(self.wanted, Tensor):
            return 0.0 if self.found == self.wanted else float("inf")
        if self.found.shape != self.wanted.shape:
            return float("inf")
        found, wanted = self.found.detach().double(), self.wanted.double()
        if not torch.equal(found.isnan(), wanted.isnan()):
            return float("inf")
        return float((found - wanted).nan_to_num().abs().max()) if wanted.numel() else 0.0

    @property
    def share(self) -> float:
        """Of the allowed difference: above 1 is too far."""
        return self.difference / self.allowed if self.allowed else (float("inf") if self.difference else 0.0)

    @property
    def agrees(self) -> bool:
        return self.share <= 1


@dataclass(frozen=True, slots=True)
class ParitySet:
    """One line of the table."""

    name: str
    what: str
    compare: Callable[[], Iterator[Comparison]]
    note: str = ""
    """What of the stored set we do not do, or feed as recorded, and why."""


class Stored:
    """The tensors of one stored file, and the difference that is allowed for each.

    Integers are equal. Other numbers: ten times the difference that the published code shows to itself, at least 1e-6.
    """

    def __init__(self, name: str, *, without_floor: float = AT_LEAST) -> None:
        """without_floor: allowed where the published code showed no difference to itself."""
        self._without_floor = without_floor
        self._tensors: dict[str, Tensor] = golden.read(name)
        self._floors: dict[str, dict[str, float]] = golden.read("noise_floor.json")["files"].get(name, {})

    def __getitem__(self, key: str) -> Tensor:
        return self._tensors[key]

    @property
    def names(self) -> list[str]:
        return sorted(self._tensors)

    def against(self, key: str, found: Tensor) -> Comparison:
        """Ours beside the stored tensor of this name."""
        return Comparison(key, found, self[key], self._allowed(key))

    def _allowed(self, key: str) -> float:
        if not self[key].is_floating_point():
            return 0.0
        floor = max(self._floors.get(key, {"": 0.0}).values())
        return max(TIMES_FLOOR * floor, AT_LEAST) if floor else self._without_floor
