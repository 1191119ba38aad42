"""When a challenger may become champion."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Literal

Ask = Literal["better", "not_worse", "floor", "no_harm"]
ASKS: tuple[Ask, ...] = ("better", "not_worse", "floor", "no_harm")
SAFETY = ("blank", "fresh", "normal", "readable", "uncontaminated")
"""Rows of the decision table below `safety/`, which have limits of their own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One thing that must hold of a row of the decision table, or of every row that a pattern such as `edit/*` names.

    `better`: shown better than the champion. `not_worse`: shown not worse by the margin. `floor`: the challenger's own
    lower bound reaches `at_least`. `no_harm`: not shown worse.
    """

    better: str | None = None
    not_worse: str | None = None
    floor: str | None = None
    no_harm: str | None = None
    margin: float | None = None
    """Of `not_worse`, in the row's unit; the gate's own margin where it is left out (ten times as many dB)."""
    at_least: float = 0.0
    """Of `floor`, in the row's unit."""

    def __post_init__(self) -> None:
        asked = [name for name in ASKS if getattr(self, name) is not None]
        if len(asked) != 1:
            given = " and ".join(asked) or "none"
            raise ValueError(f"a rule asks for one of {', '.join(ASKS)}, got {given}")
        if self.margin is not None and not (self.not_worse is not None and self.margin > 0 and isfinite(self.margin)):
            raise ValueError(f"margin belongs to not_worse and is a number above 0, got {self.margin:g}")
        if not isfinite(self.at_least):
            raise ValueError(f"at_least must be a number, got {self.at_least:g}")
        if not self.rows.strip():
            raise ValueError(f"{asked[0]} names no row; `*` names all")
        if self.at_least and self.floor is None:
            raise ValueError(f"at_least belongs to floor, got {self.at_least:g} with {asked[0]}")

    @property
    def ask(self) -> Ask:
        """What is asked."""
        return next(name for name in ASKS if getattr(self, name) is not None)

    @property
    def rows(self) -> str:
        """Name or pattern of the rows."""
        return getattr(self, self.ask)


@dataclass(frozen=True, kw_only=True, slots=True)
class GateSettings:
    """The measured rule. `refresh`: no capability worse by more than the margin; `improve`: better answers besides; `never`:
    what is made is registered and neither examined nor promoted.

    `rules` replaces what the other keys but `retired` ask for; without a champion floors and limits alone are asked.
    """

    kind: Literal["refresh", "improve", "never"]
    margin: float
    """Points of a share (0 to 1) by which the challenger may lose at most, by the interval's lower bound."""
    cluster: Literal["patient", "image"]
    """What is resampled."""
    demonstrative: bool
    """Too few subjects for a claim; the decision says so. Items within a subject count, and images as patients do."""
    safety: Mapping[str, float] = field(default_factory=dict)
    """Safety row -> the share that the challenger's own lower bound must reach, with a champion and without."""
    rules: tuple[Rule, ...] = ()
    retired: Mapping[str, str] = field(default_factory=dict)
    """Class, source or modality -> why the model need not know it any longer."""

    def __post_init__(self) -> None:
        if not 0 <= self.margin < 1:
            raise ValueError(f"gate.margin must be in [0, 1): a share cannot fall by more than 1, got {self.margin:g}")
        for name, least in self.safety.items():
            if name not in SAFETY:
                raise ValueError(f"gate.safety.{name} is no row of safety; there are {', '.join(SAFETY)}")
            if not 0 <= least <= 1:
                raise ValueError(f"gate.safety.{name} is a share from 0 to 1, got {least:g}")
        if unsaid := sorted(name for name, why in self.retired.items() if not why.strip()):
            raise ValueError(f"gate.retired.{unsaid[0]} says no reason")
