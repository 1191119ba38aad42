"""Finished parts of the stage `start`, so that a stage that was interrupted does not train them again."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from components.storage.atomic import read_json, write_bytes, write_text
from components.storage.keys import sha256_bytes


@dataclass(frozen=True, slots=True)
class Part:
    """What a finished part left."""

    tensors: dict[str, Tensor]
    facts: dict[str, Any]


class PartStore:
    """Parts in a folder of this run's key. A part counts once its JSON stands there and the hash in it matches."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get_or_train(self, name: str, train: Callable[[], Part]) -> Part:
        """The finished part, trained and kept when it is not there or damaged."""
        part = self.load(name)
        if part is None:
            part = train()
            self.save(name, part.tensors, part.facts)
        return part

    def save(self, name: str, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Keeps a finished part."""
        from safetensors.torch import save

        data = save({key: value.detach().contiguous() for key, value in tensors.items()})
        write_bytes(self.folder / f"{name}.safetensors", data)
        # Keys in the order given: rows of a kept part are written again as those of a fresh one would be.
        card = json.dumps({"sha256": sha256_bytes(data), "facts": dict(facts)}, allow_nan=False)
        write_text(self.folder / f"{name}.json", card + "\n")

    def load(self, name: str) -> Part | None:
        """The part, or None when it is not finished or damaged."""
        from safetensors.torch import load

        weights, card = self.folder / f"{name}.safetensors", self.folder / f"{name}.json"
        if not (weights.is_file() and card.is_file()):
            return None
        data = weights.read_bytes()
        stored: dict[str, Any] = read_json(card)  # type: ignore[assignment]
        if sha256_bytes(data) != stored["sha256"]:
            return None
        return Part(load(data), stored["facts"])
