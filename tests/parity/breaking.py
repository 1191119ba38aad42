"""Ways to break one convention of the network, for the tests that must notice it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pytest import MonkeyPatch

from model.packed import PackedSequence
from model.sequence_builder import SequenceBuilder
from model.unimedvl import UniMedVL
from tests.parity import golden


@dataclass(frozen=True, slots=True)
class Break:
    """A convention, the parity set that holds it, and what breaks it."""

    convention: str
    noticed_by: str
    apply: Callable[[MonkeyPatch], None]


def wrapped(owner: Any, name: str, wrapper: Callable[..., Any]) -> Callable[[MonkeyPatch], None]:
    """wrapper(original, *arguments) in place of owner.name."""
    original = getattr(owner, name)
    return lambda patch: patch.setattr(owner, name, lambda *args, **kwargs: wrapper(original, *args, **kwargs))


def replaced(owner: Any, name: str, value: Any) -> Callable[[MonkeyPatch], None]:
    """value in place of owner.name."""
    return lambda patch: patch.setattr(owner, name, value)


def rebuilt(change: Callable[[PackedSequence], PackedSequence]) -> Callable[[MonkeyPatch], None]:
    """Every packed sequence changed as it leaves the builder."""
    return wrapped(SequenceBuilder, "build", lambda build, builder: change(build(builder)))


def with_network(change: Callable[[UniMedVL], object]) -> Callable[[MonkeyPatch], None]:
    """The stored network changed after its weights are loaded."""

    def made(network: Callable[..., UniMedVL], *args: Any, **kwargs: Any) -> UniMedVL:
        model = network(*args, **kwargs)
        change(model)
        return model

    return wrapped(golden, "network", made)
