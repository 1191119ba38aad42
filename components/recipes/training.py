"""The numbers of start and curriculum."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from model.config import MAX_PIXELS, AttentionChoice

Precision = Literal["fp32", "bf16"]
WorkerGpu = Literal["auto", "always", "never"]
Placement = Literal["pack", "spread"]
TRAIN, SHIPPED = "train", "shipped:"
"""What `start.source` is where a run trains its own start, and what it begins with where it names one of ours."""
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,60}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def is_start_name(text: str) -> bool:
    """Whether a start can be called so."""
    return bool(_NAME.fullmatch(text))


def start_name(source: str) -> str:
    """The name of the start of ours in a `start.source`; empty where it is something else."""
    return source.removeprefix(SHIPPED) if source.startswith(SHIPPED) else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ComputeSettings:
    """What the run uses of the machine."""

    threads: int
    """torch threads of every process that trains or predicts; float sums depend on it."""
    workers: int
    """Ray Train workers; 0 trains in the stage's own process. 0 and 1 give the same bytes; more take the same samples at
    each step and add up their gradients in another order. Each holds a slice of every weight, moment and average."""
    missing_workers: int = 0
    """How many of the workers may be missing: training goes on with those that the cluster has room for, and takes the others
    in when it has more. 0: it waits for all."""
    worker_gpu: WorkerGpu = "auto"
    """auto: a GPU for each worker where the cluster has any; always: it waits for GPUs; never: workers see none."""
    worker_memory_bytes: int = 0
    """Memory that each worker is given of a node's, beside its CPUs (threads); Ray counts it, nobody enforces it."""
    placement: Placement = "pack"
    """pack: workers on as few nodes as possible; spread: on as many."""
    wait_seconds: float = 1800.0
    """How long training waits for a cluster that has no room for its workers; then the stage ends as interrupted."""
    hang_seconds: float = 300.0
    """A rank that makes no step for so long is named, and the workers begin again from the last state."""
    copies: int = 1
    """How often the workers hold the network: 1, all of them together once; 2, each half of them (nodes, say) once."""
    attention: AttentionChoice = "auto"
    """sdpa: rows of a few lengths. flex: FlexAttention over blocks, where a GPU trains. auto: flex there, else sdpa."""
    precision: Precision = "fp32"
    """bf16: matrix products of training in bfloat16; weights, losses, sums and optimizer stay float32 (autocast)."""
    save_seconds: float = 900.0
    """A state is saved when the last one is so long ago, besides those of training.save_every."""
    grace_seconds: float = 25.0
    """How long a training that is asked to stop may take to finish its step and save: no longer than whoever kills it
    waits (30 seconds in Kubernetes, as it comes)."""
    loaders: int = 0
    """Processes of each worker that read and decode images ahead of the step; 0 does it between steps. Any number gives the
    same bytes. They hand images over in shared memory (/dev/shm; a container may have little)."""
    gradient_checkpointing: bool = False
    """Keep only what enters each layer of decoder and ViT and compute it again on the way back: less memory, a third more work."""

    offload: bool = False
    """Weights, gradients, moments and averages lie in RAM, and those of a layer come to the GPU while it is at work: room on
    the card for time. Any number of workers learns the same from it."""

    def __post_init__(self) -> None:
        if not 0 <= self.missing_workers < max(self.workers, 1):
            raise ValueError(
                f"compute.missing_workers is {self.missing_workers} of {self.workers} workers; set it to 0 or more, and less "
                "than compute.workers"
            )
        if self.missing_workers and self.copies > 1:
            raise ValueError(
                f"compute.missing_workers is {self.missing_workers}, but {self.copies} copies want the same number of workers "
                "each, which a changing number is not; set compute.copies to 1"
            )
        if self.worker_memory_bytes < 0:
            raise ValueError(f"compute.worker_memory_bytes is {self.worker_memory_bytes}; set it to 0 or more")
        if self.hang_seconds <= 0 or self.wait_seconds <= 0:
            raise ValueError("compute.hang_seconds and compute.wait_seconds are spans; set them above 0")
        if self.loaders < 0:
            raise ValueError(f"compute.loaders is {self.loaders}; set it to 0 or more")
        if self.copies < 1 or max(self.workers, 1) % self.copies:
            raise ValueError(
                f"compute.copies is {self.copies}, which {self.workers} workers cannot share evenly; set compute.workers to "
                "a multiple of it"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class SideRange:
    """Shortest and longest side of an image in pixels, as ImageTransform takes them."""

    min: int
    max: int
    max_pixels: int = MAX_PIXELS
    """Of an image that is drawn, or read for a drawing; all images of a question share it."""

    def __post_init__(self) -> None:
        if not 1 <= self.min <= self.max:
            raise ValueError(f"image sides must satisfy 1 <= min <= max, got min {self.min}, max {self.max}")
        if self.max_pixels < self.min**2:
            raise ValueError(f"max_pixels is {self.max_pixels}, less than a square of the shortest side {self.min}")


@dataclass(frozen=True, kw_only=True, slots=True)
class ConditionDropout:
    """Probabilities of leaving a condition out in training, so that guidance has something to subtract."""

    text: float
    vit: float
    vae: float


@dataclass(frozen=True, kw_only=True, slots=True)
class OptimizerSettings:
    """AdamW and what surrounds it."""

    betas: tuple[float, float]
    eps: float
    weight_decay: float
    max_grad_norm: float
    ema_decay: float


@dataclass(frozen=True, kw_only=True, slots=True)
class LossWeights:
    """text : image; the paper trains with 0.25 : 1."""

    text: float
    image: float


@dataclass(frozen=True, kw_only=True, slots=True)
class AutoencoderTraining:
    """The small autoencoder that a recipe without imported weights trains for itself."""

    steps: int
    batch: int
    crop: int
    """Pixels of the square crops it trains on."""
    learning_rate: float
    kl_weight: float
    l1_weight: float
    ema_decay: float


@dataclass(frozen=True, kw_only=True, slots=True)
class VisionWarmup:
    """Linear heads on the mean ViT token for every fact of a training record; stands in for pretrained SigLIP weights."""

    steps: int
    batch: int
    learning_rate: float
    fact_weights: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class StartSettings:
    """How the run begins: trained here, or imported."""

    source: str
    """'train' for a tokenizer and autoencoder trained here, 'shipped:NAME' for finished weights of ours, else the URI of a
    published checkpoint folder."""
    vocabulary: int
    """Byte-level BPE entries asked for, special tokens included."""
    residual_scale: bool
    """Scale the output layers of residual branches by 1/sqrt(2 L) at initialisation."""
    gen_key_equals_query: bool
    """Start the gen expert with k_proj = q_proj: same-position attention, copying from a clean condition."""
    image_side: int
    """Pixels of the square images that the autoencoder and the ViT begin with."""
    autoencoder: AutoencoderTraining
    vision: VisionWarmup
    sha256: str = ""
    """Of a shipped start's start.json, which holds the hash of each of its files."""

    def __post_init__(self) -> None:
        named, stated = self.source.startswith(SHIPPED), bool(self.sha256)
        if named and not (is_start_name(self.shipped) and _SHA256.fullmatch(self.sha256)):
            raise ValueError(
                f"start.source {self.source!r} needs a name of lower case letters, digits and dashes, and start.sha256 of 64 "
                f"hexadecimal digits, got {self.sha256!r}; `unimed weights pack` prints both"
            )
        if stated and not named:
            raise ValueError(f"start.sha256 belongs to a shipped start, but start.source is {self.source!r}; remove it")

    @property
    def shipped(self) -> str:
        """The name of the start of ours that the run begins with; empty where it begins otherwise."""
        return start_name(self.source)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingSettings:
    """What the three stages share."""

    sequences_per_step: int
    """Packed sequences per optimizer step, over all ranks; any number of workers up to it takes the same samples."""
    tokens_per_sequence: int
    """Room of one packed sequence, where a stage has none of its own. A longer sample is an error, never a crop."""
    sequences_per_forward: int
    """Packed sequences that go through the network together: memory against speed, never which samples a step has."""
    source_power: Mapping[Literal["text", "t2i", "i2t", "interleaved"], float]
    """Power of a source's number of samples that weighs it inside its group: 0.5 lifts small sources, 1 keeps the
    balance that assembly made."""
    noised_copies: int
    """Noised targets per drawn image, each with its own noise level (published: 1)."""
    timestep_shift: float
    optimizer: OptimizerSettings
    loss_weights: LossWeights
    dropout: ConditionDropout
    edits_from_noise: float = 0.0
    """Share of the noised targets behind an image that are noise alone, where an edit in one step begins (published: 0)."""
    turn_edits: bool = False
    """Mirror and turn the images of edits whose meaning has no side: restoring, staining; translations only mirrored."""
    augment: bool
    """Rotate, scale, shift, change contrast of what the ViT sees (never of what is drawn)."""
    save_every: int
    """Optimizer steps between saved training states."""
    source_weight: Mapping[str, float] = field(default_factory=dict)
    """Times its share inside each group that a source is drawn: a new kind of image may need several; left out, 1."""

    def __post_init__(self) -> None:
        if wrong := {name: weight for name, weight in self.source_weight.items() if not 0 < weight < math.inf}:
            raise ValueError(
                f"training.source_weight has {wrong}; a weight is a number above 0, and 1 where it is left out"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class CurriculumStage:
    """One of foundation, instruction, unified."""

    parent: str
    """The checkpoint it starts from: start, or another stage."""
    steps: int
    learning_rate: float
    final_learning_rate: float
    """Reached by a cosine at the last step; equal to learning_rate for a constant rate."""
    warmup_steps: int
    mixture: Mapping[Literal["text", "t2i", "i2t", "interleaved"], float]
    """Sampling weights of the task groups."""
    vit_learning_rate_scale: float
    """Relative rate of the ViT; 0 freezes it."""
    freeze_und: bool = False
    """Only the generation side and the text head learn; no gradient passes through a text or ViT token (experts: mot)."""
    vae_side: SideRange
    vit_side: SideRange
    tokens_per_sequence: int | None = None
    """Room of one packed sequence in this stage; left out, that of training."""

    def room(self, training: TrainingSettings) -> int:
        """Tokens of one packed sequence in this stage."""
        return training.tokens_per_sequence if self.tokens_per_sequence is None else self.tokens_per_sequence

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"curriculum steps must be at least 1, got {self.steps}")
        if self.tokens_per_sequence is not None and self.tokens_per_sequence < 1:
            raise ValueError(f"curriculum tokens_per_sequence must be at least 1, got {self.tokens_per_sequence}")
        if not sum(self.mixture.values()) > 0:
            raise ValueError("curriculum mixture needs a weight above 0")
        if self.freeze_und and self.vit_learning_rate_scale != 0:
            raise ValueError(
                f"freeze_und freezes the ViT too, but vit_learning_rate_scale is {self.vit_learning_rate_scale}; set it to 0"
            )
