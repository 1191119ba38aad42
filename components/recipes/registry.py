"""Under which name a recipe's versions are registered."""

import re
from dataclasses import dataclass
from pathlib import Path

from components.recipes.reading import read_dataclass
from components.storage.yaml_files import load_yaml

MODEL = "unimed"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistrySettings:
    """Whose champion a recipe's versions compete for."""

    model: str = MODEL
    """The registered model in MLflow, and the experiment that the runs lie in. Recipes with one name have one champion."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.model):
            raise ValueError(
                f"registry.model is {self.model!r}; a name begins with a letter or digit and goes on with those, '.', '_' "
                "and '-', 100 at most"
            )


def model_name(params: Path) -> str:
    """`registry.model` of the recipe in the file, whatever else is wrong in it; the default where there is no file."""
    if not params.is_file() or b"registry" not in params.read_bytes():  # a tenth of a second to read it as YAML
        return MODEL
    section = (load_yaml(params) or {}).get("registry") or {}
    return read_dataclass(RegistrySettings, section, f"{params.name}: registry").model
