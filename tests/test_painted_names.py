"""The benchmark of names in pixels, small: what is painted is found by both ways of looking, and little else is held."""

from itertools import islice

import numpy as np
import pytest

from components.images.letter_rows import rated_rows
from components.images.text_reader import reader_version
from tests.benchmarks import identity_pixels
from tests.benchmarks.identity import measured
from tests.benchmarks.painted_names import CONTRASTS, FAMILIES, NAMES, SIZES, _level, fonts, noisy_films, painted


@pytest.mark.slow
def test_nearly_all_of_a_sample_is_found_and_clean_frames_pass():
    figures = {figure.name: figure for figure in measured(["pixels", "clean-frames"], full=False)}
    assert len(figures) == (20 if reader_version() else 10)
    for name, figure in figures.items():
        if figure.goal is not None:  # of sixty texts one may be missed
            assert figure.ratio >= figure.goal - 0.02, f"{figure}\n  " + "\n  ".join(figure.details)
        else:
            assert figure.value > 0, name


def test_a_frame_that_was_looked_at_is_not_looked_at_again(monkeypatch, tmp_path):
    frames = list(islice(noisy_films(written=True), 2))
    looked = []
    monkeypatch.setattr(identity_pixels, "rated_rows", lambda image: looked.append(image) or rated_rows(image))
    first, second = (
        [known.held(frame.pixels) for frame in frames]
        for known in (identity_pixels._Known(tmp_path / "found.jsonl") for _ in range(2))
    )
    assert len(looked) == len(frames) and all(first)
    assert [{way: tuple(box) for way, box in held.items()} for held in second] == first


def test_a_machine_without_a_font_says_so_and_paints_in_the_others(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("tests.benchmarks.painted_names._FONT_FOLDERS", (tmp_path,))
    assert list(fonts()) == ["DejaVu Sans", "Pillow's own"]
    said = capsys.readouterr().err
    assert all(name in said for family, name in FAMILIES.items() if family.startswith("Liberation"))


def test_ink_is_so_many_levels_above_or_below_most_of_what_lies_under_it():
    under = np.arange(100, dtype=np.uint8).reshape(4, 25)
    assert (_level(under, 40), _level(under, -10)) == (79 + 40, 19 - 10)


def test_texts_lie_apart_inside_their_frame_and_none_is_lost():
    texts = []
    for frame in painted(CONTRASTS, every=400, sides=(512,)):
        height, width = frame.pixels.shape[:2]
        for text in frame.planted:
            x0, y0, x1, y1 = text.box
            assert 0 < x0 < x1 < width and 0 < y0 < y1 < height and (x1 - x0 > y1 - y0) == text.upright
            others = [other.box for other in frame.planted if other is not text]
            assert all(x1 < box[0] or box[2] < x0 or y1 < box[1] or box[3] < y0 for box in others)
        texts += frame.planted
    assert len(texts) == len(fonts()) * len(SIZES) * len(CONTRASTS) * len(NAMES) * 2 // 400
