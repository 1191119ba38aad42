"""Reads a line of text in pixels, offline: onnxruntime runs the recognition network that lies in the wheel of
rapidocr-onnxruntime (PP-OCRv4, Apache 2.0). Both come with the extra `unimed[ocr]`; nothing else of that package is used."""

import os
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution, version
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

EXTRA = "unimed[ocr]"
_PACKAGES = ("rapidocr-onnxruntime", "onnxruntime")
_MODEL = "ch_PP-OCRv4_rec_infer.onnx"
_HEIGHT = 48
_NARROWEST = 16
_WIDEST = 2400
"""Pixels of a line at that height: what is longer is read narrower."""


class Letter(NamedTuple):
    """A character that was read."""

    text: str
    sure: float
    """0 to 1."""


@lru_cache
def reader_version() -> str:
    """What reads on this machine, `rapidocr-onnxruntime 1.4.4, onnxruntime 1.32.0`; empty where the extra is not installed."""
    try:
        return ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    except PackageNotFoundError:
        return ""


def read_line(line: NDArray[np.uint8]) -> list[Letter]:
    """The characters of one level line of text, (H, W) or (H, W, 3). Raises ValueError without the extra."""
    session, characters = _network()
    picture = Image.fromarray(line).convert("RGB")
    width = round(picture.width * _HEIGHT / picture.height)
    picture = picture.resize((min(max(width, _NARROWEST), _WIDEST), _HEIGHT), Image.Resampling.BILINEAR)
    values = np.asarray(picture, np.float32).transpose(2, 0, 1)[None] / 127.5 - 1
    (chances,) = session.run(None, {session.get_inputs()[0].name: values})[0]
    best = chances.argmax(axis=1)
    # The network says a character once a column, and blank, number 0, between two that are the same.
    begins = np.flatnonzero((best > 0) & (best != np.concatenate([[0], best[:-1]])))
    return [Letter(characters[best[at]], float(chances[at, best[at]])) for at in begins]


@lru_cache
def _network() -> tuple[Any, list[str]]:
    if not reader_version():
        raise ValueError(f"nothing on this machine reads text in pixels; install {EXTRA}")
    os.environ["ORT_DISABLE_TELEMETRY"] = (
        "1"  # by default the import alone writes an id into the home and reports to its makers
    )
    import onnxruntime

    files = distribution(_PACKAGES[0]).files or ()
    model = next(file for file in files if file.name == _MODEL)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(model.locate()), options, providers=["CPUExecutionProvider"])
    listed = session.get_modelmeta().custom_metadata_map["character"].split("\n")
    return session, ["", *listed, " "]
