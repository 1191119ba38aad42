"""How a checkpoint is examined."""

from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawingSettings:
    """Sampling of images."""

    grid_points: int
    """Points of the noise grid; one fewer Euler steps."""
    timestep_shift: float
    text_guidance: float
    edit_guidance: float
    """Text guidance of edits."""
    image_guidance: float
    edits: Literal["sampled", "mean"] = "sampled"
    """mean: an edit is drawn in one step without guidance, the mean of what could be drawn. sampled: as all drawings."""
    guidance_interval: tuple[float, float] = (0.4, 1.0)
    """Noise levels between which guidance works (low, high]; outside it the plain velocity is followed."""
    renorm: Literal["global", "channel", "text_channel"] = "global"
    renorm_min: float = 0.0
    """A guided velocity is shortened to the plain one's length, by no more than this factor; 1 never shortens."""

    def __post_init__(self) -> None:
        if self.grid_points < 2:
            raise ValueError(f"drawing.grid_points must be at least 2 (one step), got {self.grid_points}")
        low, high = self.guidance_interval
        if not 0 <= low < high <= 1:
            raise ValueError(f"drawing.guidance_interval must satisfy 0 <= low < high <= 1, got {low}, {high}")

    def one_step(self) -> "DrawingSettings":
        """One Euler step without guidance: the mean of what could be drawn, a second decoding of edits."""
        return replace(self, grid_points=2, text_guidance=1.0, edit_guidance=1.0, image_guidance=1.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgeSettings:
    """The small convolutional modality classifier that looks at drawn images."""

    steps: int
    batch: int
    learning_rate: float


@dataclass(frozen=True, kw_only=True, slots=True)
class PooledQuestion:
    """A question type and form that the pool holds, and the split it is asked on."""

    question_type: str
    form: str
    split: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationSettings:
    """Token limits, drawing, judge, resampling, and the pool."""

    answer_tokens: int
    caption_tokens: int
    batch: int
    drawing: DrawingSettings
    judge: JudgeSettings
    resamples: int
    """Bootstrap resamples."""
    pool: tuple[PooledQuestion, ...]
    """What the head figure is made of; every other type stands beside it. The gate reads the exam and not this."""
    min_items: int
    """A type, form and split with fewer items is marked as too few to decide."""
