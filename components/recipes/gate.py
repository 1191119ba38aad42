"""When a challenger may become champion."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class GateSettings:
    """The measured rule, on the pool's accuracy alone. `refresh`: not worse by more than the margin; `improve`: better."""

    kind: Literal["refresh", "improve"]
    margin: float
    """Points of accuracy (0 to 1) by which the challenger may lose at most, by the interval's lower bound."""
    cluster: Literal["patient", "image"]
    """What is resampled."""
    demonstrative: bool
    """Too few subjects for a claim; the decision says so."""
