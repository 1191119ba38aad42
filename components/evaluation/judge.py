"""The stage `judge`: trains the judge on real training images and measures it on real ones of the validation side.

It depends on the data set alone, so that both sides of a gate are looked at by the same judge.
"""
# Shapes: B images, 3 colours, S pixels a side.

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.assembly.dataset import Dataset, LabelledImage
from components.context import StageContext
from components.evaluation.images import decode
from components.evaluation.judge_network import FACTS, SIDE, WEIGHTS, Judge, build, family_of, pixels
from components.evaluation.places import train_places
from components.recipes.evaluation import JudgeSettings
from components.records.vocabulary import VALIDATION, Modality
from components.storage.atomic import write_bytes, write_json
from components.storage.keys import seed_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from components.training.small_loop import EachStep


@dataclass(frozen=True, slots=True)
class LabelledPixels:
    """Images as tensors with their label and the family (source and region) that balancing draws from."""

    images: "Tensor"
    """(N, 3, S, S) uint8."""
    labels: tuple[str, ...]
    """What the judge is to name: the modality."""
    families: tuple[str, ...]
    splits: tuple[str, ...]
    regions: tuple[str, ...]


def train_judge(ctx: StageContext) -> None:
    """Write evaluation/judge/{judge.safetensors, judge.json}."""
    import torch
    from safetensors.torch import save

    from components.training.small_loop import watched
    from model.device import take_device

    take_device(ctx.recipe.compute.threads)
    dataset = Dataset(ctx.workspace.dataset)
    settings = ctx.recipe.evaluation.judge
    train = load_pixels(dataset.images("train"))
    classes = tuple(sorted(set(train.labels)))
    generator = torch.Generator().manual_seed(seed_of("judge", ctx.recipe.seed))
    network = build(len(classes))
    initialise(network, generator)

    loss = fit(network, train, classes, settings, generator, watched(ctx, "judge"))
    train_places(ctx, dataset, watched(ctx, "judge of places"))
    network.eval()
    folder = ctx.workspace.evaluation / "judge"
    write_bytes(folder / WEIGHTS, save(network.state_dict()))
    facts = {"classes": list(classes), "side": SIDE, "train_images": dict(sorted(Counter(train.labels).items()))}
    write_json(folder / FACTS, facts)
    validation = dataset.images(*VALIDATION)
    heldout: dict[str, object] = {}
    if len(validation):
        real = load_pixels(validation)
        verdicts = Judge.load(folder).name([image.permute(1, 2, 0).numpy() for image in real.images])
        heldout = {"heldout": measure(real, verdicts), "families": by_family(real, verdicts)}
    write_json(folder / FACTS, {**facts, "dataset_id": dataset.dataset_id, "final_loss": round(loss, 6), **heldout})


def fit(
    network: "nn.Module",
    train: LabelledPixels,
    classes: Sequence[str],
    settings: JudgeSettings,
    generator: "torch.Generator",
    each_step: "EachStep",
) -> float:
    """The smoothed last loss. Rare modalities and families are drawn more often than they occur: see draw_weights.

    The network is trained on a GPU where there is one, and left there.
    """
    import torch
    from torch.nn.functional import cross_entropy

    from components.training.augment import softened
    from components.training.small_loop import SmallTraining, train_small
    from model.device import this_device

    device = this_device()
    network.to(device)
    weights = torch.tensor(draw_weights(train.labels, train.families), dtype=torch.float64)
    labels = torch.tensor([classes.index(name) for name in train.labels])
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, total_steps=max(settings.steps, 2), pct_start=0.1
    )
    smoothed = 0.0

    def loss_of(step: int) -> "tuple[Tensor, dict[str, float]]":
        nonlocal smoothed
        picked = torch.multinomial(weights, settings.batch, replacement=True, generator=generator)
        batch = softened(train.images[picked].float() / 127.5 - 1, generator)
        loss = cross_entropy(network(batch.to(device)), labels[picked].to(device))
        smoothed = loss.item() if step == 1 else 0.95 * smoothed + 0.05 * loss.item()
        return loss, {"loss": smoothed}

    training = SmallTraining(
        name="judge",
        steps=settings.steps,
        optimizer=optimizer,
        schedule=schedule,
        rate_key=f"evaluation.judge.learning_rate ({settings.learning_rate})",
    )
    train_small(training, loss_of, each_step)
    return smoothed


def initialise(network: "nn.Module", generator: "torch.Generator") -> None:
    """Kaiming weights and zero biases from the generator alone."""
    import torch
    from torch import nn

    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                fan_in = module.weight[0].numel()
                module.weight.normal_(0, (2 / fan_in) ** 0.5, generator=generator)
                if module.bias is not None:
                    module.bias.zero_()


def modality_of(image: LabelledImage) -> str:
    """What the first judge names."""
    return image.modality.value


def load_pixels(images: Iterable[LabelledImage], label: Callable[[LabelledImage], str] = modality_of) -> LabelledPixels:
    """The images as tensors, those of unknown modality left out; families are source and region."""
    import torch

    tensors, labels, families, splits, regions = [], [], [], [], []
    for image in images:
        if image.modality is Modality.UNKNOWN:
            continue
        tensors.append(((pixels(decode(image.image)) + 1) * 127.5).round().to(torch.uint8))
        labels.append(label(image))
        families.append(f"{image.source}/{image.anatomy}")
        splits.append(image.split.value)
        regions.append(image.anatomy)
    if not tensors:
        raise ValueError("the data set has no images of the asked split; the judge needs real ones")
    return LabelledPixels(torch.stack(tensors), *map(tuple, (labels, families, splits, regions)))


def draw_weights(modalities: Sequence[str], families: Sequence[str]) -> list[float]:
    """Weight of each image: modalities by the root of their size, families within one by the root of theirs.

    Equal shares would spend a seventh of the training on a modality's only image.
    """
    whole = Counter(modalities)
    sizes = Counter(zip(modalities, families, strict=True))
    share: dict[str, float] = defaultdict(float)
    for (modality, _), size in sizes.items():
        share[modality] += size**0.5
    return [
        whole[modality] ** 0.5 * sizes[modality, family] ** -0.5 / share[modality]
        for modality, family in zip(modalities, families, strict=True)
    ]


def by_family(heldout: LabelledPixels, verdicts: Sequence[str]) -> dict[str, dict[str, int]]:
    """`MRI/brain` -> real images of the validation side, and how many of them the judge names rightly."""
    right: dict[str, list[bool]] = defaultdict(list)
    for modality, region, verdict in zip(heldout.labels, heldout.regions, verdicts, strict=True):
        right[family_of(modality, region)].append(modality == verdict)
    return {name: {"n": len(found), "right": sum(found)} for name, found in sorted(right.items())}


def measure(heldout: LabelledPixels, verdicts: Sequence[str]) -> dict[str, object]:
    """Images, right ones and the table truth -> verdict -> count, over all held-out images and per split."""
    result: dict[str, object] = {}
    for split in ("all", *sorted(set(heldout.splits))):
        chosen = [i for i, name in enumerate(heldout.splits) if split in ("all", name)]
        confusion: dict[str, dict[str, int]] = {}
        for i in chosen:
            row = confusion.setdefault(heldout.labels[i], {})
            row[verdicts[i]] = row.get(verdicts[i], 0) + 1
        right = sum(heldout.labels[i] == verdicts[i] for i in chosen)
        result[split] = {"n": len(chosen), "right": right, "confusion": confusion}
    return result
