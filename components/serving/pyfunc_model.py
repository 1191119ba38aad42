"""The registered model: rows of tasks in, texts and drawings out. MLflow runs this file when it loads a version.

A row is {task: ask | draw | edit, prompt, image: the bytes of a PNG, JPEG or TIFF file in base64, empty for draw}; a result is
{text, image: PNG bytes in base64}, one of them empty.
"""

import base64
import binascii
import io
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

TASKS = ("ask", "draw", "edit")
OWN_PACKAGES = ("components", "model")
"""What a version brings of our code."""


class UniMed(PythonModel):
    """Every task of a version. The weights are found by reference, verified, and loaded once."""

    def load_context(self, context: Any) -> None:
        """Load the weights that the version names; raises ValueError when no place has their bytes, or has other ones, and
        when this process has imported another version's code."""
        check_code(Path(context.artifacts["record"]).parents[1] / "code")
        from components.inference.predictor import Predictor
        from components.recipes.recipe import read_recipe
        from components.registry.weights_reference import WeightsReference, lay_out
        from components.storage.atomic import read_json

        record = Path(context.artifacts["record"])
        stored = read_json(record / "weights.json")
        if not isinstance(stored, dict):
            raise ValueError(f"{record / 'weights.json'} holds no reference to weights")
        self._recipe = read_recipe(record / "params.yaml")
        self._folder = tempfile.TemporaryDirectory(prefix="unimed-weights-")
        checkpoint = lay_out(WeightsReference.from_json(stored), Path(self._folder.name))
        self._predictor = Predictor.load(checkpoint, precision=self._recipe.compute.precision)

    def predict(
        self, context: Any, model_input: pandas.DataFrame, params: dict[str, Any] | None = None
    ) -> pandas.DataFrame:
        """One result a row, in order; `params` may hold `seed` (drawings). Raises ValueError that names the bad row."""
        from components.inference.predictor import DrawRequest, Question

        del context
        seed = int((params or {}).get("seed", 0))
        rows = [_checked(place, row) for place, row in enumerate(model_input.to_dict("records"))]
        results: list[dict[str, str]] = [{"text": "", "image": ""} for _ in rows]
        asked = [place for place, (task, _, _) in enumerate(rows) if task == "ask"]
        drawn = [place for place, (task, _, _) in enumerate(rows) if task != "ask"]
        settings = self._recipe.evaluation
        if asked:
            questions = [Question(rows[place][1], rows[place][2]) for place in asked]
            answers = self._predictor.answer(questions, max_new_tokens=settings.caption_tokens)
            for place, answer in zip(asked, answers, strict=True):
                results[place]["text"] = answer.text
        if drawn:
            requests = [DrawRequest(rows[place][1], seed, rows[place][2]) for place in drawn]
            for place, pixels in zip(drawn, self._predictor.draw(requests, settings.drawing), strict=True):
                results[place]["image"] = _png_base64(pixels)
        return pandas.DataFrame(results, columns=["text", "image"])


def check_code(own: Path) -> None:
    """Raise ValueError unless this process runs the code in the folder, which the version brought, or the same bytes of it.

    Python keeps the first `components` and `model` that it imported: a second version would run on the first one's code.
    """
    for name in OWN_PACKAGES:
        loaded = Path(next(iter(import_module(name).__path__)))
        if (own / name).is_dir() and _sources(loaded) != _sources(own / name):
            raise ValueError(
                f"this process has imported `{name}` from {loaded}, which is not the code that this version was made with "
                f"({own / name}); load each version in a process of its own, for example with "
                "`mlflow models serve -m models:/unimed/V --env-manager local`"
            )


def _sources(package: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(package)): path.read_bytes()
        for path in package.rglob("*.py")
        if not any(part.startswith(".") or part == "shipped" for part in path.relative_to(package).parts)
    }


def _checked(place: int, row: dict[str, Any]) -> tuple[str, str, np.ndarray | None]:
    """(task, prompt, pixels or None) of one row."""
    task, prompt, image = row.get("task"), row.get("prompt"), row.get("image")
    if task not in TASKS:
        raise ValueError(f"row {place}: task is {task!r}; known: {', '.join(TASKS)}")
    if not isinstance(prompt, str) or not prompt.strip():
        raise ValueError(f"row {place}: prompt is {prompt!r}; write what to {task}")
    pixels = _pixels(place, image) if isinstance(image, str) and image else None
    if task == "edit" and pixels is None:
        raise ValueError(f"row {place}: task edit needs an image (the bytes of a PNG, JPEG or TIFF file in base64)")
    if task == "draw" and pixels is not None:
        raise ValueError(f"row {place}: task draw takes no image; use edit to start from one")
    return task, prompt, pixels


def _pixels(place: int, text: str) -> np.ndarray:
    from components.images.limits import ImageError
    from components.images.raster import read_raster

    try:
        data = base64.b64decode(text, validate=True)
        with tempfile.NamedTemporaryFile(prefix="unimed-image-") as file:
            file.write(data)
            file.flush()
            return read_raster(Path(file.name))
    except (binascii.Error, ImageError) as error:
        raise ValueError(f"row {place}: image is not an image file in base64 ({error})") from None


def _png_base64(pixels: np.ndarray) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


set_model(UniMed())
