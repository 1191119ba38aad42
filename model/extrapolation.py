"""States of a drawing's later steps continued from earlier ones instead of computed (TaylorSeer; published by BAGEL).

From a step to the next the last layer's states change smoothly, so most steps take a Taylor series of them, whose
derivatives are finite differences of the steps that were computed. Nothing is left on the network: each branch of a drawing
has an Extrapolation of its own, which lives as long as the drawing and counts the steps in which its branch ran.
"""

from collections.abc import Callable
from math import factorial

import torch
from torch import Tensor

FIRST = 5
"""Steps at the beginning that are all computed."""
EVERY = 3
"""Of the steps after them one in so many is computed."""
MAX_ORDER = 6


def computes(step: int) -> bool:
    """Whether the states of step 0, 1, … are computed."""
    return step < FIRST or (step - FIRST) % EVERY == EVERY - 1


class Extrapolation:
    """The states of one branch, step by step; of one shape throughout."""

    def __init__(self) -> None:
        self._step = -1
        self._computed_at = -1
        self._dtype = torch.float32
        self._derivatives: list[Tensor] = []

    def next(self, compute: Callable[[], Tensor]) -> Tensor:
        """The next step's states: what compute gives, or, where it is not called, the series."""
        self._step += 1
        if not computes(self._step):
            return self._series(self._step - self._computed_at)
        states = compute()
        self._take(states)
        return states

    def _take(self, states: Tensor) -> None:
        """States and their derivatives by the step, from those of the step computed before."""
        distance = self._step - self._computed_at
        derivatives = [states.float()]
        # As published the first difference is of the last two steps of the beginning; earlier ones are forgotten.
        if self._step >= FIRST - 1:
            for earlier in self._derivatives[:MAX_ORDER]:
                derivatives.append((derivatives[-1] - earlier) / distance)
        self._derivatives, self._computed_at, self._dtype = derivatives, self._step, states.dtype

    def _series(self, ahead: int) -> Tensor:
        terms = [value * (ahead**order / factorial(order)) for order, value in enumerate(self._derivatives)]
        return torch.stack(terms).sum(0).to(self._dtype)
