"""`make prove ONLY=memory`: what a plan says of a rank's memory, beside what torch's own trackers count: worlds of 1, 2 and 4
ranks that train a hundred million weights (and, with --large, three hundred), and fourteen billion over eight ranks of a group
that is none, on tensors without memory."""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from unittest.mock import patch

import torch
import torch.distributed as dist
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.distributed._tools.fsdp2_mem_tracker import FSDPMemTracker
from torch.testing._internal.distributed.fake_pg import FakeStore

from components.recipes.recipe import Recipe
from components.recipes.shipped import read_shipped
from components.training.forecast.found import Memory
from components.training.forecast.memory import memory_of
from components.training.forecast.tokens import Tokens, typical_forward, typical_samples
from components.training.optimizer import Average, freeze, make_optimizer, named_moments, set_learning_rate
from components.training.sharding import own, shard
from components.training.world import World
from model.attention import AttentionLayout, Bucket
from model.objective import summed_losses
from model.packed import PackedSequence, SpecialTokens
from model.sequence_builder import SequenceBuilder
from model.unimedvl import UniMedVL
from tests.components.training import memory
from tests.proofs.outcome import FAILED, PASSED

NEAR_OF_RANKS, NEAR_OF_FOURTEEN_BILLION = 0.15, 0.10
"""How far a plan may be from what is counted, of the latter."""
CARD_BYTES = 80 * 2**30
RANKS = 8


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="Three hundred million weights too: 6 GB of memory.")
    parser.add_argument("--stage", action="append", help="Of unimedvl-14b; all of them where none is named.")
    arguments = parser.parse_args()
    verdicts = []
    with tempfile.TemporaryDirectory(prefix="unimed-memory-") as folder:
        for network in ("100M", "300M") if arguments.large else ("100M",):
            verdicts += [ranks_hold_what_is_planned(Path(folder), network, size) for size in (1, 2, 4)]
    recipe = read_shipped("unimedvl-14b")
    dist.init_process_group("fake", store=FakeStore(), rank=0, world_size=RANKS)
    for stage in arguments.stage or recipe.curriculum:
        verdicts.append(fourteen_billion_take_what_is_planned(recipe, stage))
    print(f"{sum(verdicts)} of {len(verdicts)} plans hold")
    return PASSED if all(verdicts) else FAILED


def ranks_hold_what_is_planned(folder: Path, network: str, size: int) -> bool:
    """The plan of a world of so many ranks is near what torch's tracker counts of its fullest one."""
    tiny = read_shipped("tiny")
    recipe = replace(
        tiny,
        model=memory.NETWORKS[network],
        compute=replace(tiny.compute, workers=size, precision="fp32", gradient_checkpointing=False),
        training=replace(tiny.training, sequences_per_step=size, sequences_per_forward=1),
    )
    stage = replace(recipe.curriculum["foundation"], vit_learning_rate_scale=1.0)
    planned = of_the_network(memory_of(recipe, stage, memory.TOKENS))
    found = memory.measure(folder, size, network)
    apart = planned / found["peak"] - 1
    print(
        f"{network}, {size} ranks: planned {planned / 1e6:.0f} MB, counted {found['peak'] / 1e6:.0f} MB ({apart:+.1%}); between "
        f"steps {found['alive'] / 1e6:.0f} MB, resident {found['resident'] / 1e6:.0f} MB, at most "
        f"{found['most_resident'] / 1e6:.0f} MB",
        flush=True,
    )
    return abs(apart) <= NEAR_OF_RANKS


def fourteen_billion_take_what_is_planned(recipe: Recipe, name: str) -> bool:
    """Forward, way back, update and average of the stage, near the plan; and whether that fits a card of 80 GB is said."""
    stage = recipe.curriculum[name]
    tokens = typical_forward(recipe, stage, typical_samples(recipe, stage))
    packed = sequence(recipe, tokens)
    plan = memory_of(recipe, stage, tokens)
    counted = counted_bytes(recipe, name, packed)
    planned = of_the_network(plan)
    apart = planned / counted - 1
    parts = ", ".join(f"{part} {size / 1e9:.1f}" for part, size in asdict(plan).items())
    fits = "fits" if plan.total <= CARD_BYTES else "does not fit"
    print(
        f"unimedvl-14b {name}, {RANKS} ranks: planned {planned / 1e9:.1f} GB, counted {counted / 1e9:.1f} GB ({apart:+.1%}); with "
        f"autoencoder and process {plan.total / 1e9:.1f} GB, which {fits} a card of {CARD_BYTES / 1e9:.1f} GB ({parts})",
        flush=True,
    )
    return abs(apart) <= NEAR_OF_FOURTEEN_BILLION


def of_the_network(plan: Memory) -> int:
    """The plan without what no tracker of tensors sees, or this proof does not have."""
    return plan.total - plan.process - plan.autoencoder


def sequence(recipe: Recipe, tokens: Tokens) -> PackedSequence:
    """Images for ViT and drawing, and a text that is learnt: so many of each, markers left out."""
    builder = SequenceBuilder(SpecialTokens(1, 2, 3, 4), recipe.model)
    builder.start_sample()
    for grid in grids(tokens.vit, recipe.model.vit_max_patches_per_side):
        builder.add_vit(torch.zeros(grid[0] * grid[1], recipe.model.vit_patch_dim), grid)
    builder.add_text([10] * tokens.labels, True)
    builder.end_sample()
    builder.start_sample()
    builder.add_text([10] * (tokens.text - tokens.labels), False)
    for grid in grids(tokens.latents, recipe.model.max_latent_size):
        builder.add_latent(torch.zeros(grid[0] * grid[1], recipe.model.latent_dim), grid, target=True)
    builder.end_sample()
    return builder.build()


def grids(tokens: int, side: int) -> list[tuple[int, int]]:
    """Images of so many tokens in all, none longer than the side."""
    rows, rest = divmod(tokens, side)
    whole = [(min(side, rows - start), side) for start in range(0, rows, side)]
    return [*whole, (1, rest)] if rest else whole


def counted_bytes(recipe: Recipe, name: str, packed: PackedSequence) -> int:
    """Bytes alive at most during a step, as torch's tracker of FSDP counts them on tensors without memory."""
    stage, device = recipe.curriculum[name], torch.device("cpu")
    targets, precision = packed.target_index, recipe.compute.precision
    mesh = World(0, RANKS).mesh(device)
    assert mesh is not None
    with FakeTensorMode(allow_non_fake_inputs=True), all_in_one_row(targets):
        with torch.device("meta"):
            model = UniMedVL(recipe.model)
        freeze(model, vit=stage.vit_learning_rate_scale == 0, und=stage.freeze_und)
        model.attention = "sdpa"
        model.checkpoint_gradients(recipe.compute.gradient_checkpointing)
        shard(model, mesh, precision)
        model.to_empty(device=device)
        optimizer = make_optimizer(
            model, recipe.training.optimizer, vit_learning_rate_scale=stage.vit_learning_rate_scale
        )
        average = Average(model, recipe.training.optimizer.ema_decay)
        warmed_up(model, optimizer, average)
        tracker = FSDPMemTracker(model, optimizer)
        with tracker:
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
                found = summed_losses(
                    model, packed, torch.full((len(packed.latents),), 0.5), torch.ones_like(packed.latents)
                )
            loss = found.text_loss_sum + found.image_loss_sum
            del found
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            set_learning_rate(optimizer, 1e-4)
            optimizer.step()
            average.update(model)
        counted = tracker.get_tracker_snapshot("peak")[device]["Total"]
        held = sum(own(value).nbytes for value in average.weights.values())  # which it does not know of
    return counted + held


def warmed_up(model: UniMedVL, optimizer: torch.optim.Optimizer, average: Average) -> None:
    """Moments are there, and a step has been made: at the first one DTensor works out shapes on whole tensors without memory,
    which a tracker would count."""
    named_moments(model, optimizer)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.grad = torch.zeros_like(parameter)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    average.update(model)
    optimizer.zero_grad(set_to_none=True)


@contextmanager
def all_in_one_row(targets: torch.Tensor) -> Iterator[None]:
    """While this holds, everybody sees everybody, as a kernel that holds no mask takes it; and places are known beforehand."""

    def row(_: type, tokens: PackedSequence | Sequence[int], *__: object, **___: object) -> AttentionLayout:
        count = tokens.num_tokens if isinstance(tokens, PackedSequence) else sum(tokens)
        places = torch.arange(count)
        return AttentionLayout(places, places, (Bucket(1, count, None),))

    with (
        patch.object(AttentionLayout, "from_packed", classmethod(row)),
        patch.object(AttentionLayout, "from_segments", classmethod(row)),
        patch.object(PackedSequence, "target_index", property(lambda _: targets)),
    ):
        yield


if __name__ == "__main__":
    sys.exit(main())
