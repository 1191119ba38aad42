"""Bytes of a rank at the fullest moment of a step, in parts."""
# A step's moments: after the forward at the text head; the way back through the decoder, its first layer and its last; the way
# back through the ViT; that through the embedding; the update.

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

from components.recipes.recipe import Recipe
from components.recipes.training import CurriculumStage
from components.training.forecast.found import Memory
from components.training.forecast.tokens import Tokens
from components.training.forecast.traced import Layers, traced_layers
from components.training.forecast.weights import Group, Weights, stage_weights

WHOLE, HALF = 4, 2
"""Bytes of a float32 and of a bfloat16."""
STATE = 4 * WHOLE
"""Bytes of a state for each trained number: weight, average and AdamW's two moments."""
PROCESS_BYTES = 500_000_000
"""Of an interpreter with torch and Ray before it holds a weight, measured on Linux; on a GPU of its context and kernels."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """What differs between the moments of a step."""

    gradients: int
    gathered: int
    activations: int

    @property
    def total(self) -> int:
        return self.gradients + self.gathered + self.activations


def memory_of(recipe: Recipe, stage: CurriculumStage, tokens: Tokens) -> Memory:
    """Bytes of the fullest rank when its forwards have these tokens."""
    weights, shards = stage_weights(recipe.model, stage), num_shards(recipe)
    sides = recipe.model.llm, recipe.model.require_vit()
    found = traced_layers(*sides, tokens, recipe.compute.precision, sharded=is_wrapped(recipe))
    trained, offload = WHOLE * local_trained(weights, shards), recipe.compute.offload
    held = Memory(
        weights=WHOLE * sum(group.share(shards) for group in weights.all),
        gradients=0,
        moments=2 * trained,
        average=trained,
        gathered=0,
        activations=0,
        autoencoder=WHOLE * weights.autoencoder,
        process=PROCESS_BYTES,
        state_copy=STATE * local_trained(weights, shards),
    )
    fullest = max(_moments(recipe, stage, weights, found), key=lambda moment: moment.total)
    memory = replace(held, **asdict(fullest))
    if not offload:
        return memory
    in_ram = memory.weights + memory.moments + memory.average + trained
    return replace(memory, gradients=memory.gradients + trained, offloaded=in_ram)


def is_wrapped(recipe: Recipe) -> bool:
    """Whether layers are gathered while they are at work: several ranks share the network, or it lies in RAM."""
    return num_shards(recipe) > 1 or recipe.compute.offload


def num_shards(recipe: Recipe) -> int:
    """Ranks among which one copy of the network lies."""
    return max(recipe.compute.workers, 1) // recipe.compute.copies


def num_forwards(recipe: Recipe) -> int:
    """Forwards of the fullest rank in a step."""
    sequences = -(-recipe.training.sequences_per_step // max(recipe.compute.workers, 1))
    return -(-sequences // recipe.training.sequences_per_forward)


def local_trained(weights: Weights, shards: int) -> int:
    """Trained numbers that the fullest rank holds."""
    return sum(group.share(shards, trained=True) for group in weights.all)


def _moments(recipe: Recipe, stage: CurriculumStage, weights: Weights, layers: Layers) -> Iterator[Moment]:
    shards, compute = num_shards(recipe), HALF if recipe.compute.precision == "bf16" else WHOLE
    again = recipe.compute.gradient_checkpointing
    offload, groups = recipe.compute.offload, _Gathered(weights, is_wrapped(recipe), compute)
    before = WHOLE * weights.num_trained if num_forwards(recipe) > 1 else 0
    # A layer that is computed again keeps what enters it, and has the rest for a moment.
    decoder = layers.decoder.inputs + (0 if again else layers.decoder.kept)
    there_and_back = layers.decoder.most - (0 if again else layers.decoder.kept)
    kept = weights.num_layers * decoder
    trains_vit = stage.vit_learning_rate_scale > 0
    vit = layers.vit.inputs + (0 if again else layers.vit.kept)
    kept_vit = weights.num_vit_layers * vit if trains_vit else 0

    def grown(*parts: Group) -> int:
        """Bytes of the gradients by now: those of earlier forwards, else a share of what has been gone through, which may be
        in RAM by then."""
        return before if offload else max(before, sum(WHOLE * part.share(shards, trained=True) for part in parts))

    yield Moment(gradients=before, gathered=groups.of(weights.head), activations=kept + kept_vit + layers.head.most)
    # Of the last layer only the tokens with a loss go through its MLP: the one before it takes most.
    yield Moment(
        gradients=grown(weights.head, weights.layer),
        gathered=groups.of(weights.layer, before=weights.layer),
        activations=kept - decoder * (weights.num_layers > 1) + kept_vit + there_and_back,
    )
    through_decoder = grown(weights.head, *(weights.layer,) * (weights.num_layers - 1))
    yield Moment(
        gradients=through_decoder,
        gathered=groups.of(weights.layer, before=weights.layer),
        activations=decoder + kept_vit + there_and_back,
    )
    if trains_vit:
        yield Moment(
            gradients=through_decoder,
            gathered=groups.of(weights.vit_layer, before=weights.layer),
            activations=kept_vit + layers.vit.most - (0 if again else layers.vit.kept),
        )
    everything = 0 if offload else WHOLE * local_trained(weights, shards)
    yield Moment(
        gradients=max(before, everything),
        gathered=groups.of(weights.embedding, before=weights.embedding),
        activations=0,
    )
    yield Moment(gradients=everything, gathered=0, activations=0)


@dataclass(frozen=True, slots=True)
class _Gathered:
    """Whole weights and gradients in passing."""

    weights: Weights
    is_wrapped: bool
    compute: int
    """Bytes of a number in the type that is computed with."""

    def of(self, part: Group, before: Group | None = None) -> int:
        """Bytes while one part is gone through, the next one's weights come, and the gradients of the one before go; of one
        rank, which gathers nothing, 0."""
        if not self.is_wrapped:
            return 0
        root = WHOLE * self.weights.root.num_all
        leaving = WHOLE * before.num_trained if before else 0
        return root + 2 * self.compute * part.num_all + leaving
