"""Drawn slices: region and plane, judged where the judge knows real slices of the kind, and compared with the commonest answer."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save

from components.evaluation.decision_table import decision_table
from components.evaluation.drawing_scoring import score_t2i
from components.evaluation.endpoints import endpoints
from components.evaluation.images import encode
from components.evaluation.judge_network import PLACES, SIDE, Judge, build
from components.evaluation.places import place_metrics, place_of, places_said, rightly_named, train_places
from components.evaluation.predictions import PLAIN, prediction_row
from components.evaluation.scores import write_scores
from components.recipes.evaluation import JudgeSettings
from components.records.vocabulary import Modality, Split
from model import device
from tests.components.evaluation.material import drawing, labelled
from tests.components.evaluation.test_vqa_metrics import METER

CLASSES = ("abdomen/axial", "brain/axial", "brain/coronal")


class ByBrightness(torch.nn.Module):
    """Names the class that the image's grey level stands for: 0, 100, 200."""

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        level = (batch.mean(dim=(1, 2, 3)) + 1) * 127.5
        return -(level[:, None] - torch.tensor([0.0, 100.0, 200.0])).abs()


def grey(level: int) -> bytes:
    return encode(np.full((SIDE, SIDE, 3), level, np.uint8))


def judge(*known: str) -> Judge:
    places = Judge(ByBrightness(), CLASSES, "0123456789", frozenset(known))
    return Judge(ByBrightness(), ("CT", "MRI", "ultrasound"), "abcdefghij", places=places)


def scored(looks: Judge):
    """Five drawn brains, four asked axial and one coronal; three and none come out so. And a drawing of no slice."""
    asked = [("axial", 100)] * 3 + [("axial", 200), ("coronal", 100)]
    items = {f"t2i/{n:03d}": drawing(n, reference_image=grey(100)) for n in range(6)}
    facts = {f"record-{n}": {"plane": plane} for n, (plane, _) in enumerate(asked)}
    levels = [*(level for _, level in asked), 0]
    rows = [
        prediction_row(items[f"t2i/{n:03d}"], variant=PLAIN, seed=1, image=None, response_image=grey(level))
        for n, level in enumerate(levels)
    ]
    return list(score_t2i(rows, items, looks, facts))


def test_a_place_is_a_known_region_and_a_plane():
    assert place_of("brain", {"plane": "axial"}) == "brain/axial"
    assert place_of("unknown", {"plane": "axial"}) == place_of("eye", {}) == place_of("chest", {"plane": "tile"}) == ""


def test_a_drawn_slice_is_right_by_region_and_by_plane_beside_the_commonest_answer():
    looks = judge("region brain/axial", "region brain/coronal", "plane brain/axial", "plane brain/coronal")
    scores = scored(looks)
    found = {metric.key: metric for metric in place_metrics(scores, looks.places, METER)}
    region, plane = found["t2i/recognised_region"], found["t2i/recognised_plane"]
    assert (region.value, region.n, region.control) == (1.0, 5, {"most_common": 1.0})
    assert (plane.value, plane.n, plane.control) == (0.6, 5, {"most_common": 0.8})
    assert found["t2i/recognised_plane_real"].value == 0.8, "the real images all look axial, one is coronal"
    made = endpoints(scores)
    assert [one.value for one in made["drawing/plane"].observations] == [1, 1, 1, 0, 0]
    assert len(made["drawing"].observations) == 6 and len(made["drawing/region"].observations) == 5


def test_a_family_whose_real_images_the_judge_does_not_name_is_not_judged():
    looks = judge("region brain/axial")
    scores = scored(looks)
    assert {metric.key: metric.n for metric in place_metrics(scores, looks.places, METER)} == {
        "t2i/recognised_region": 4,
        "t2i/recognised_region_real": 4,
    }
    assert "drawing/plane" not in endpoints(scores)
    assert place_metrics(scored(Judge(ByBrightness(), ("CT", "MRI", "ultrasound"), "abcdefghij")), None, METER) == []


def test_each_part_of_a_verdict_is_right_by_itself():
    assert rightly_named(
        ["brain/axial", "brain/axial", "chest/axial"], ["brain/coronal", "brain/axial", "brain/axial"]
    ) == {
        "region": {"brain/axial": {"n": 2, "right": 2}, "chest/axial": {"n": 1, "right": 0}},
        "plane": {"brain/axial": {"n": 2, "right": 1}, "chest/axial": {"n": 1, "right": 1}},
    }


class Slices:
    """Axial slices are dark and coronal ones bright, of heads that train and of one that does not."""

    dataset_id = "slices"

    def __init__(self, planes: tuple[str, ...]) -> None:
        self.planes = planes

    def images(self, *splits: str):
        level = {"axial": 30, "coronal": 220}
        split = Split.TRAIN if splits == ("train",) else Split.VAL
        for n in range(16):
            plane = self.planes[n % len(self.planes)]
            facts = {"plane": plane}
            yield labelled(n, Modality.CT, split, image=grey(level[plane] + n), facts=facts)


def trained(folder: Path, dataset: Any) -> Path:
    settings = JudgeSettings(steps=25, batch=8, learning_rate=5e-3)
    recipe = SimpleNamespace(seed=1, evaluation=SimpleNamespace(judge=settings))
    ctx: Any = SimpleNamespace(recipe=recipe, workspace=SimpleNamespace(evaluation=folder))
    train_places(ctx, dataset, lambda step, steps, loss: None)
    return folder / "judge"


def test_the_judge_of_places_says_which_families_it_knows_and_what_is_not_testable(tmp_path: Path):
    folder = trained(tmp_path, Slices(("axial", "coronal")))
    looks = Judge.read(folder, PLACES)
    assert looks.classes == ("brain/axial", "brain/coronal")
    assert looks.known >= {"region brain/axial", "region brain/coronal"}
    said = places_said(folder)
    assert said["region"] == {"known": ["brain/axial", "brain/coronal"], "not_testable": {}}
    known = {name.removeprefix("plane ") for name in looks.known if name.startswith("plane ")}
    assert set(said["plane"]["known"]) == known and set(said["plane"]["not_testable"]) == set(looks.classes) - known
    again = trained(tmp_path / "again", Slices(("axial", "coronal")))
    assert (again / PLACES.weights).read_bytes() == (folder / PLACES.weights).read_bytes()


def test_where_training_shows_slices_of_one_place_nobody_judges_places(tmp_path: Path):
    assert places_said(trained(tmp_path, Slices(("axial",)))) == {} and not list(tmp_path.iterdir())


def test_what_an_earlier_release_did_not_score_stands_alone_in_a_table(tmp_path: Path):
    scores = scored(judge("region brain/axial", "region brain/coronal"))
    before = [score for score in scores if not score.scorer_id.startswith("judge.region")]
    for name, kept in (("now", scores), ("before", before)):
        write_scores(tmp_path / name, kept, {"benchmark_id": "b", "decoding": {}})
    table = decision_table(tmp_path / "now", tmp_path / "before", cluster="image", demonstrative=True)
    alone, both = table.row("drawing/region"), table.row("drawing")
    assert alone is not None and both is not None
    assert (alone.challenger, alone.champion, alone.low) == (pytest.approx(1.0), None, None)
    assert both.champion == both.challenger


def test_a_judge_looks_where_this_process_computes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`meta` stands for a GPU, which there is none of here: it computes, and has no verdict to give."""
    (tmp_path / PLACES.facts).write_text('{"classes": ["brain/axial", "brain/coronal"]}')
    (tmp_path / PLACES.weights).write_bytes(save(build(2).state_dict()))
    image = np.zeros((SIDE, SIDE, 3), dtype=np.uint8)
    assert len(Judge.read(tmp_path, PLACES).name([image])) == 1
    monkeypatch.setattr(device, "this_device", lambda: torch.device("meta"))
    judge = Judge.read(tmp_path, PLACES)
    assert {p.device.type for p in judge.network.parameters()} == {"meta"}
    with pytest.raises(NotImplementedError, match="meta"):
        judge.name([image])
