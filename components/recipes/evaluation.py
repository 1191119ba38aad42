"""How a checkpoint is examined."""

from dataclasses import dataclass, replace
from typing import Literal

Renorm = Literal["global", "channel", "text_channel"]
_TASK_NUMBERS = ("grid_points", "timestep_shift", "guidance_interval", "renorm", "renorm_min")
"""Of DrawingSettings: what edits may have of their own, as `edit_<name>`."""
_MIN_SIDE = 16


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
    renorm: Renorm = "global"
    renorm_min: float = 0.0
    """A guided velocity is shortened to the plain one's length, by no more than this factor; 1 never shortens."""
    edit_grid_points: int | None = None
    """Of sampled edits, as the four below it: what is left out is as in drawings from words."""
    edit_timestep_shift: float | None = None
    edit_guidance_interval: tuple[float, float] | None = None
    edit_renorm: Renorm | None = None
    edit_renorm_min: float | None = None
    side: int | None = None
    """Pixels a side of a drawing from words; left out, that of the images which the checkpoint was trained on."""

    def __post_init__(self) -> None:
        for of in ("", "edit_"):
            points, shift = getattr(self, f"{of}grid_points"), getattr(self, f"{of}timestep_shift")
            interval, least = getattr(self, f"{of}guidance_interval"), getattr(self, f"{of}renorm_min")
            if points is not None and points < 2:
                raise ValueError(f"drawing.{of}grid_points must be at least 2 (one step), got {points}")
            if shift is not None and shift <= 0:
                raise ValueError(f"drawing.{of}timestep_shift must be above 0, got {shift}")
            if interval is not None and not 0 <= interval[0] < interval[1] <= 1:
                low, high = interval
                raise ValueError(f"drawing.{of}guidance_interval must satisfy 0 <= low < high <= 1, got {low}, {high}")
            if least is not None and not 0 <= least <= 1:
                raise ValueError(f"drawing.{of}renorm_min must be from 0 to 1, got {least}")
        if self.side is not None and self.side < _MIN_SIDE:
            raise ValueError(f"drawing.side must be at least {_MIN_SIDE} pixels, got {self.side}")

    def of_words(self) -> "DrawingSettings":
        """The numbers under which an image is drawn from words alone, in the plain fields."""
        return replace(self, image_guidance=1.0)

    def of_edits(self) -> "DrawingSettings":
        """The numbers under which an edit is sampled, in the plain fields."""
        own = {name: value for name in _TASK_NUMBERS if (value := getattr(self, f"edit_{name}")) is not None}
        return replace(self, text_guidance=self.edit_guidance, **own)

    def one_step(self) -> "DrawingSettings":
        """One Euler step without guidance: the mean of what could be drawn, a second decoding of edits."""
        once = replace(self, grid_points=2, text_guidance=1.0, edit_guidance=1.0, image_guidance=1.0)
        return replace(once, edit_grid_points=None, edit_timestep_shift=None)


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
