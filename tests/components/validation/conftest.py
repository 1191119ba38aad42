from pathlib import Path

import numpy as np
import pytest

from components.context import StageContext
from components.images.png import pixels_sha256
from components.images.stored import StoredImage
from components.recipes.recipe import read_recipe
from components.recipes.shipped import shipped_graph, shipped_recipe
from components.recipes.validation import ValidationSettings
from components.records.record import Provenance, Record
from components.records.vocabulary import Modality
from components.storage.progress import Progress
from components.storage.workspace import Workspace

SETTINGS = ValidationSettings(min_side=40, max_pixels=1_000_000, stop_above=0.5, hold_above=0.4)


@pytest.fixture
def settings() -> ValidationSettings:
    return SETTINGS


@pytest.fixture
def make():
    """make(id, image=…, **fields) -> Record; without an image, a grey one with texture that differs by id."""

    def record(native: str, image: np.ndarray | None = None, **fields) -> Record:
        if image is None:
            image = np.random.default_rng(len(native) + ord(native[-1])).integers(0, 255, (50, 60), dtype=np.uint8)
        values = {
            "id": f"s/{native}",
            "source": "s",
            "subject": "ann",
            "modality": Modality.CT,
            "anatomy": "chest",
            "image": StoredImage.of_pixels(image),
            "facts": {"plane": "axial"},
            "position": 1.0,
            "licence": "CC0",
            "provenance": Provenance(file=f"{native}.png", sha256=pixels_sha256(image)),
        }
        return Record(**(values | fields))

    return record


@pytest.fixture
def context(tmp_path):
    """context(item) -> a StageContext on a workspace in tmp_path, with the tiny recipe."""
    (tmp_path / "params.yaml").write_text(shipped_recipe("tiny-scratch"))
    (tmp_path / "dvc.yaml").write_text(shipped_graph())
    workspace = Workspace(tmp_path)

    def build(item: str = "") -> StageContext:
        return StageContext(
            workspace=workspace,
            recipe=read_recipe(workspace.params),
            item=item,
            progress=Progress.start(workspace.progress, f"test@{item}"),
        )

    return build


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
