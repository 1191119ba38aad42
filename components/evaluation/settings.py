"""How a checkpoint is examined."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawingSettings:
    """Sampling of images (MODEL_SPEC §6)."""

    grid_points: int
    """Points of the noise grid; one fewer Euler steps."""
    timestep_shift: float
    text_guidance: float
    edit_guidance: float
    """Text guidance of edits."""
    image_guidance: float


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgeSettings:
    """The small convolutional modality classifier that looks at drawn images."""

    steps: int
    batch: int
    learning_rate: float


@dataclass(frozen=True, kw_only=True, slots=True)
class PooledQuestion:
    """A question type and form that the gated pool holds, and the split it is asked on."""

    question_type: str
    form: str
    split: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationSettings:
    """Token limits, drawing, judge, resampling, and the gated pool."""

    answer_tokens: int
    caption_tokens: int
    batch: int
    drawing: DrawingSettings
    judge: JudgeSettings
    resamples: int
    """Bootstrap resamples."""
    pool: tuple[PooledQuestion, ...]
    """What the gate reads; every other type is reported and never gated."""
    min_items: int
    """A type, form and split with fewer items is marked as too few to decide."""
