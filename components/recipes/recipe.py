"""The recipe: every number of a run, typed and frozen. `params.yaml` is one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from components.recipes.assembly import AssemblySettings
from components.recipes.evaluation import EvaluationSettings
from components.recipes.gate import GateSettings
from components.recipes.nearest import nearest
from components.recipes.reading import read_dataclass
from components.recipes.registry import RegistrySettings
from components.recipes.sources import SourceSettings
from components.recipes.training import ComputeSettings, CurriculumStage, StartSettings, TrainingSettings
from components.recipes.validation import ValidationSettings
from components.storage.yaml_files import load_yaml
from model.config import ModelConfig

MAX_BYTES = 64 * 2**10
"""Of a recipe; the shipped ones have a tenth of it, and a second is what reading so much takes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """A whole run in numbers."""

    recipe: str
    """Its name; experiments and edited recipes keep the name they came from."""
    seed: int
    compute: ComputeSettings
    sources: Mapping[str, SourceSettings]
    validation: ValidationSettings
    assembly: AssemblySettings
    model: ModelConfig
    start: StartSettings
    training: TrainingSettings
    curriculum: Mapping[str, CurriculumStage]
    evaluation: EvaluationSettings
    gate: GateSettings
    registry: RegistrySettings = field(default_factory=RegistrySettings)

    def __post_init__(self) -> None:
        for side in ("vit", "vae"):
            if getattr(self.model, side) is None:
                raise ValueError(
                    f"model.{side} is null, but a recipe trains and evaluates both sides; give its numbers"
                )
        known = ["start"]
        for name, stage in self.curriculum.items():
            if stage.parent not in known:
                raise ValueError(
                    f"curriculum.{name}.parent is {stage.parent!r}, not an earlier stage{nearest(stage.parent, known)}"
                )
            if stage.freeze_und and self.model.llm.experts != "mot":
                raise ValueError(
                    f"curriculum.{name}.freeze_und needs experts that share nothing: model.llm.experts is "
                    f"{self.model.llm.experts!r}, set it to mot"
                )
            known.append(name)
        if (side := self.evaluation.drawing.side) is not None:
            drawn = self.curriculum[self.final_stage].vae_side
            if not drawn.min <= side <= drawn.max:
                raise ValueError(
                    f"evaluation.drawing.side is {side}, outside of curriculum.{self.final_stage}.vae_side, {drawn.min} to "
                    f"{drawn.max}, in which the network learns to draw"
                )

    @property
    def final_stage(self) -> str:
        """The stage whose checkpoint is predicted with, registered and promoted."""
        return list(self.curriculum)[-1]


def read_recipe(path: Path) -> Recipe:
    """The recipe in the file; raises one ValueError that lists everything wrong in it."""
    return read_dataclass(Recipe, load_yaml(path, limit=MAX_BYTES), path.name)
