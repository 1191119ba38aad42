"""What a benchmark says: a figure beside a named peer and its goal. One JSON object a line on standard output, the same in
words on standard error."""

import json
import sys
from collections.abc import Iterable, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One measured figure."""

    name: str
    """Begins with its program's: `model.decode_batch8`."""
    value: float
    unit: str
    peer: str
    """What it is measured beside: a library, a limit, what was planted."""
    peer_value: float
    ratio: float
    """More is better, however value and peer are counted."""
    goal: float | None
    """Of the ratio; None: measured to be known, without a goal."""
    is_right: bool = True
    """Whether what was measured ended as it must; a figure of work that went wrong is never met."""
    note: str = ""
    """For people alone."""
    details: tuple[str, ...] = field(default=())
    """For people who ask for them: what was missed."""

    @property
    def is_met(self) -> bool | None:
        """None without a goal, where the work went right."""
        if not self.is_right:
            return False
        return None if self.goal is None else self.ratio >= self.goal

    def to_json(self) -> dict[str, object]:
        """The fields that every program prints."""
        kept = asdict(self)
        return {name: kept[name] for name in FIELDS[:-1]} | {"met": self.is_met}

    def __str__(self) -> str:
        verdict = {None: "", True: ": met", False: ": NOT met"}[self.is_met]
        goal = "" if self.goal is None else f", goal {self.goal:.4g}"
        return (
            f"{self.name}: {self.value:.4g} {self.unit} beside {self.peer_value:.4g} of {self.peer}: "
            f"{self.ratio:.4g}{goal}{verdict}{f'  ({self.note})' if self.note else ''}"
        )


FIELDS = ("name", "value", "unit", "peer", "peer_value", "ratio", "goal", "met")


def share(
    name: str, count: int, unit: str, peer: str, of: int, goal: float | None, details: Sequence[str] = ()
) -> Figure:
    """So many of all of them. Of nothing there is no share: then something is wrong with what was planted."""
    return Figure(
        name=name,
        value=count,
        unit=unit,
        peer=peer,
        peer_value=of,
        ratio=count / max(1, of),
        goal=goal,
        is_right=of > 0,
        details=tuple(details),
    )


def report(program: str, figures: Iterable[Figure], *, details: int = 0) -> int:
    """Prints each figure as soon as it is there, with so many of its details; 1 where a goal is missed, after all have run.

    Raises ValueError for a figure that does not begin with its program's name, or that was there before."""
    out, names, missed = sys.stdout, set[str](), 0
    with redirect_stdout(sys.stderr):  # what a library prints while it is measured is no figure
        for figure in figures:
            if not figure.name.startswith(f"{program}."):
                raise ValueError(f"figure {figure.name!r} of {program}: a figure's name begins with {program + '.'!r}")
            if figure.name in names:
                raise ValueError(f"two figures of {program} are called {figure.name!r}; give each a name of its own")
            names.add(figure.name)
            print(json.dumps(figure.to_json(), allow_nan=False), file=out, flush=True)
            say(str(figure), *(f"    {detail}" for detail in figure.details[:details]))
            missed += figure.is_met is False
    return 1 if missed else 0


def say(*lines: str) -> None:
    """For people: standard output holds figures alone."""
    print(*lines, sep="\n", file=sys.stderr, flush=True)


def within(name: str, value: float, unit: str, limit: float, *, of: str = "the limit", **known: object) -> Figure:
    """A figure that should stay under a limit: the ratio says how many times it fits."""
    ratio = limit / max(value, 1e-9)
    return Figure(name=name, value=value, unit=unit, peer=of, peer_value=limit, ratio=ratio, goal=1.0, **known)  # type: ignore[arg-type]


def plain(words: str) -> str:
    """Words as part of a figure's name."""
    return "_".join("".join(letter if letter.isalnum() else " " for letter in words.lower()).split())
