"""One rank's part of a curriculum stage, from the parent's weights to the finished checkpoint.

The same function runs in the stage's own process, in every Ray worker, and in tests.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.storage.atomic import write_json_rows
from components.training.batches import BatchMaker
from components.training.feed import StageFeed
from components.training.gathering import Gatherer
from components.training.job import StageJob, image_settings, latents_name
from components.training.latents import TOGETHER_ON_GPU, LatentStore, machine_of
from components.training.loop import Hook, Learner, Span, fit
from components.training.losses import LossRows, OnRow, nobody
from components.training.optimizer import Average, freeze, make_optimizer
from components.training.output import write_output
from components.training.pixels import PixelStore
from components.training.planner import Planner, check_world_size, mixture_of
from components.training.samples import stage_layout, stage_samples
from components.training.state import StateStore, TrainingState
from components.training.state_places import state_place
from components.training.world import World
from components.weights.tokenizer import TextTokenizer

if TYPE_CHECKING:
    import torch

    from model.autoencoder import Autoencoder
    from model.unimedvl import UniMedVL


def train_stage(
    job: StageJob,
    world: World,
    *,
    hooks: Iterable[Hook],
    should_stop: Callable[[], bool],
    say: Callable[[str], None],
    on_row: OnRow = nobody,
) -> bool:
    """Trains the stage; True when its checkpoint is written, False when it was stopped and its state saved.

    Goes on from the newest saved state of this run; `on_row` is called with each row of the loss curve. The bytes of the result do not depend on interruptions.
    """
    work = prepare(job, world, on_row)
    span = work.resume()
    if span.done:
        say(f"going on after step {span.done}")
    try:
        finished = fit(
            work.learner,
            work.feed,
            job.settings,
            span,
            hooks=[work.rows, *hooks],
            keeper=work,
            should_stop=should_stop,
        )
    finally:
        work.feed.close()
    work.close(finished)
    return finished


@dataclass(frozen=True, kw_only=True, slots=True)
class StageWork:
    """One rank's stage at work: what learns, what it is fed, and where both are kept (the loop's Keeper)."""

    job: StageJob
    world: World
    learner: Learner
    autoencoder: "Autoencoder"
    latents: LatentStore
    feed: StageFeed
    rows: LossRows
    store: StateStore

    def resume(self) -> Span:
        """Goes back to the newest saved state; which steps are still to do."""
        state = self.store.load_newest(self.learner)
        if state is not None:
            self.feed.restore(state.planner)
            self.rows.restore(state.losses)
        done, skipped = (state.step, state.skipped) if state else (0, 0)
        return Span(done=done, skipped=skipped)

    @property
    def has_written(self) -> bool:
        return self.store.has_written

    def is_due(self, step: int) -> bool:
        """Every so many steps, and when the last save is too long ago."""
        return step % self.job.recipe.training.save_every == 0 or self.store.is_late

    def save(self, step: int, skipped: int) -> None:
        """Saves all that resumes the stage after this step."""
        state = TrainingState(step=step, skipped=skipped, planner=self.feed.state(), losses=self.rows.state())
        self.store.save(state, self.learner)

    def publish(self) -> None:
        self.store.publish()

    def settle(self) -> None:
        self.store.settle()

    def close(self, finished: bool) -> None:
        """Keeps the latents, writes checkpoint and loss curve when the stage is finished, waits for all ranks."""
        if self.world.is_first:
            self.latents.keep(self.job.latents)
        if finished:
            settings = image_settings(self.job)
            write_output(self.job.checkpoint, self.learner, self.autoencoder, self.job.parent, settings)
        if finished and self.world.is_first:
            write_json_rows(self.job.losses, self.rows.rows)
        self.world.barrier()


def prepare(job: StageJob, world: World, on_row: OnRow = nobody) -> StageWork:
    """The stage as its parent left it: weights, data and plan. Raises ValueError for what a person can mend."""
    from model.attention import pick_backend
    from model.device import take_device
    from model.weights import load_autoencoder

    recipe, training = job.recipe, job.recipe.training
    check_world_size(training.sequences_per_step, world.size)
    device = take_device(recipe.compute.threads)
    pick_backend(recipe.compute.attention, device, training=True)  # refuses before anything is loaded
    model, autoencoder = _network(job, world, device), load_autoencoder(job.parent, device)
    tokenizer = TextTokenizer.load(job.parent)
    tokenizer.check_fits(model.config.llm.vocab_size)
    learner = _learner(job, model, world, device)
    latents, maker, planner = _data(job, model, autoencoder, tokenizer, device)
    feed = StageFeed(
        planner,
        maker,
        world,
        per_step=training.sequences_per_step,
        per_forward=training.sequences_per_forward,
        loaders=recipe.compute.loaders,
    )
    return StageWork(
        job=job,
        world=world,
        learner=learner,
        autoencoder=autoencoder,
        latents=latents,
        feed=feed,
        rows=LossRows(job.settings.steps, on_row),
        store=StateStore(state_place(job), world, every_seconds=recipe.compute.save_seconds),
    )


def _network(job: StageJob, world: World, device: "torch.device") -> "UniMedVL":
    """The parent's network as this stage trains it: what is frozen is, and each rank has read its own part."""
    import torch

    from components.training.sharding import fill, shard
    from model.tensor_files import check_fit
    from model.unimedvl import UniMedVL
    from model.weights import open_checkpoint

    recipe, checkpoint = job.recipe, open_checkpoint(job.parent)
    with torch.device("meta"):
        model = UniMedVL(checkpoint.config)
    check_fit(checkpoint.network, model.state_dict(), "network weights")
    freeze(model, vit=job.settings.vit_learning_rate_scale == 0, und=job.settings.freeze_und)
    model.attention = recipe.compute.attention
    model.checkpoint_gradients(recipe.compute.gradient_checkpointing)
    offload = recipe.compute.offload
    mesh = world.mesh(device, of_one=offload)
    if mesh is not None:
        shard(model, mesh, recipe.compute.precision, offload=offload)
    fill(model, checkpoint.network, torch.device("cpu") if offload else device)
    return model


def _learner(job: StageJob, model: "UniMedVL", world: World, device: "torch.device") -> Learner:
    training, scale = job.recipe.training, job.settings.vit_learning_rate_scale
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
    job: StageJob, model: "UniMedVL", autoencoder: "Autoencoder", tokenizer: TextTokenizer, device: "torch.device"
) -> tuple[LatentStore, BatchMaker, Planner]:
    training = job.recipe.training
    layout = stage_layout(job, model.config, tokenizer)
    index, lengths = stage_samples(job, layout)
    pixels = PixelStore()
    latents = LatentStore(
        autoencoder,
        layout.vae,
        pixels,
        name=latents_name(job, machine_of(device)),
        together=TOGETHER_ON_GPU if device.type == "cuda" else 1,
    )
    latents.recall(job.latents)
    gatherer = Gatherer(index, layout, pixels=pixels, training=training)
    maker = BatchMaker(gatherer, layout, model.config, latents=latents, training=training)
    planner = Planner(
        lengths,
        mixture_of(training, job.settings),
        seed=layout.seed,
        room=job.settings.room(training),
        length_of=lambda visit: lengths.of(visit, layout),
    )
    return latents, maker, planner
