"""One door to a checkpoint: results belong to the request, not to the batch, the order or the size of the image."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from components.inference.predictor import DrawRequest, ImageSettings, Predictor, Question
from components.recipes.recipe import Recipe
from components.recipes.training import SideRange
from components.weights.tokenizer import TextTokenizer, copy_tokenizer
from model import device
from model.context import Context
from model.unimedvl import UniMedVL
from model.weights import load_checkpoint
from tests.components.evaluation.material import SIDE, make_checkpoint, recipe

IMAGES = ImageSettings(
    side=SIDE, square=True, vae_side=SideRange(min=SIDE, max=SIDE), vit_side=SideRange(min=SIDE, max=SIDE)
)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkpoint(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture(scope="module")
def predictor(checkpoint: Path) -> Predictor:
    return Predictor.load(checkpoint, threads=1)


@pytest.fixture(scope="module")
def settings() -> Recipe:
    return recipe()


def picture(number: int, height: int = SIDE, width: int = SIDE) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_answers_do_not_depend_on_the_batch_and_come_in_the_order_asked(predictor):
    questions = [Question(f"What is this, {number % 3}?", picture(number % 4)) for number in range(7)]
    together = predictor.answer(questions, max_new_tokens=5, batch=7)
    alone = [predictor.answer([question], max_new_tokens=5)[0] for question in questions]
    assert [answer.text for answer in together] == [answer.text for answer in alone]
    assert [answer.logprob for answer in together] == pytest.approx([answer.logprob for answer in alone], abs=1e-4)


def test_an_answer_cut_by_the_limit_says_so(predictor):
    (answer,) = predictor.answer([Question("Why?", picture(1))], max_new_tokens=2)
    assert answer.num_tokens <= 2 and (answer.finish_reason == "stop" or answer.num_tokens == 2)


def test_options_are_scored_alike_alone_and_beside_other_questions(predictor):
    question = Question("Which?", picture(2), options=("CT", "MRI", "brain"))
    others = [Question("Why?", picture(1)), Question("Which?", picture(1), options=("yes", "no"))]
    (alone,) = predictor.answer([question], max_new_tokens=3, score_options=True)
    beside = predictor.answer([others[0], question, others[1]], max_new_tokens=3, score_options=True)
    assert list(beside[1].option_logprobs) == pytest.approx(list(alone.option_logprobs), abs=1e-4)
    assert len(alone.option_logprobs) == 3 and all(score < 0 for score in alone.option_logprobs)
    assert beside[0].option_logprobs == () and len(beside[2].option_logprobs) == 2


def test_text_needs_no_image(predictor):
    assert len(predictor.answer([Question("What is the liver?")], max_new_tokens=3)) == 1


def test_texts_and_images_are_read_in_their_order(predictor):
    first, second = picture(1), picture(2)
    asked = [
        Question("<image>What is this?", first),
        Question("What is this?", first),
        Question("Compare <image> with <image>.", first, more=(second,)),
        Question("Compare <image> with <image>.", second, more=(first,)),
        Question("What is this?", first, more=(second,)),
    ]
    logprobs = [answer.logprob for answer in predictor.answer(asked, max_new_tokens=4)]
    alone = [predictor.answer([question], max_new_tokens=4)[0].logprob for question in asked]
    assert logprobs == pytest.approx(alone, abs=1e-4)
    assert logprobs[0] == pytest.approx(logprobs[1], abs=1e-4), "a mark before all words is what no mark means"
    assert len({round(value, 4) for value in logprobs[1:]}) == 4
    assert asked[2].parts[::2] == ["Compare", "with", "."]
    with pytest.raises(ValueError, match="2 <image> marks for 1 images"):
        predictor.answer([Question("<image> or <image>?", first)], max_new_tokens=1)


def test_equal_seeds_draw_equal_images_and_other_seeds_others(predictor, settings):
    requests = [DrawRequest("A CT image.", seed) for seed in (1, 2, 1)]
    first, other, again = predictor.draw(requests, settings.evaluation.drawing)
    assert first.shape == (SIDE, SIDE, 3) and first.dtype == np.uint8
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_drawings_and_edits_in_one_call_equal_those_alone(predictor, settings):
    requests = [
        DrawRequest("Enhance.", 3, picture(1)),
        DrawRequest("A CT image.", 4),
        DrawRequest("Enhance.", 5, picture(2)),
    ]
    together = predictor.draw(requests, settings.evaluation.drawing)
    for request, drawn in zip(requests, together, strict=True):
        (alone,) = predictor.draw([request], settings.evaluation.drawing)
        assert np.abs(alone.astype(int) - drawn.astype(int)).max() <= 1


def test_an_edit_depends_on_its_condition(predictor, settings):
    one, other = predictor.draw(
        [DrawRequest("Enhance.", 3, picture(1)), DrawRequest("Enhance.", 3, picture(2))], settings.evaluation.drawing
    )
    assert not np.array_equal(one, other)


def test_an_edit_that_keeps_the_given_image_loses_nothing_to_the_autoencoder(checkpoint, settings):
    model, autoencoder, _ = load_checkpoint(checkpoint)
    network = UniMedVL(replace(model.config, residual_velocity=True))
    network.init_weights(torch.Generator().manual_seed(1), residual_scale=True, gen_key_equals_query=True)
    network.gate.bias.data.fill_(1.0)
    keeping = Predictor(network, autoencoder, TextTokenizer.load(checkpoint), IMAGES)
    drawing = replace(settings.evaluation.drawing, edits="mean")
    (drawn,) = keeping.draw([DrawRequest("Enhance.", 3, picture(1))], drawing)
    (rebuilt,) = keeping.reconstruct([picture(1)])
    assert np.abs(drawn.astype(int) - picture(1)).max() <= 1
    assert np.abs(rebuilt.astype(int) - picture(1)).max() > 20


def test_an_edit_drawn_as_the_mean_is_one_step_without_guidance(predictor, settings):
    requests = [DrawRequest("Enhance.", 3, picture(1)), DrawRequest("A CT image.", 4)]
    sampled = predictor.draw(requests, replace(settings.evaluation.drawing, edits="sampled"))
    mean = predictor.draw(requests, replace(settings.evaluation.drawing, edits="mean"))
    one_step = predictor.draw(requests[:1], settings.evaluation.drawing.one_step())
    assert np.array_equal(mean[0], one_step[0]) and not np.array_equal(mean[0], sampled[0])
    assert np.array_equal(mean[1], sampled[1]), "a drawing from words is sampled either way"


def test_images_of_any_size_and_mode_are_squared_as_in_training(predictor, settings):
    wide = Image.fromarray(picture(1, 40, 70)).convert("L")
    (drawn,) = predictor.draw([DrawRequest("Enhance.", 3, wide)], settings.evaluation.drawing.one_step())
    assert drawn.shape == (SIDE, SIDE, 3)
    assert len(predictor.answer([Question("What?", wide)], max_new_tokens=2)) == 1


def test_reconstruction_keeps_the_size(predictor):
    (rebuilt,) = predictor.reconstruct([picture(1)])
    assert rebuilt.shape == (SIDE, SIDE, 3)


def lesser(checkpoint: Path, folder: Path, side: str) -> Predictor:
    """The checkpoint's network without one side, saved and loaded."""
    whole = UniMedVL.from_pretrained(checkpoint)
    network = UniMedVL(replace(whole.config, **{side: None}))
    network.load_state_dict({name: value for name, value in whole.state_dict().items() if name in network.state_dict()})
    folder.mkdir()
    copy_tokenizer(checkpoint, folder)
    if side == "vit":
        shutil.copy(checkpoint / "ae.safetensors", folder)
    images = {"side": SIDE, "square": True, "vae_side": [SIDE, SIDE], "vit_side": [SIDE, SIDE]}
    network.save_pretrained(folder, image_settings=images)
    return Predictor.load(folder, threads=1)


def test_a_network_without_a_generation_side_answers_and_refuses_to_draw(predictor, checkpoint, tmp_path, settings):
    answering = lesser(checkpoint, tmp_path / "answering", "vae")
    questions = [Question("What is this?", picture(1)), Question("What is the liver?")]
    assert answering.answer(questions, max_new_tokens=5) == predictor.answer(questions, max_new_tokens=5)
    for call in (
        lambda: answering.draw([DrawRequest("A CT image.", 1)], settings.evaluation.drawing),
        lambda: answering.reconstruct([picture(1)]),
    ):
        with pytest.raises(ValueError, match=r"no generation side \(model.vae is null\)"):
            call()


def test_a_network_without_a_vit_draws_from_words_and_refuses_images(predictor, checkpoint, tmp_path, settings):
    drawing = lesser(checkpoint, tmp_path / "drawing", "vit")
    requests = [DrawRequest("A CT image.", 1)]
    (drawn,), (whole,) = (p.draw(requests, settings.evaluation.drawing) for p in (drawing, predictor))
    assert np.array_equal(drawn, whole)
    assert len(drawing.answer([Question("What is the liver?")], max_new_tokens=3)) == 1
    for call in (
        lambda: drawing.answer([Question("What is this?", picture(1))], max_new_tokens=3),
        lambda: drawing.draw([DrawRequest("Enhance.", 3, picture(1))], settings.evaluation.drawing),
    ):
        with pytest.raises(ValueError, match=r"no ViT \(model.vit is null\)"):
            call()


def test_a_loaded_checkpoint_names_the_image_sizes_it_was_trained_with(predictor):
    assert (predictor.images.side, predictor.images.square) == (SIDE, True)


def test_published_folders_have_published_sizes():
    found = ImageSettings.of({})
    assert (found.square, found.vae_side.min, found.vae_side.max) == (False, 512, 1024)


def test_images_of_a_question_share_the_pixels_of_one_as_in_training(checkpoint, monkeypatch):
    predictor, grids, add = Predictor.load(checkpoint, threads=1), [], Context.add_vit
    monkeypatch.setattr(Context, "add_vit", lambda self, patches, grid: grids.append(grid) or add(self, patches, grid))
    predictor.images = replace(predictor.images, vit_side=SideRange(min=8, max=SIDE, max_pixels=SIDE**2))
    one, two = Question("Which?", picture(1)), Question("Which?", picture(1), more=(picture(2),))
    assert len(predictor.answer([one, two, one], max_new_tokens=2)) == 3
    stride = predictor._model.config.vit.patch_size
    alone, shared = (predictor._vit.size(SIDE, SIDE, number)[0] // stride for number in (1, 2))
    # An image that is alone twice is read once; one that is first of two is read apart from it.
    assert shared < alone == SIDE // stride
    assert sorted(grids) == [(shared, shared), (shared, shared), (alone, alone)]


def test_words_are_drawn_in_the_size_that_is_asked_for_and_edits_in_that_of_their_image(checkpoint, settings):
    predictor = Predictor.load(checkpoint, threads=1)
    predictor.images = replace(predictor.images, vae_side=SideRange(min=16, max=SIDE))
    drawing = replace(settings.evaluation.drawing, side=16, edits="sampled")
    (words,) = predictor.draw([DrawRequest("A CT image.", 1)], drawing)
    (edit,) = predictor.draw([DrawRequest("Enhance.", 1, picture(1))], drawing)
    assert (words.shape[0], edit.shape[0]) == (16, SIDE)


def test_edits_are_guided_by_numbers_of_their_own(predictor, settings):
    drawing = replace(
        settings.evaluation.drawing, edit_guidance_interval=(0.0, 0.5), edit_renorm="text_channel", edits="sampled"
    )
    words, edits = (predictor._guidance(drawing, is_edit=value) for value in (False, True))
    assert (edits.interval, edits.renorm, edits.image_scale) == ((0.0, 0.5), "text_channel", drawing.image_guidance)
    assert (words.interval, words.renorm, words.image_scale) == (drawing.guidance_interval, drawing.renorm, 1.0)
    requests = [DrawRequest("A CT image.", 1)], [DrawRequest("Enhance.", 1, picture(1))]
    same, other = (
        [
            np.array_equal(
                predictor.draw(r, replace(drawing, edit_guidance_interval=i))[0], predictor.draw(r, drawing)[0]
            )
        ]
        for r, i in zip(requests, ((0.5, 1.0), (0.5, 1.0)), strict=True)
    )
    assert same == [True] and other == [False]


def test_numbers_are_of_the_precision_that_the_recipe_asks_for(checkpoint, settings):
    whole, half = (Predictor.load(checkpoint, threads=1, precision=name) for name in ("fp32", "bf16"))
    assert {p.dtype for p in half._model.parameters()} == {torch.bfloat16}
    assert {p.dtype for p in whole._model.parameters()} == {torch.float32}
    requests = [DrawRequest("A CT image.", 1), DrawRequest("Enhance.", 2, picture(1))]
    wanted, drawn = (p.draw(requests, settings.evaluation.drawing) for p in (whole, half))
    for mine, other in zip(drawn, wanted, strict=True):
        assert mine.shape == other.shape and np.abs(mine.astype(int) - other.astype(int)).mean() < 12
    answers = [p.answer([Question("Why?", picture(1))], max_new_tokens=3)[0] for p in (whole, half)]
    assert answers[1].logprob == pytest.approx(answers[0].logprob, rel=0.1)


def test_pixels_of_images_are_those_that_a_checkpoint_names_else_the_published_ones():
    named = ImageSettings.of({"unimed": {"image_settings": {"vit_max_pixels": 2_007_040}}})
    assert (named.vit_side.max_pixels, named.vae_side.max_pixels) == (2_007_040, 1_806_336)


def test_a_checkpoint_is_loaded_to_where_this_process_computes(checkpoint, monkeypatch):
    """`meta` stands for a GPU, which there is none of here."""
    monkeypatch.setattr(device, "this_device", lambda: torch.device("meta"))
    loaded = Predictor.load(checkpoint, threads=1)
    assert {p.device.type for p in loaded._model.parameters()} == {"meta"}
    assert {p.device.type for p in loaded._autoencoder.parameters()} == {"meta"}
    assert loaded._to_model(torch.zeros(2)).device.type == "meta"
