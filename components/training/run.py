"""One rank's part of a curriculum stage, from the parent's weights to the finished checkpoint.

The same function runs in the stage's own process, in every Ray worker, and in tests.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.assembly.dataset import Dataset
from components.recipes.recipe import Recipe
from components.recipes.training import CurriculumStage
from components.training.batches import BatchMaker, MicroBatch
from components.training.latents import LatentStore
from components.training.layout import Layout, image_transforms
from components.training.loop import Hook, Learner, Span, fit
from components.training.losses import LossRows
from components.training.optimizer import Average, freeze_vit, make_optimizer
from components.training.output import write_output
from components.training.pixels import PixelStore
from components.training.planner import Entry, Mixture, Planner, check_world_size, rank_share
from components.training.state import StateStore, TrainingState
from components.training.world import World
from components.weights.tokenizer import TextTokenizer

if TYPE_CHECKING:
    from model.autoencoder import Autoencoder
    from model.unimedvl import UniMedVL


@dataclass(frozen=True, kw_only=True, slots=True)
class StageJob:
    """What a curriculum stage works on; all paths absolute."""

    recipe: Recipe
    stage: str
    dataset: Path
    parent: Path
    checkpoint: Path
    """Where the finished checkpoint goes."""
    losses: Path
    """Where the loss rows go."""
    states: Path
    """Folder of this run's training states."""
    latents: Path
    """Folder of encoded latents, shared by the stages."""

    @property
    def settings(self) -> CurriculumStage:
        return self.recipe.curriculum[self.stage]


class StageFeed:
    """The micro-batches of this rank, step by step."""

    def __init__(self, planner: Planner, maker: BatchMaker, world: World, *, per_step: int, per_forward: int) -> None:
        self._planner, self._maker, self._world = planner, maker, world
        self._per_step, self._per_forward = per_step, per_forward

    def next_step(self) -> Sequence[MicroBatch]:
        bins = rank_share(self._planner.take(self._per_step), rank=self._world.rank, world_size=self._world.size)
        groups = [bins[i : i + self._per_forward] for i in range(0, len(bins), self._per_forward)]
        return [self._maker.build(visit for visits in group for visit in visits) for group in groups]


def train_stage(
    job: StageJob,
    world: World,
    *,
    hooks: Iterable[Hook],
    should_stop: Callable[[], bool],
    say: Callable[[str], None],
) -> bool:
    """Trains the stage; True when its checkpoint is written, False when it was stopped and its state saved.

    Goes on from the newest saved state of this run. The bytes of the result do not depend on interruptions.
    """
    import torch

    from model.attention import pick_backend
    from model.weights import load_checkpoint

    recipe, stage = job.recipe, job.settings
    check_world_size(recipe.training.sequences_per_step, world.size)
    # Also in a thread or worker of its own: OpenMP keeps the number per thread, and float sums depend on it.
    torch.set_num_threads(recipe.compute.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    # Bytes are promised on the CPU; some CUDA kernels have no deterministic form.
    torch.use_deterministic_algorithms(True, warn_only=device.type == "cuda")
    pick_backend(recipe.compute.attention, device, training=True)  # refuses before anything is loaded
    model, autoencoder, _ = load_checkpoint(job.parent, device)
    model.attention = recipe.compute.attention
    model.language_model.model.gradient_checkpointing = recipe.compute.gradient_checkpointing
    tokenizer = TextTokenizer.load(job.parent)
    tokenizer.check_fits(model.config.llm.vocab_size)
    learner = _learner(job, model, world, device)
    latents, maker, planner = _data(job, model, autoencoder, tokenizer)

    rows = LossRows(stage.steps)
    store = StateStore(job.states, world)
    state = store.load_newest(learner)
    done, skipped = 0, 0
    if state is not None:
        done, skipped = state.step, state.skipped
        planner.restore(state.planner)
        rows.restore(state.losses)
        say(f"going on after step {done}")

    def save(step: int, skipped: int) -> None:
        state = TrainingState(step=step, skipped=skipped, planner=planner.state(), losses=rows.state())
        store.save(state, learner)

    training = recipe.training
    feed = StageFeed(
        planner, maker, world, per_step=training.sequences_per_step, per_forward=training.sequences_per_forward
    )
    finished = fit(
        learner,
        feed,
        stage,
        Span(done=done, skipped=skipped, save_every=training.save_every),
        hooks=[rows, *hooks],
        save=save,
        should_stop=should_stop,
    )
    if world.is_first:
        latents.keep(job.latents)
    if finished and world.is_first:
        write_output(job.checkpoint, learner, autoencoder, job.parent, image_settings(recipe, stage))
        write_rows(job.losses, rows)
    world.barrier()
    return finished


def image_settings(recipe: Recipe, stage: CurriculumStage) -> dict[str, Any]:
    """What a checkpoint says of its images: how they were stored and which sides the network was shown."""
    return {
        "side": recipe.assembly.image_side,
        "square": recipe.assembly.square,
        "vae_side": [stage.vae_side.min, stage.vae_side.max],
        "vit_side": [stage.vit_side.min, stage.vit_side.max],
    }


def write_rows(path: Path, rows: LossRows) -> None:
    """Writes the loss curve."""
    from components.storage.atomic import write_json_rows

    write_json_rows(path, rows.rows)


def _learner(job: StageJob, model: "UniMedVL", world: World, device: Any) -> Learner:
    training, scale = job.recipe.training, job.settings.vit_learning_rate_scale
    freeze_vit(model, scale)
    if job.settings.freeze_und:
        model.freeze_und()
    return Learner(
        model=model,
        optimizer=make_optimizer(model, training.optimizer, vit_learning_rate_scale=scale),
        average=Average(model, training.optimizer.ema_decay),
        loss_weights=training.loss_weights,
        max_grad_norm=training.optimizer.max_grad_norm,
        world=world,
        device=device,
        precision=job.recipe.compute.precision,
    )


def _data(
    job: StageJob, model: "UniMedVL", autoencoder: "Autoencoder", tokenizer: TextTokenizer
) -> tuple[LatentStore, BatchMaker, Planner]:
    recipe, stage, config = job.recipe, job.settings, model.config
    training = recipe.training
    seed = f"{recipe.seed}:{job.stage}"
    index = Dataset(job.dataset).samples("train")
    vit, vae = image_transforms(config, vit_side=stage.vit_side, vae_side=stage.vae_side)
    layout = Layout(
        tokenizer=tokenizer,
        vit=vit,
        vae=vae,
        vit_patch=config.require_vit().patch_size,
        latent_stride=config.latent_stride,
        dropout=training.dropout,
        noised_copies=training.noised_copies,
        seed=seed,
    )
    pixels = PixelStore()
    latents = LatentStore(autoencoder, vae, pixels, name=latents_name(job, asdict(stage.vae_side)))
    latents.recall(job.latents)
    maker = BatchMaker(
        index,
        layout,
        config,
        latents=latents,
        pixels=pixels,
        timestep_shift=training.timestep_shift,
        augment=training.augment,
    )
    maker.check_room(training.tokens_per_sequence)
    rows = zip(index.ids, index.groups, index.sources, strict=True)
    entries = [Entry(name, group, source) for name, group, source in rows]
    planner = Planner(
        entries,
        Mixture(groups={**stage.mixture}, source_power={**training.source_power}),
        seed=seed,
        room=training.tokens_per_sequence,
        length_of=maker.num_tokens,
    )
    return latents, maker, planner


def latents_name(job: StageJob, side: dict[str, int]) -> str:
    """The name under which latents are kept: what their bits depend on besides the images."""
    from components.storage.file_hashes import file_sha256
    from components.storage.keys import keyed_hash
    from model.weights import AUTOENCODER_FILE

    path = job.parent / AUTOENCODER_FILE
    weights = file_sha256(path) if path.is_file() else file_sha256(job.parent / "ema.safetensors")
    return keyed_hash("latents", weights, sorted(side.items()), job.recipe.compute.threads)
