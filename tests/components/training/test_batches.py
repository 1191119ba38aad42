"""Samples become packed tokens as published: roles, drops, copies and lengths; and no number depends on the neighbours."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from components.assembly.dataset import ImageShape, SampleIndex
from components.images.stored import decode_stored
from components.recipes.recipe import Recipe
from components.recipes.training import ConditionDropout
from components.records.sample import Image, Text
from components.records.vocabulary import ImageRole
from components.storage.workspace import Workspace
from components.training.augment import augmented, plain
from components.training.batches import BatchMaker, MicroBatch
from components.training.gathering import Gatherer
from components.training.latents import LatentImage, LatentStore
from components.training.layout import LatentItem, Layout, TextItem, Visit, VitItem, image_transforms
from components.training.lengths import Lengths
from components.training.mirrored_edits import turn_of, turned
from components.training.pixels import PixelStore
from components.weights.tokenizer import TextTokenizer
from model.image_transform import ImageTransform
from model.weights import load_checkpoint
from tests.components.training.conftest import SIDE, image, picture, visit_of

KEPT = ConditionDropout(text=0.0, vit=0.0, vae=0.0)
EDIT, DRAW, ASK, WORDS = "beta/interleaved-01", "alpha/t2i-02", "alpha/i2t-03", "words/text-01"


@pytest.fixture(scope="module")
def maker(started: Workspace, recipe: Recipe, index: SampleIndex) -> BatchMaker:
    return make(started, recipe, index, KEPT)


def make(
    started: Workspace,
    recipe: Recipe,
    index: SampleIndex,
    dropout: ConditionDropout,
    copies: int = 2,
    edits_from_noise: float = 0.0,
    turn_edits: bool = False,
    pixels: PixelStore | None = None,
    together: int = 1,
) -> BatchMaker:
    folder = started.checkpoints / "start"
    model, autoencoder, _ = load_checkpoint(folder)
    stage = recipe.curriculum["foundation"]
    vit, vae = image_transforms(model.config, vit_side=stage.vit_side, vae_side=stage.vae_side)
    layout = Layout(
        tokenizer=TextTokenizer.load(folder),
        vit=vit,
        vae=vae,
        vit_patch=model.config.vit.patch_size,
        latent_stride=model.config.latent_stride,
        dropout=dropout,
        noised_copies=copies,
        seed="1:foundation",
    )
    pixels = pixels or PixelStore()
    latents = LatentStore(autoencoder, vae, pixels, together=together)
    training = replace(recipe.training, edits_from_noise=edits_from_noise, turn_edits=turn_edits)
    gatherer = Gatherer(index, layout, pixels=pixels, training=training)
    return BatchMaker(gatherer, layout, model.config, latents=latents, training=training)


def items_of(maker: BatchMaker, name: str, pass_number: int = 0) -> list[TextItem | VitItem | LatentItem]:
    visit = visit_of(maker.gatherer._index, name, pass_number)
    return maker._layout.items(maker.gatherer._index.read_with_layout(visit.number)[1], visit)


def test_edits_begin_from_noise_alone_as_often_as_asked_and_drawings_from_words_never(
    started: Workspace, recipe: Recipe, index: SampleIndex
) -> None:
    maker = make(started, recipe, index, KEPT, edits_from_noise=0.5)
    levels: dict[str, list[float]] = {"interleaved": [], "t2i": []}
    for name, group in zip(index.ids, index.column("group"), strict=True):
        if group in levels:
            micro = maker.build([visit_of(maker.gatherer._index, name, 0), visit_of(maker.gatherer._index, name, 1)])
            firsts = [part[0].item() for part in micro.sigma.split(list(micro.packed.latent_lens))]
            levels[group] += [
                level for level, target in zip(firsts, micro.packed.latent_is_target, strict=True) if target
            ]
    assert 0.25 < np.mean([level == 1 for level in levels["interleaved"]]) < 0.75
    assert levels["t2i"] and max(levels["t2i"]) < 1


class Turned(PixelStore):
    """Images as they would be, had they been delivered turned."""

    def __init__(self, turn: int) -> None:
        super().__init__()
        self._turn = turn

    def sized(self, image: Image, transform: ImageTransform, num_images: int = 1) -> np.ndarray:
        return turned(super().sized(image, transform, num_images), self._turn)


def test_a_turned_edit_is_the_edit_of_images_that_were_delivered_so_and_a_drawing_is_never_turned(
    started: Workspace, recipe: Recipe, index: SampleIndex
) -> None:
    maker = make(started, recipe, index, KEPT, turn_edits=True)
    visits = {turn_of("super_resolution", visit, "1:foundation", square=True): visit for visit in edits(index)}
    for turn in (1, 2, 4, 7):
        as_delivered = make(started, recipe, index, KEPT, pixels=Turned(turn))
        assert_equal(maker.build([visits[turn]]), as_delivered.build([visits[turn]]))
    upright = make(started, recipe, index, KEPT)
    drawings = [visit_of(maker.gatherer._index, DRAW, number) for number in range(5)]
    assert_equal(maker.build(drawings), upright.build(drawings))


def edits(index: SampleIndex) -> list[Visit]:
    return [visit_of(index, EDIT, number) for number in range(100)]


def assert_equal(found: MicroBatch, expected: MicroBatch) -> None:
    for name in ("vit_patches", "latents", "text_ids"):
        assert torch.equal(getattr(found.packed, name), getattr(expected.packed, name)), name
    assert torch.equal(found.noise, expected.noise) and torch.equal(found.sigma, expected.sigma)


def test_an_edit_is_clean_latents_vit_instruction_and_noised_copies(maker: BatchMaker) -> None:
    micro = maker.build([visit_of(maker.gatherer._index, EDIT, 0)])
    assert micro.packed.attention_modes == ("full", "full", "causal", "noise", "noise")
    assert micro.packed.latent_is_target == (False, True, True)
    levels = micro.sigma.split(list(micro.packed.latent_lens))
    assert (levels[0] == 0).all() and 0 < levels[1][0] < 1 and levels[1].unique().numel() == 1
    assert levels[1][0] != levels[2][0], "each noised copy has its own level"
    copies = micro.packed.latents.split(list(micro.packed.latent_lens))
    torch.testing.assert_close(copies[1], copies[2], rtol=0, atol=0)
    assert micro.noise.shape == micro.packed.latents.shape
    micro.packed.validate()


def test_texts_and_images_are_packed_in_the_order_of_the_conversation(maker: BatchMaker) -> None:
    seen = ImageShape(role=ImageRole.UNDERSTAND, width=SIDE, height=SIDE)
    asked, said = Text(text="CT"), Text(text="no", supervised=True)
    items = maker._layout.items([seen, asked, said, asked, seen, asked, said], Visit(0, 0, 0))
    kinds = [type(item).__name__ if isinstance(item, VitItem) else item.supervised for item in items]
    assert kinds == ["VitItem", False, True, False, "VitItem", False, True]
    assert [item.piece for item in items if isinstance(item, VitItem)] == [0, 4]
    assert not any(item.dropped for item in items)


def test_only_supervised_texts_have_labels(maker: BatchMaker) -> None:
    packed = maker.build([visit_of(maker.gatherer._index, ASK, 0)]).packed
    tokenizer = maker._layout.tokenizer
    end = tokenizer.special.end
    assert packed.label_ids.tolist() == [*tokenizer.encode("CT"), end, *tokenizer.encode("no"), end]
    assert len(maker.build([visit_of(maker.gatherer._index, DRAW, 0)]).packed.label_ids) == 0
    words = maker.build([visit_of(maker.gatherer._index, WORDS, 0)]).packed
    assert words.attention_modes == ("causal", "causal") and words.num_targets == 0


def test_planned_lengths_are_the_built_lengths_dropped_or_not(
    started: Workspace, recipe: Recipe, index: SampleIndex
) -> None:
    maker = make(started, recipe, index, ConditionDropout(text=0.5, vit=0.5, vae=0.5))
    columns = Lengths.count(index.layouts(), maker._layout)
    lengths = set()
    for pass_number in range(6):
        for name in (EDIT, DRAW, ASK, WORDS):
            visit = visit_of(maker.gatherer._index, name, pass_number)
            assert maker.build([visit]).packed.num_tokens == columns.of(visit, maker._layout)
            lengths.add((name, columns.of(visit, maker._layout)))
    assert len([1 for name, _ in lengths if name == EDIT]) > 2
    assert len([1 for name, _ in lengths if name == ASK]) == 1, "an answer's question was dropped"


def test_dropout_differs_from_pass_to_pass_and_has_its_share(
    started: Workspace, recipe: Recipe, index: SampleIndex
) -> None:
    maker = make(started, recipe, index, ConditionDropout(text=0.2, vit=0.4, vae=0.6))
    edits = [f"beta/interleaved-{n:02d}" for n in range(8)]
    found = [items_of(maker, name, p) for name in edits for p in range(50)]
    shares = [np.mean([items[place].dropped for items in found]) for place in range(3)]
    assert shares == pytest.approx([0.6, 0.4, 0.2], abs=0.08)
    assert not any(item.dropped for items in found for item in items if isinstance(item, LatentItem) and item.copies)


def test_a_micro_batch_is_its_samples_side_by_side(maker: BatchMaker) -> None:
    visits = [visit_of(maker.gatherer._index, name, 1) for name in (ASK, EDIT, WORDS, DRAW)]
    together, alone = maker.build(visits), [maker.build([visit]) for visit in visits]
    assert together.packed.sample_lens == tuple(m.packed.num_tokens for m in alone)
    for part in ("label_ids", "text_ids", "latents", "position_ids"):
        whole = torch.cat([getattr(m.packed, part) for m in alone])
        torch.testing.assert_close(getattr(together.packed, part), whole, rtol=0, atol=0)
    torch.testing.assert_close(together.sigma, torch.cat([m.sigma for m in alone]), rtol=0, atol=0)
    torch.testing.assert_close(together.noise, torch.cat([m.noise for m in alone]), rtol=0, atol=0)
    patches = torch.cat([m.packed.vit_patches for m in alone])
    torch.testing.assert_close(together.packed.vit_patches, patches, rtol=0, atol=1e-6)


def test_a_visit_is_the_same_in_another_process_and_other_in_another_pass(
    maker: BatchMaker, started: Workspace, recipe: Recipe, index: SampleIndex
) -> None:
    other = make(started, recipe, index, KEPT)

    def equal(a: MicroBatch, b: MicroBatch) -> bool:
        return torch.equal(a.noise, b.noise) and torch.equal(a.packed.vit_patches, b.packed.vit_patches)

    assert equal(
        maker.build([visit_of(maker.gatherer._index, EDIT, 0)]), other.build([visit_of(maker.gatherer._index, EDIT, 0)])
    )
    assert not equal(
        maker.build([visit_of(maker.gatherer._index, EDIT, 0)]), maker.build([visit_of(maker.gatherer._index, EDIT, 1)])
    )


def test_a_drawing_in_the_middle_is_followed_by_its_clean_copy(maker: BatchMaker) -> None:
    _, shapes = maker.gatherer._index.read_with_layout(visit_of(maker.gatherer._index, DRAW).number)
    items = maker._layout.items([*shapes, shapes[0]], visit_of(maker.gatherer._index, DRAW, 0))
    kinds = [(type(item).__name__, getattr(item, "copies", None)) for item in items]
    assert kinds == [("TextItem", None), ("LatentItem", 2), ("LatentItem", 0), ("VitItem", None), ("TextItem", None)]


def test_latents_are_recalled_with_the_same_bits_and_a_damaged_file_is_encoded_again(
    started: Workspace, recipe: Recipe, tmp_path
) -> None:
    _, autoencoder, _ = load_checkpoint(started.checkpoints / "start")
    stage = recipe.curriculum["foundation"]
    _, vae = image_transforms(recipe.model, vit_side=stage.vit_side, vae_side=stage.vae_side)
    first = LatentStore(autoencoder, vae, PixelStore(), name="x")
    (moments,) = first.moments([LatentImage(image(ImageRole.TARGET, 1))])
    first.keep(tmp_path)
    second = LatentStore(autoencoder, vae, PixelStore(), name="x")
    second.recall(tmp_path)
    assert list(second._kept) == [image(ImageRole.TARGET, 1).sha256]
    assert torch.equal(second.moments([LatentImage(image(ImageRole.TARGET, 1))])[0].mean, moments.mean)
    (tmp_path / "x.safetensors").write_bytes(b"damaged")
    third = LatentStore(autoencoder, vae, PixelStore(), name="x")
    third.recall(tmp_path)
    assert not third._kept


def test_latents_have_the_same_bits_whoever_is_encoded_beside_them(started: Workspace, recipe: Recipe) -> None:
    _, autoencoder, _ = load_checkpoint(started.checkpoints / "start")
    stage = recipe.curriculum["foundation"]
    _, vae = image_transforms(recipe.model, vit_side=stage.vit_side, vae_side=stage.vae_side)
    images = [LatentImage(image(ImageRole.TARGET, n), turn) for n in range(5) for turn in (0, 1)]
    whole = LatentStore(autoencoder, vae, PixelStore(), together=4).moments([*images, images[0]])
    alone = [LatentStore(autoencoder, vae, PixelStore(), together=4).moments([one])[0] for one in images]
    assert len(whole) == 11
    for found, expected in zip(whole, [*alone, alone[0]], strict=True):
        assert torch.equal(found.mean, expected.mean) and torch.equal(found.std, expected.std)
    assert not torch.equal(whole[0].mean, whole[1].mean), "a turned image has its own latents"


def test_what_a_loader_gathered_is_finished_to_the_same_bits(
    started: Workspace, recipe: Recipe, index: SampleIndex
) -> None:
    maker = make(started, recipe, index, ConditionDropout(text=0.2, vit=0.2, vae=0.2), turn_edits=True)
    visits = [visit_of(index, name, number) for name in (EDIT, DRAW, ASK, WORDS) for number in range(3)]
    loader = pickle.loads(pickle.dumps(maker.gatherer.for_loader(2)))
    gathered = pickle.loads(pickle.dumps(loader.decoded(loader.gather(visits))))
    assert not any(image.stored.data for one in gathered for image in one.images.values())
    assert_equal(make(started, recipe, index, KEPT).finish(gathered), maker.build(visits))


def test_augmentation_is_keyed_by_the_image_not_by_its_place_in_the_batch() -> None:
    images = [np.repeat(decode_stored(picture(n))[:, :, None], 3, 2) for n in range(3)]
    keys = [("k", n) for n in range(3)]
    whole, alone = augmented(images, keys), augmented(images[2:], keys[2:])
    torch.testing.assert_close(whole[2:], alone, rtol=0, atol=1e-6)
    assert whole.shape == (3, 3, SIDE, SIDE) and whole.min() >= -1 and whole.max() <= 1
    assert not torch.allclose(whole, plain(images), atol=0.05)
    assert not torch.equal(whole, augmented(images, [("other", n) for n in range(3)]))


def test_no_copies_more_than_asked_for(started: Workspace, recipe: Recipe, index: SampleIndex) -> None:
    once = make(started, replace(recipe), index, KEPT, copies=1)
    assert once.build([visit_of(index, DRAW, 0)]).packed.latent_is_target == (True,)


def test_images_of_a_question_share_the_pixels_of_one_and_those_of_an_edit_do_not(maker: BatchMaker) -> None:
    layout = replace(maker._layout, vit=replace(maker._layout.vit, min_side=8, max_pixels=1024))
    ask = [ImageShape(role=ImageRole.UNDERSTAND, width=32, height=32)] * 2 + [
        Text(text="Which?"),
        Text(text="Both.", supervised=True),
    ]
    edit = [ImageShape(role=ImageRole.CONDITION, width=32, height=32)] * 2 + [
        Text(text="Mix."),
        ImageShape(role=ImageRole.TARGET, width=32, height=32),
    ]
    grids = [[i.grid for i in layout.all_items(pieces) if isinstance(i, VitItem)] for pieces in (ask[1:], ask, edit)]
    # Half of the pixels take half of each side: the published rule scales by the ratio of areas.
    assert grids == [[(4, 4)], [(2, 2), (2, 2)], [(4, 4), (4, 4)]]


def test_the_pixels_that_are_read_are_those_of_the_plan(maker: BatchMaker, index: SampleIndex) -> None:
    transform = replace(maker._layout.vit, min_side=8, max_pixels=1024)
    store, stored = PixelStore(), image(ImageRole.UNDERSTAND, 3)
    sizes = [store.sized(stored, transform, number).shape[:2] for number in (1, 2, 1)]
    assert sizes == [transform.size(SIDE, SIDE, number)[::-1] for number in (1, 2, 1)] == [(32, 32), (16, 16), (32, 32)]
    # Equal sides of another stride are other pixels.
    other = replace(transform, stride=20)
    assert store.sized(stored, other).shape[:2] == (20, 20) == other.size(SIDE, SIDE)
