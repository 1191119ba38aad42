"""How many numbers a stage's network has, trained and frozen, and which of them are gathered together.

Counted from shapes: the network is built without memory.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, prod

import torch
from torch import nn

from components.recipes.training import CurriculumStage
from components.training.optimizer import freeze
from components.training.sharding import gathered_apart
from model.autoencoder import Autoencoder
from model.config import ModelConfig
from model.unimedvl import UniMedVL


@dataclass(frozen=True, slots=True)
class Group:
    """Weights that are gathered together."""

    name: str
    trained: tuple[tuple[int, ...], ...]
    """Shapes."""
    frozen: tuple[tuple[int, ...], ...]

    @property
    def num_trained(self) -> int:
        return sum(map(prod, self.trained))

    @property
    def num_all(self) -> int:
        return self.num_trained + sum(map(prod, self.frozen))

    def share(self, shards: int, *, trained: bool = False) -> int:
        """Numbers that the fullest of so many ranks holds: rows are dealt out evenly, rounded up."""
        shapes = self.trained if trained else (*self.trained, *self.frozen)
        return sum(ceil(shape[0] / shards) * prod(shape[1:]) for shape in shapes)


@dataclass(frozen=True, slots=True)
class Weights:
    """A stage's network by groups."""

    layer: Group
    """Each layer of the decoder; all are alike."""
    num_layers: int
    vit_layer: Group
    num_vit_layers: int
    embedding: Group
    head: Group
    """From the last states to words."""
    others: tuple[Group, ...]
    """The ViT's own weights outside its layers."""
    root: Group
    """What is left: small, used throughout, gathered for the whole of a forward and its way back."""
    autoencoder: int
    """Numbers of the autoencoder, which is held whole and never trained."""

    @property
    def all(self) -> tuple[Group, ...]:
        layers = (self.layer,) * self.num_layers + (self.vit_layer,) * self.num_vit_layers
        return (*layers, self.embedding, self.head, *self.others, self.root)

    @property
    def num_trained(self) -> int:
        return sum(group.num_trained for group in self.all)

    @property
    def num_all(self) -> int:
        return sum(group.num_all for group in self.all)


def stage_weights(config: ModelConfig, stage: CurriculumStage) -> Weights:
    """The weights of the network as the stage trains it. Raises ValueError for a network without one of its sides."""
    return _weights(config, stage.vit_learning_rate_scale == 0, stage.freeze_und)


@lru_cache
def _weights(config: ModelConfig, vit_frozen: bool, und_frozen: bool) -> Weights:
    vae = config.require_vae()
    config.require_vit()
    with torch.device("meta"):
        model, autoencoder = UniMedVL(config), Autoencoder(vae)
    freeze(model, vit=vit_frozen, und=und_frozen)
    seen: set[nn.Parameter] = set()
    groups = {}
    for part in (*gathered_apart(model), model):
        own = [p for p in part.parameters() if p not in seen]
        seen |= set(own)
        groups[part] = Group(
            type(part).__name__,
            tuple(tuple(p.shape) for p in own if p.requires_grad),
            tuple(tuple(p.shape) for p in own if not p.requires_grad),
        )
    decoder, vit = model.language_model.model, model.vit_model
    return Weights(
        layer=groups[decoder.layers[0]],
        num_layers=len(decoder.layers),
        vit_layer=groups[vit.vision_model.encoder.layers[0]],
        num_vit_layers=len(vit.vision_model.encoder.layers),
        embedding=groups[decoder.embed_tokens],
        head=groups[model.language_model.lm_head],
        others=(groups[vit],),
        root=groups[model],
        autoencoder=sum(p.numel() for p in autoencoder.parameters()),
    )
