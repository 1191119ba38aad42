"""Lengths are counted once, found again under the same inputs alone, and say what does not fit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from components.assembly.dataset import SampleIndex
from components.recipes.recipe import Recipe
from components.recipes.training import SideRange
from components.storage.workspace import Workspace
from components.training import lengths
from components.training.job import StageJob
from components.training.layout import Layout, Visit, sample_key
from components.training.lengths import Lengths, Stream, lengths_of
from components.training.samples import check_samples, stage_layout, stage_samples
from components.training.stage import stage_job
from components.weights.tokenizer import TextTokenizer
from model.weights import open_checkpoint
from tests.components.training.conftest import context


@pytest.fixture
def job(workspace: Workspace, recipe: Recipe) -> StageJob:
    return stage_job(context(workspace.root, recipe, "foundation"), "key")


def layout_of(job: StageJob) -> Layout:
    return stage_layout(job, open_checkpoint(job.parent).config, TextTokenizer.load(job.parent))


def folders(job: StageJob) -> set[str]:
    return {path.name for path in job.lengths.iterdir() if path.is_dir()}


def test_columns_say_of_each_sample_what_its_layout_says(
    job: StageJob, index: SampleIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lengths, "CHUNK", 7)
    layout = layout_of(job)
    _, found = stage_samples(job, layout)
    assert len(found) == len(index) == 36
    assert isinstance(found.key, np.memmap)
    for number, (name, group, source, pieces) in enumerate(index.layouts()):
        assert found.streams[found.stream[number]] == Stream(group, source)
        assert int(found.key[number]) == sample_key(name)
        for pass_number in range(4):
            visit = Visit(number, sample_key(name), pass_number)
            items = layout.items(pieces, visit)
            assert found.of(visit, layout) == sum(item.num_tokens for item in items)
        assert found.longest()[number] == sum(item.num_tokens for item in layout.all_items(pieces))


def test_they_are_counted_once_and_again_when_an_input_is_another(
    job: StageJob, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[int] = []
    real = SampleIndex.layouts
    monkeypatch.setattr(SampleIndex, "layouts", lambda self: counted.append(1) or real(self))
    check_samples(job)
    check_samples(replace(job, recipe=replace(recipe, seed=2)))
    assert len(counted) == 1
    stage = replace(job.settings, vit_side=SideRange(min=16, max=16))
    narrow = replace(job, recipe=replace(recipe, curriculum={"foundation": stage}))
    check_samples(narrow)
    assert len(counted) == 2 and len(folders(job)) == 2
    check_samples(replace(job, code="other"))
    assert len(counted) == 3 and len(folders(job)) == 1, "those of other code are gone"


@pytest.mark.parametrize("damage", ["flip", "cut", "missing"])
def test_damaged_columns_are_counted_again(job: StageJob, damage: str) -> None:
    layout = layout_of(job)
    _, before = stage_samples(job, layout)
    before = np.array(before.kept)
    (path,) = job.lengths.glob("*/kept.npy")
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw if damage == "flip" else raw[:-4])
    if damage == "missing":
        path.unlink()
    _, after = stage_samples(job, layout)
    assert np.array_equal(after.kept, before)


def test_what_does_not_fit_is_named_with_the_setting(job: StageJob, index: SampleIndex) -> None:
    found = Lengths.count(index.layouts(), layout_of(job))
    found.check_room(160, index)
    with pytest.raises(
        ValueError, match=r"of 36 samples do not fit in a packed sequence of 70 tokens, the longest is beta"
    ):
        found.check_room(70, index)


def test_an_index_without_samples_has_columns_without_rows(job: StageJob, tmp_path: Path) -> None:
    nobody = SampleIndex([])
    found = lengths_of(nobody, layout_of(job), tmp_path, dataset_id="none", tokenizer="t", code="c")
    assert len(found) == 0 and found.streams == ()
    found.check_room(1, nobody)
