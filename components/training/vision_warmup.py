"""Teaches the ViT what the records say of their images, by linear heads on its mean token that are thrown away afterwards.

It stands in for the pretrained SigLIP weights that a larger recipe imports: without it a small budget of conversations is
too thin a signal for the ViT to begin to see.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from components.recipes.training import VisionWarmup
from components.storage.keys import generator, seed_of
from components.training.augment import augmented
from components.training.pictures import PictureSet
from components.training.small_loop import EachStep, Row, SmallTraining, curve, train_small, warm_cosine
from model.device import this_device
from model.tables import grid_position_ids
from model.unimedvl import UniMedVL
from model.vit import ViT

# Shapes: B images, m patches of one image, D features, K values of a fact.

WARMUP_STEPS = 20
BETAS = (0.9, 0.95)
WEIGHT_DECAY = 0.05
MAX_GRAD_NORM = 1.0
EVERY = 10
"""Steps that a row of the curve stands for."""
LIST_FACT, SEPARATOR = "organs", ";"
"""The fact with several values at once."""
UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class FactTable:
    """One fact of every picture: the class, or for the list fact a row of zeros and ones; UNKNOWN where it is not said."""

    name: str
    values: tuple[str, ...]
    labels: Tensor
    """[pictures] int64, or [pictures, K] float32 with UNKNOWN in the whole row."""

    @property
    def is_list(self) -> bool:
        return self.labels.dim() == 2


def warm_up_vision(
    model: UniMedVL, pictures: PictureSet, settings: VisionWarmup, *, seed: int, each_step: EachStep
) -> list[Row]:
    """Trains the network's ViT in place, on a GPU where there is one; the rows of its loss and accuracies."""
    device, config = this_device(), model.config
    vit = model.vit_model.to(device)
    facts = fact_tables([picture.facts for picture in pictures.pictures], settings.fact_weights)
    heads = _heads(facts, vit, seed).to(device)
    optimizer = torch.optim.AdamW(
        [*vit.parameters(), *heads.parameters()], lr=1.0, betas=BETAS, weight_decay=WEIGHT_DECAY, fused=True
    )
    patch = config.require_vit().patch_size
    side = pictures.side // patch
    table = grid_position_ids(side, side, config.vit_max_patches_per_side, interpolate=config.interpolate_positions)
    position_ids = table.repeat(settings.batch).to(device)

    def loss_of(step: int) -> tuple[Tensor, dict[str, float]]:
        numbers = pictures.draw(generator(seed, "vision", step), settings.batch)
        keys = [(seed, "vision", step, place) for place in range(settings.batch)]
        patches = patchify_batch(augmented(pictures.batch(numbers), keys), patch).to(device)
        features = vit(patches, position_ids, ((side, side),) * settings.batch)
        loss, values = _losses(features.view(settings.batch, side**2, -1).mean(1), heads, facts, numbers, settings)
        return loss, {"loss": float(loss.detach()), **values}

    training = SmallTraining(
        name="vision warm-up",
        steps=settings.steps,
        optimizer=optimizer,
        schedule=warm_cosine(optimizer, settings.learning_rate, steps=settings.steps, warmup_steps=WARMUP_STEPS),
        rate_key=f"start.vision.learning_rate ({settings.learning_rate})",
        max_grad_norm=MAX_GRAD_NORM,
    )
    vit.train()
    history = train_small(training, loss_of, each_step)
    vit.eval().cpu()
    return curve("vision", history, every=EVERY, digits=4)


def fact_tables(facts: Sequence[Mapping[str, str]], weights: Mapping[str, float]) -> list[FactTable]:
    """A table for each weighted fact that has at least two values among the pictures."""
    tables = []
    for name in sorted(name for name, weight in weights.items() if weight > 0):
        said = [row.get(name) for row in facts]
        parts = [() if value is None else tuple(value.split(SEPARATOR)) for value in said]
        values = tuple(sorted({part for row in parts for part in row if part}))
        if len(values) < 2:
            continue
        place = {value: number for number, value in enumerate(values)}
        if name == LIST_FACT:
            labels = torch.zeros(len(facts), len(values))
            for number, (value, row) in enumerate(zip(said, parts, strict=True)):
                if value is None:
                    labels[number] = UNKNOWN
                labels[number, [place[part] for part in row if part]] = 1.0
        else:
            labels = torch.tensor([UNKNOWN if not value else place[value] for value in said])
        tables.append(FactTable(name, values, labels))
    if not tables:
        raise ValueError(
            "no fact of start.vision.fact_weights has two values in the data; the warm-up has nothing to teach"
        )
    return tables


def patchify_batch(images: Tensor, patch: int) -> Tensor:
    """Patches of several images of one size, image after image: [B, 3, h, w] -> [B m, 3 p p]."""
    batch, channels, height, width = images.shape
    grid = images.reshape(batch, channels, height // patch, patch, width // patch, patch)
    return grid.permute(0, 2, 4, 3, 5, 1).reshape(-1, patch * patch * channels)


def _heads(facts: Sequence[FactTable], vit: ViT, seed: int) -> nn.ModuleDict:
    """A linear head for each fact, its weights drawn from the seed."""
    width = vit.vision_model.post_layernorm.weight.shape[0]
    draw = torch.Generator().manual_seed(seed_of(seed, "vision-heads"))
    heads = nn.ModuleDict()
    for fact in facts:
        head = nn.Linear(width, len(fact.values))
        with torch.no_grad():
            head.weight.copy_(torch.randn(head.weight.shape, generator=draw) * width**-0.5)
            head.bias.zero_()
        heads[fact.name] = head
    return heads


def _losses(
    pooled: Tensor, heads: nn.ModuleDict, facts: Sequence[FactTable], numbers: Sequence[int], settings: VisionWarmup
) -> tuple[Tensor, dict[str, float]]:
    """The weighted loss over all facts, and the share of right answers of each. pooled [B, D]."""
    chosen = torch.tensor(numbers)
    total = pooled.sum() * 0
    accuracies: dict[str, float] = {}
    for fact in facts:
        labels = fact.labels[chosen].to(pooled.device)
        known = (labels[:, 0] if fact.is_list else labels) != UNKNOWN
        if not known.any():
            continue
        logits, labels = heads[fact.name](pooled[known]), labels[known]
        if fact.is_list:
            loss = F.binary_cross_entropy_with_logits(logits, labels)
            right = ((logits > 0) == (labels > 0.5)).float().mean()
        else:
            loss = F.cross_entropy(logits, labels)
            right = (logits.argmax(-1) == labels).float().mean()
        # A fact that few of the images have weighs as much as it is there.
        total = total + settings.fact_weights[fact.name] * loss * (len(labels) / len(numbers))
        accuracies[f"{fact.name}_accuracy"] = float(right)
    return total, accuracies


def check_vision(patch: int, positions: int, side: int) -> None:
    """Raises ValueError when pictures do not fit the ViT's grid."""
    if side % patch:
        raise ValueError(f"start.image_side is {side}, not a multiple of model.vit.patch_size {patch}")
    if side // patch > positions:
        raise ValueError(
            f"start.image_side {side} makes {side // patch} patches a side, more than "
            f"model.vit_max_patches_per_side {positions}"
        )
