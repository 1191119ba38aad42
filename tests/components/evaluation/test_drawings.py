"""Drawings: mean images, Dice of painted maps, the judge, and gains over the baselines."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from components.evaluation import judge as judging
from components.evaluation.drawing_metrics import edit_groups, edit_metrics, t2i_metrics
from components.evaluation.drawing_scoring import mean_dice, palette_of, score_edits
from components.evaluation.images import encode
from components.evaluation.judge_network import Judge, build, known_families
from components.evaluation.mean_images import FEWEST, MeanImages
from components.evaluation.predictions import ONE_STEP, PLAIN, RECONSTRUCTION, prediction_row
from components.evaluation.scores import score_of
from components.recipes.evaluation import JudgeSettings
from components.records.vocabulary import Modality, Split
from tests.components.evaluation.material import SIDE, drawing, edit, labelled
from tests.components.evaluation.test_vqa_metrics import METER


def flat(level: int) -> bytes:
    return encode(np.full((SIDE, SIDE, 3), level, np.uint8))


def test_the_mean_image_is_of_the_narrowest_kind_with_enough_images():
    narrow = [labelled(n, Modality.CT, Split.TRAIN, image=flat(100)) for n in range(FEWEST)]
    other = [labelled(50 + n, Modality.CT, Split.TRAIN, image=flat(20), facts={"plane": "coronal"}) for n in range(2)]
    means = MeanImages.of([*narrow, *other])
    like = np.zeros((SIDE, SIDE, 3), np.uint8)
    axial = means.image("super-resolution", "CT", "brain", {"plane": "axial"}, like)
    coronal = means.image("super-resolution", "CT", "brain", {"plane": "coronal"}, like)
    assert axial is not None and coronal is not None
    assert axial.shape == like.shape and np.unique(axial).tolist() == [100]
    assert np.unique(coronal).tolist() == [round((100 * FEWEST + 40) / (FEWEST + 2))], (
        "two images are too few: all of CT"
    )


def test_an_edit_without_training_targets_has_no_mean_image():
    means = MeanImages.of([labelled(1, Modality.CT, Split.TRAIN)])
    assert means.image("staining", "CT", "brain", {}, np.zeros((4, 4, 3), np.uint8)) is None


def scored_edits():
    item = edit(1, image=flat(90), reference_image=flat(100))
    rows = [
        prediction_row(item, variant=variant, seed=1, image=item.image, response_image=flat(level))
        for variant, level in ((PLAIN, 99), (ONE_STEP, 98), (RECONSTRUCTION, 100))
    ]
    means = MeanImages.of([labelled(n, Modality.CT, Split.TRAIN, image=flat(60)) for n in range(3)])
    return list(score_edits(rows, {item.item_id: item}, means, {}))


def test_an_edit_stands_beside_mean_image_bicubic_one_step_and_ceiling():
    groups = edit_groups(scored_edits(), METER)
    values = {metric.key: metric.value for metric in edit_metrics(groups)}
    expected = {"sr/psnr": 1, "sr/psnr_one_step": 2, "sr/psnr_bicubic": 10, "sr/psnr_mean_image": 40}
    for key, error in expected.items():
        assert values[key] == pytest.approx(20 * np.log10(255 / error)), key
    assert values["sr/gain_over_mean_image"] == pytest.approx(20 * np.log10(40))
    assert values["sr/psnr_ceiling"] == 100.0 and values["sr/test/psnr"] == values["sr/psnr"]


def test_dice_counts_painted_structures_and_leaves_the_background_out():
    truth, drawn = (np.zeros((8, 8, 3), np.uint8) for _ in range(2))
    truth[2:6, 2:6] = (255, 0, 0)
    drawn[3:7, 2:6] = (240, 10, 5)
    palette = palette_of([truth])
    assert list(palette) == ["#000000", "#ff0000"]
    assert mean_dice(truth, drawn, palette) == pytest.approx(0.75)
    assert mean_dice(truth, np.zeros_like(truth), palette) == 0.0
    assert mean_dice(np.zeros_like(truth), np.zeros_like(truth), palette) == 1.0


def test_a_judge_learns_two_kinds_of_images_and_is_the_same_every_time():
    images = [labelled(n, (Modality.CT, Modality.MRI)[n % 2], Split.TRAIN) for n in range(16)]
    train = judging.load_pixels(images)
    settings = JudgeSettings(steps=25, batch=8, learning_rate=5e-3)

    def trained() -> Judge:
        generator = torch.Generator().manual_seed(3)
        network = build(2)
        judging.initialise(network, generator)
        judging.fit(network, train, ("CT", "MRI"), settings, generator, lambda step, steps, loss: None)
        return Judge(network.eval(), ("CT", "MRI"), "sha")

    first, second = trained(), trained()
    for one, other in zip(first.network.parameters(), second.network.parameters(), strict=True):
        assert torch.equal(one, other)
    held_out = judging.load_pixels([labelled(n, (Modality.CT, Modality.MRI)[n % 2], Split.TEST) for n in range(30, 38)])
    verdicts = first.name([image.permute(1, 2, 0).numpy() for image in held_out.images])
    assert judging.by_family(held_out, verdicts) == {
        "CT/brain": {"n": 4, "right": 4},
        "MRI/brain": {"n": 4, "right": 4},
    }
    assert judging.measure(held_out, verdicts)["all"] == {
        "n": 8,
        "right": 8,
        "confusion": {"CT": {"CT": 4}, "MRI": {"MRI": 4}},
    }


def test_rare_modalities_are_drawn_less_often_than_common_ones_but_more_than_their_share():
    weights = judging.draw_weights(["CT"] * 16 + ["MRI"] * 4, ["a"] * 16 + ["b"] * 4)
    common, rare = sum(weights[:16]), sum(weights[16:])
    assert rare / common == pytest.approx((4 / 16) ** 0.5)


def test_recognition_stands_beside_chance_real_images_and_reconstructions():
    judge = Judge(torch.nn.Identity(), ("CT", "MRI", "ultrasound"), "0123456789")
    scores = []
    for number, seen in enumerate(["CT", "CT", "MRI", "CT"]):
        row = prediction_row(drawing(number), variant=PLAIN, seed=1, image=None)
        scores.append(score_of(row, judge.scorer, parsed=seen, correct=int(seen == "CT")))
        for variant in ("control:real", RECONSTRUCTION):
            scores.append(score_of(row, judge.scorer, variant=variant, parsed="CT", correct=1))
    found = {metric.key: metric for metric in t2i_metrics(scores, judge, METER)}
    assert found["t2i/recognised"].value == 0.75 and found["t2i/chance"].value == pytest.approx(1 / 3)
    assert found["t2i/recognised_real"].value == found["t2i/recognised_reconstruction"].value == 1.0
    assert "judge.modality@01234567" in found["t2i/recognised"].protocol


def test_drawings_are_counted_apart_where_the_judge_knows_the_real_images():
    counts = {"CT/brain": (20, 19), "MRI/brain": (20, 18), "CT/chest": (4, 4), "X-ray/chest": (5, 5)}
    known = known_families({name: {"n": n, "right": right} for name, (n, right) in counts.items()})
    assert known == {"CT/brain", "X-ray/chest"}
    judge = Judge(torch.nn.Identity(), ("CT", "MRI"), "0123456789", known)
    asked = [("CT", "brain", 1), ("CT", "brain", 0), ("CT", "chest", 0), ("MRI", "brain", 0)]
    rows = [
        (
            prediction_row(drawing(n, modality=Modality(name), anatomy=region), variant=PLAIN, seed=1, image=None),
            correct,
        )
        for n, (name, region, correct) in enumerate(asked)
    ]
    scores = [score_of(row, judge.scorer, parsed="CT", correct=correct) for row, correct in rows]
    found = {metric.key: metric for metric in t2i_metrics(scores, judge, METER)}
    assert (found["t2i/recognised_known"].value, found["t2i/recognised_known"].n) == (0.5, 2)
    assert found["t2i/recognised"].value == 0.25
    nobody = {metric.key for metric in t2i_metrics(scores, replace(judge, known=frozenset()), METER)}
    assert "t2i/recognised_known" not in nobody


def test_every_edit_of_the_benchmark_finds_its_mean_image_under_the_name_that_its_items_carry():
    trained = labelled(1, Modality.CT, Split.TRAIN, targets={"organ_map": flat(7)})
    means = MeanImages.of([trained])
    like = np.zeros((SIDE, SIDE, 3), np.uint8)
    for name in ("sr", "super-resolution", "organ-map"):
        assert means.image(name, "CT", "brain", {}, like) is not None, name
