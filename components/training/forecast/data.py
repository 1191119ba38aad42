"""The data set's part of a forecast: how long its samples are, and how often each source is gone through."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from components.assembly.dataset import Dataset, SampleIndex
from components.recipes.recipe import Recipe
from components.recipes.training import CurriculumStage
from components.training.forecast.tokens import Tokens
from components.training.layout import Item, LatentItem, Layout, TextItem, Visit, VitItem, image_transforms, sample_key
from components.training.planner import mixture_of
from components.weights.tokenizer import TextTokenizer

LOOKED_AT = 64
"""Samples of each group whose tokens are counted, evenly through the data."""
MOST_READ = 200_000
"""Samples of a data set whose texts are read for that; of a larger one usual lengths are taken."""


@dataclass(frozen=True, slots=True)
class Data:
    """The training side of a sealed data set."""

    counts: Mapping[tuple[str, str], int]
    """(task group, source) -> samples."""
    samples: Mapping[str, Tokens]
    """Task group -> a mean sample; empty where nobody has counted."""


def read_data(dataset: Path, start: Path, recipe: Recipe, stage: CurriculumStage) -> Data | None:
    """What is known of the data set; None before it is assembled, and of one that today's code does not read, which the run
    assembles anew. Lengths are counted once the tokenizer of `start` is there."""
    if not (dataset / "manifest.json").is_file():
        return None
    try:
        index = Dataset(dataset).samples("train")
    except ValueError:  # an earlier release's, or one that lacks a shard: the run itself is what mends it
        return None
    counts = Counter(zip(index.column("group"), index.column("source"), strict=True))
    if len(index) > MOST_READ or not start.is_dir():
        return Data(counts, {})
    groups = Counter(index.column("group"))
    return Data(counts, _mean_samples(index, groups, _layout(recipe, stage, TextTokenizer.load(start))))


def epochs(recipe: Recipe, stage: CurriculumStage, data: Data, samples: Mapping[str, Tokens]) -> dict[str, float]:
    """Source -> how often the stage goes through its samples. samples: a mean one of each group."""
    mixture: dict[str, float] = {group: weight for group, weight in stage.mixture.items() if weight > 0}
    length = sum(weight * samples[group].all for group, weight in mixture.items()) / sum(mixture.values())
    drawn = stage.steps * recipe.training.sequences_per_step * stage.room(recipe.training) / length
    lifting = mixture_of(recipe.training, stage)
    visits: dict[str, float] = defaultdict(float)
    held: dict[str, int] = defaultdict(int)
    for group, weight in mixture.items():
        sizes = {source: count for (of, source), count in data.counts.items() if of == group}
        lifted = {source: lifting.lifted(group, source, count) for source, count in sizes.items()}
        for source, count in sizes.items():
            visits[source] += drawn * weight / sum(mixture.values()) * lifted[source] / sum(lifted.values())
            held[source] += count
    return {source: visits[source] / held[source] for source in sorted(visits)}


def _layout(recipe: Recipe, stage: CurriculumStage, tokenizer: TextTokenizer) -> Layout:
    config = recipe.model
    vit, vae = image_transforms(config, vit_side=stage.vit_side, vae_side=stage.vae_side)
    return Layout(
        tokenizer=tokenizer,
        vit=vit,
        vae=vae,
        vit_patch=config.require_vit().patch_size,
        latent_stride=config.latent_stride,
        dropout=recipe.training.dropout,
        noised_copies=recipe.training.noised_copies,
        seed=str(recipe.seed),
    )


def _mean_samples(index: SampleIndex, counts: Mapping[str, int], layout: Layout) -> dict[str, Tokens]:
    every = {group: max(1, count // LOOKED_AT) for group, count in counts.items()}
    seen: Counter[str] = Counter()
    counted: dict[str, list[tuple[int, ...]]] = defaultdict(list)
    for number, (identity, group, _, pieces) in enumerate(index.layouts()):
        if seen[group] % every[group] == 0:
            counted[group].append(tokens_of(layout.items(pieces, Visit(number, sample_key(identity), 0))))
        seen[group] += 1
    return {
        group: Tokens(*(round(sum(column) / len(rows)) for column in zip(*rows, strict=True)))
        for group, rows in counted.items()
    }


def tokens_of(items: list[Item]) -> tuple[int, int, int, int, int]:
    """(text and markers, labels, ViT, latents, targets) of a packed sample."""
    text = labels = vit = latents = targets = 0
    for item in items:
        match item:
            case TextItem(dropped=False):
                text += item.num_tokens
                labels += len(item.ids) + 1 if item.supervised else 0
            case VitItem(dropped=False):
                vit += item.num_tokens
            case LatentItem(dropped=False):
                latents += item.num_tokens
                targets += item.num_tokens if item.copies else 0
            case _:
                continue
    return text, labels, vit, latents, targets
