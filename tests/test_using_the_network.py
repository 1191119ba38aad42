"""The example in docs/using-the-network.md runs as it stands, on a small checkpoint."""

import re
from pathlib import Path

import numpy as np
from PIL import Image

from tests.components.evaluation.material import SIDE, make_checkpoint

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "using-the-network.md").read_text()


def test_the_example_asks_and_draws(tmp_path, monkeypatch, capsys):
    folder = make_checkpoint(tmp_path / "checkpoint")
    pixels = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "slice.png")
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names = {"folder": folder}
    exec(compile(code, "docs/using-the-network.md", "exec"), names)
    assert capsys.readouterr().out == names["answer"].text + "\n"
    drawn = np.asarray(Image.open(tmp_path / "drawing.png"))
    assert drawn.shape == (SIDE, SIDE, 3) and drawn.std() > 0
    assert names["network"].config == names["predictor"]._model.config


def test_the_commands_in_its_tables_are_commands():
    from tests.frozen_interface import COMMANDS

    named = re.findall(r"`unimed ((?:weights )?[a-z]+)([^`]*)`", TEXT)
    assert named
    for command, rest in named:
        assert command in COMMANDS
        assert set(re.findall(r"--[a-z-]+", rest)) <= set(COMMANDS[command])
