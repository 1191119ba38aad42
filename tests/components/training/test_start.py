"""The start is a whole checkpoint, the same on every machine, and finished parts survive an interruption."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from components.context import Interrupted
from components.recipes.recipe import Recipe
from components.storage.workspace import Workspace
from components.training.start import make_start
from components.training.tokenizer import TextTokenizer
from model.weights import load_checkpoint
from tests.components.training.conftest import context


def hashes(folder: Path) -> dict[str, str]:
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(folder.iterdir())}


def test_the_start_loads_with_tokenizer_and_measured_latents(started: Workspace) -> None:
    folder = started.checkpoints / "start"
    model, autoencoder, config = load_checkpoint(folder)
    assert TextTokenizer.load(folder).size <= model.config.llm.vocab_size
    assert autoencoder.config.latents_std != (1.0,) * 4
    assert config["unimed"]["image_settings"]["vit_side"] == [32, 32]
    rows = (started.losses / "start.jsonl").read_text().splitlines()
    assert any('"autoencoder"' in row for row in rows) and any('"vision"' in row for row in rows)
