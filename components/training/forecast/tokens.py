"""What a forward's tokens are, before there are data: a typical sample of each task, in the shares of the stage's mixture."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from components.recipes.recipe import Recipe
from components.recipes.training import CurriculumStage, SideRange

TEXT_TOKENS = 64
"""Of a typical question, answer, caption or instruction; a sample of text alone has four of them."""


MANY = 1000
"""Samples that a forward's shares are counted from, so that rounding does not matter."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of one forward by kind."""

    text: int
    labels: int
    """Of the text: places with a loss."""
    vit: int
    latents: int
    targets: int
    """Of the latents: places with a loss."""

    @property
    def all(self) -> int:
        return self.text + self.vit + self.latents

    def scaled(self, to: int) -> "Tokens":
        """As many tokens in all, in the same shares."""
        text, vit = (round(count * to / self.all) for count in (self.text, self.vit))
        labels, targets = (round(count * to / self.all) for count in (self.labels, self.targets))
        latents = to - text - vit
        return Tokens(text, min(labels, text), vit, latents, min(targets, latents))


def typical_samples(recipe: Recipe, stage: CurriculumStage) -> Mapping[str, Tokens]:
    """Task group -> a sample of it, its images halfway between the shortest and the longest side of the stage."""
    vit = _square(stage.vit_side, recipe.model.require_vit().patch_size)
    latent = _square(stage.vae_side, recipe.model.latent_stride)
    copies = recipe.training.noised_copies
    return {
        "text": Tokens(4 * TEXT_TOKENS, 2 * TEXT_TOKENS, 0, 0, 0),
        "i2t": Tokens(2 * TEXT_TOKENS, TEXT_TOKENS, vit, 0, 0),
        "t2i": Tokens(TEXT_TOKENS, 0, 0, copies * latent, copies * latent),
        "interleaved": Tokens(2 * TEXT_TOKENS, TEXT_TOKENS, vit, (1 + copies) * latent, copies * latent),
    }


def typical_forward(recipe: Recipe, stage: CurriculumStage, samples: Mapping[str, Tokens]) -> Tokens:
    """A forward of the recipe's room, filled with such samples of each group in the shares of the mixture."""
    sums = [
        sum(weight * getattr(samples[group], kind.name) for group, weight in stage.mixture.items())
        for kind in fields(Tokens)
    ]
    scale = MANY / sum(stage.mixture.values())
    whole = Tokens(*(round(value * scale) for value in sums))
    return whole.scaled(stage.room(recipe.training) * recipe.training.sequences_per_forward)


def largest_sample(recipe: Recipe, stage: CurriculumStage) -> int:
    """Tokens of an edit of the largest images, which a sequence must have room for."""
    ends = replace(
        stage,
        vit_side=replace(stage.vit_side, min=stage.vit_side.max),
        vae_side=replace(stage.vae_side, min=stage.vae_side.max),
    )
    return typical_samples(recipe, ends)["interleaved"].all


def _square(side: SideRange, patch: int) -> int:
    return max(1, (side.min + side.max) // 2 // patch) ** 2
