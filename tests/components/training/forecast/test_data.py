"""Passes through sources and mean samples, worked out by hand."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from components.assembly.dataset import Dataset
from components.recipes.recipe import Recipe
from components.records.schema import SCHEMA_VERSION
from components.storage.workspace import Workspace
from components.training.forecast.data import Data, epochs, read_data, tokens_of
from components.training.forecast.tokens import Tokens
from components.training.layout import LatentItem, TextItem, VitItem

HUNDRED = Tokens(100, 0, 0, 0, 0)


def test_tokens_of_a_packed_sample_are_counted_by_kind() -> None:
    items = [
        TextItem(0, (1, 2, 3), False, False),
        VitItem(1, (4, 5), False),
        TextItem(2, (1, 2), True, False),
        LatentItem(3, (2, 3), 0, False),
        LatentItem(3, (2, 3), 2, False),
        LatentItem(4, (9, 9), 0, True, dropped=True),
        TextItem(5, (1, 2), False, True, dropped=True),
    ]
    # 3 + 2 and 2 + 2 with markers, of which 2 and the end are learnt; 20 + 2; 6 + 2 and twice 6 + 2.
    assert tokens_of(items) == (5 + 4, 3, 22, 24, 16)


def test_a_source_is_gone_through_as_often_as_its_samples_are_drawn(recipe: Recipe) -> None:
    training = replace(recipe.training, tokens_per_sequence=1000, sequences_per_step=4, source_power={"i2t": 0.5})
    stage = replace(recipe.curriculum["foundation"], steps=10, mixture={"i2t": 1, "t2i": 3, "text": 0})
    data = Data({("i2t", "small"): 4, ("i2t", "large"): 16, ("t2i", "large"): 100, ("text", "words"): 5}, {})
    # 40 000 tokens in samples of 100: 400 draws, 100 of them questions, of which two thirds come from the larger source.
    found = epochs(replace(recipe, training=training), stage, data, {"i2t": HUNDRED, "t2i": HUNDRED})
    visits = 100 * 4 / 6 + 300
    assert found == pytest.approx({"small": 100 * 2 / 6 / 4, "large": visits / 116})
    training = replace(training, source_weight={"small": 2.0})
    found = epochs(replace(recipe, training=training), stage, data, {"i2t": HUNDRED, "t2i": HUNDRED})
    assert found == pytest.approx({"small": 100 * 4 / 8 / 4, "large": (100 * 4 / 8 + 300) / 116})


def test_before_there_are_data_nothing_is_known(recipe: Recipe, tmp_path: Path) -> None:
    assert read_data(tmp_path, tmp_path, recipe, recipe.curriculum["foundation"]) is None


def test_a_data_set_of_another_release_or_without_a_shard_stops_no_plan(recipe: Recipe, tmp_path: Path) -> None:
    for manifest in (
        {"schema": 0},
        {"schema": SCHEMA_VERSION, "shards": [{"file": "gone", "bytes": 1, "kind": "train", "split": "train"}]},
    ):
        (tmp_path / "manifest.json").write_text(json.dumps(manifest))
        assert read_data(tmp_path, tmp_path, recipe, recipe.curriculum["foundation"]) is None, "the run assembles it"


def test_samples_are_counted_once_there_is_a_tokenizer(
    recipe: Recipe, dataset: Dataset, started: Workspace, tmp_path: Path
) -> None:
    stage = recipe.curriculum["foundation"]
    before = read_data(dataset.folder, tmp_path / "none", recipe, stage)
    assert before is not None and before.samples == {}
    assert before.counts["i2t", "alpha"] == 11 and before.counts["i2t", "beta"] == 5
    found = read_data(dataset.folder, started.checkpoints / "start", recipe, stage)
    assert found is not None
    assert found.samples["t2i"].targets == recipe.training.noised_copies * (4 * 4 + 2)
    assert found.samples["i2t"].vit == 4 * 4 + 2
    assert found.samples["i2t"].targets == 0 < found.samples["i2t"].labels
