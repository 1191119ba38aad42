"""The judge: a small convolutional network that names the modality of an image. It shares nothing with the model."""
# Shapes: B images, 3 colours, S pixels a side, M modalities.

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from components.storage.keys import sha256_bytes

if TYPE_CHECKING:
    from torch import Tensor, nn

SIDE = 64
"""Images are looked at in this size, so that any recipe's drawings can be judged."""

WEIGHTS = "judge.safetensors"
FACTS = "judge.json"


class Files(NamedTuple):
    """What a judge lies in, in its folder."""

    weights: str
    facts: str


MODALITY, PLACES = Files(WEIGHTS, FACTS), Files("places.safetensors", "places.json")
"""Of the judge of modalities, and of that of regions and planes, which is there where slices of volumes were trained on."""

KNOWN_SHARE, KNOWN_IMAGES = 0.95, 5
"""A family is judged when the judge names so many of its real images rightly, and there are so many to say it by."""

_CHANNELS = (16, 32, 64)
_BATCH = 64


@dataclass(frozen=True, slots=True)
class Judge:
    """A trained judge and the names of its classes."""

    network: "nn.Module"
    classes: tuple[str, ...]
    sha256: str
    """Of the weights file; part of the scorer's id, so that two judges are never mixed up."""
    known: frozenset[str] = frozenset()
    """The families (see family_of) whose real images it names rightly: its word about drawings of others says little."""
    places: "Judge | None" = None
    """The judge of regions and planes beside it; its classes are `brain/axial`, its families `region brain/axial`."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The judge in the folder, with that of places; raises ValueError when weights do not fit their classes."""
        judge = cls.read(folder, MODALITY)
        return replace(judge, places=cls.read(folder, PLACES)) if (folder / PLACES.facts).is_file() else judge

    @classmethod
    def read(cls, folder: Path, files: Files) -> Self:
        """The judge in these files alone."""
        from safetensors.torch import load

        from model.device import this_device

        facts = json.loads((folder / files.facts).read_text())
        data = (folder / files.weights).read_bytes()
        network = build(len(facts["classes"]))
        try:
            network.load_state_dict(load(data))
        except RuntimeError as error:
            where = folder / files.weights
            raise ValueError(f"{where} is not a judge of {len(facts['classes'])} classes: {error}") from None
        network.eval().to(this_device())
        if files == MODALITY:
            known = known_families(facts.get("families", {}))
        else:
            known = frozenset(f"{part} {place}" for part, places in facts.get("known", {}).items() for place in places)
        return cls(network, tuple(facts["classes"]), sha256_bytes(data), known)

    @property
    def scorer(self) -> str:
        """The id under which its verdicts stand."""
        return f"judge.modality@{self.sha256[:8]}"

    def name(self, images: Sequence[np.ndarray]) -> list[str]:
        """The modality it sees in each image (uint8, any size, RGB or grey)."""
        import torch

        from model.device import this_device

        found: list[str] = []
        device = this_device()
        with torch.inference_mode():
            for begin in range(0, len(images), _BATCH):
                batch = torch.stack([pixels(image) for image in images[begin : begin + _BATCH]])
                found += [self.classes[index] for index in self.network(batch.to(device)).argmax(dim=1).tolist()]
        return found


def family_of(modality: str, region: str) -> str:
    """What is judged together: images of one modality and region."""
    return f"{modality}/{region}"


def known_families(counts: Mapping[str, Mapping[str, int]]) -> frozenset[str]:
    """Those of which enough real images were named rightly; counts: family -> {n, right}."""
    return frozenset(
        name
        for name, count in counts.items()
        if count["n"] >= KNOWN_IMAGES and count["right"] >= KNOWN_SHARE * count["n"]
    )


def build(num_classes: int) -> "nn.Module":
    """An untrained judge. Shapes: (B, 3, S, S) in [-1, 1] -> (B, M)."""
    from torch import nn

    layers: list[nn.Module] = []
    before = 3
    for channels in _CHANNELS:
        convolution = nn.Conv2d(before, channels, 3, stride=2, padding=1)
        layers += [convolution, nn.GroupNorm(8, channels), nn.ReLU()]
        before = channels
    layers += [nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * before, num_classes)]
    return nn.Sequential(*layers)


def pixels(image: np.ndarray) -> "Tensor":
    """The image as the judge sees it: (3, SIDE, SIDE) float32 in [-1, 1]."""
    import torch
    from PIL import Image

    picture = Image.fromarray(image).convert("RGB")
    if picture.size != (SIDE, SIDE):
        picture = picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(picture, dtype=np.float32)).permute(2, 0, 1) / 127.5 - 1
