"""The benchmark of names in pixels, small: what is painted is found by both ways of looking, and little else is held."""

import numpy as np
import pytest
from PIL import Image

from components.images.text_reader import reader_version
from tests.benchmarks.identity import measured
from tests.benchmarks.painted_names import CONTRASTS, FAMILIES, _level, fonts, painted


@pytest.mark.slow
def test_nearly_all_of_a_sample_is_found_and_clean_frames_pass():
    figures = {figure.name: figure for figure in measured(["pixels"], full=False)}
    assert len(figures) == (18 if reader_version() else 9)
    for name, figure in figures.items():
        if figure.goal is not None:  # of sixty texts one may be missed
            assert figure.ratio >= figure.goal - 0.02, f"{figure}\n  " + "\n  ".join(figure.details)
        else:
            assert figure.value > 0, name


def test_a_machine_without_a_font_says_so_and_paints_in_the_others(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("tests.benchmarks.painted_names._FONT_FOLDERS", (tmp_path,))
    assert list(fonts()) == ["DejaVu Sans", "Pillow's own"]
    said = capsys.readouterr().err
    assert all(name in said for family, name in FAMILIES.items() if family.startswith("Liberation"))


def test_ink_is_so_many_levels_above_or_below_most_of_what_lies_under_it():
    under = np.arange(100, dtype=np.uint8).reshape(4, 25)
    assert (_level(under, 40), _level(under, -10)) == (79 + 40, 19 - 10)


def test_each_text_stands_where_it_is_said_to_stand_and_in_one_ink():
    count = 0
    for frame in painted(CONTRASTS, every=400, sides=(512,)):
        grey = np.asarray(Image.fromarray(frame.pixels).convert("L"))
        for text in frame.planted:
            x0, y0, x1, y1 = text.box
            levels = np.bincount(grey[y0:y1, x0:x1].ravel(), minlength=256)
            assert levels[levels.nonzero()[0][-12:]].max() >= 3 and (x1 - x0 > y1 - y0) == text.upright
            count += 1
    assert count == 3240 // 400
