"""What holds for any mix of samples, in any order of their pieces."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import accumulate

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close

from model.attention import AttentionLayout, attend
from model.config import LLMConfig, ModelConfig, VAEConfig, ViTConfig
from model.context import Context
from model.generation import GuidanceSettings, generate_image, generate_text
from model.objective import Draw, draw, euler_step, interpolate, summed_losses
from model.packed import PackedSequence, SpecialTokens
from model.sequence_builder import SequenceBuilder
from model.unimedvl import UniMedVL

SPECIAL = SpecialTokens(start=36, end=37, image_start=38, image_end=39)
WORDS = 36


@dataclass(frozen=True)
class Piece:
    """A text of as many ids as its seed says, or an image of rows x columns patches."""

    kind: str
    seed: int
    rows: int = 0
    columns: int = 0

    @property
    def is_text(self) -> bool:
        return self.kind in ("question", "answer")

    @property
    def ids(self) -> list[int]:
        return torch.randint(WORDS, (1 + self.seed % 5,), generator=self._generator).tolist()

    @property
    def content(self) -> Tensor:
        """Patches or latent tokens."""
        width = network().config.vit_patch_dim if self.kind == "vit" else network().config.latent_dim
        return torch.randn(self.rows * self.columns, width, generator=self._generator)

    @property
    def length(self) -> int:
        return 2 + (len(self.ids) if self.is_text else self.rows * self.columns)

    @property
    def _generator(self) -> torch.Generator:
        return torch.Generator().manual_seed(self.seed)


Sample = tuple[Piece, ...]

TEXTS = st.builds(Piece, st.sampled_from(["question", "answer"]), st.integers(0, 10_000))
IMAGES = st.builds(
    Piece, st.sampled_from(["vit", "clean", "target"]), st.integers(0, 10_000), st.integers(1, 3), st.integers(1, 3)
)
SAMPLES = st.lists(st.one_of(TEXTS, IMAGES), min_size=1, max_size=5).map(tuple)
BATCHES = st.lists(SAMPLES, min_size=1, max_size=4)
CONTEXTS = SAMPLES.map(lambda sample: tuple(piece for piece in sample if piece.kind not in ("answer", "target")))
FEW = settings(max_examples=25, deadline=None, derandomize=True)


@cache
def network() -> UniMedVL:
    """Small, with several key heads, both experts, and a velocity head that is not zero."""
    model = UniMedVL(
        ModelConfig(
            llm=LLMConfig(
                hidden_size=24, num_layers=2, num_heads=4, num_kv_heads=2, intermediate_size=32, vocab_size=40
            ),
            vit=ViTConfig(hidden_size=16, intermediate_size=24, num_heads=2, num_layers=1, patch_size=4, image_size=16),
            vae=VAEConfig(
                block_out_channels=(8, 8),
                layers_per_block=1,
                latent_channels=2,
                norm_num_groups=4,
                latents_mean=(0.0, 0.0),
                latents_std=(1.0, 1.0),
            ),
            max_latent_size=4,
            vit_max_patches_per_side=4,
        )
    )
    generator = torch.Generator().manual_seed(1)
    model.init_weights(generator, residual_scale=False, gen_key_equals_query=False, std=0.2)
    torch.nn.init.normal_(model.llm2vae.weight, std=0.2, generator=generator)
    return model


def packed_of(samples: Sequence[Sample]) -> PackedSequence:
    builder = SequenceBuilder(SPECIAL, network().config)
    for sample in samples:
        builder.start_sample()
        for piece in sample:
            add(builder, piece)
        builder.end_sample()
    packed = builder.build()
    packed.validate()
    return packed


def add(builder: SequenceBuilder, piece: Piece) -> None:
    if piece.is_text:
        builder.add_text(piece.ids, supervised=piece.kind == "answer")
    elif piece.kind == "vit":
        builder.add_vit(piece.content, (piece.rows, piece.columns))
    else:
        builder.add_latent(piece.content, (piece.rows, piece.columns), target=piece.kind == "target")


def context_of(sample: Sample) -> Context:
    context = Context(network(), SPECIAL)
    for piece in sample:
        if piece.is_text:
            context.add_text(piece.ids)
        elif piece.kind == "vit":
            context.add_vit(piece.content, (piece.rows, piece.columns))
        else:
            context.add_latent(piece.content, (piece.rows, piece.columns))
    return context


def chance(packed: PackedSequence) -> Draw:
    return draw(packed, torch.Generator().manual_seed(3), 1.0)


@torch.no_grad()
def states(packed: PackedSequence) -> Tensor:
    """Last states of all tokens, in sequence order."""
    model, layout = network(), AttentionLayout.from_packed(packed)
    sigma, noise = chance(packed)
    streams = model.embed(packed, interpolate(packed.latents, noise, sigma), sigma)
    attended = model.language_model.model(
        streams, model.rotary(packed), lambda _: lambda q, k, v: attend(q, k, v, layout)
    )
    order = torch.cat([packed.text_token_index, packed.vit_token_index, packed.latent_token_index])
    return torch.cat(attended)[order.argsort()]


@FEW
@given(BATCHES, st.randoms(use_true_random=False))
def test_a_change_reaches_later_tokens_of_its_sample_and_from_a_target_none(samples, random):
    which = random.randrange(len(samples))
    place = random.randrange(len(samples[which]))
    piece = samples[which][place]
    # Same length, other content: five is what a text's length is counted by.
    changed = [list(sample) for sample in samples]
    changed[which][place] = replace(piece, seed=piece.seed + 5 * (1 + random.randrange(50)))
    before, after = states(packed_of(samples)), states(packed_of([tuple(sample) for sample in changed]))
    starts = list(accumulate((piece.length for piece in samples[which]), initial=0))
    offset = sum(piece.length for sample in samples[:which] for piece in sample)
    first, end = offset + starts[place], offset + (starts[place + 1] if piece.kind == "target" else starts[-1])
    may_change = torch.zeros(len(before), dtype=torch.bool)
    may_change[first:end] = True
    assert_close(before[~may_change], after[~may_change], atol=1e-6, rtol=0)
    if not piece.is_text or changed[which][place].ids != piece.ids:
        assert (before[may_change] - after[may_change]).abs().max() > 1e-4


@FEW
@given(BATCHES)
def test_what_was_packed_can_be_read_back(samples):
    packed = packed_of(samples)
    token_of = torch.full((packed.num_tokens,), -1)
    token_of[packed.text_token_index] = packed.text_ids
    streams = {"vit": (packed.vit_token_index, packed.vit_patches)}
    streams |= dict.fromkeys(("clean", "target"), (packed.latent_token_index, packed.latents))
    places = iter(torch.arange(packed.num_tokens).split(list(packed.split_lens)))
    labels = dict(zip(packed.label_token_index.tolist(), packed.label_ids.tolist(), strict=True))
    targets = set(packed.latent_token_index[packed.target_index].tolist())
    for sample in samples:
        for piece in sample:
            own = next(places)
            if piece.is_text:
                assert token_of[own].tolist() == [SPECIAL.start, *piece.ids, SPECIAL.end]
                expected = [*piece.ids, SPECIAL.end] if piece.kind == "answer" else []
                assert [labels.pop(i) for i in own.tolist() if i in labels] == expected
                continue
            assert token_of[own[[0, -1]]].tolist() == [SPECIAL.image_start, SPECIAL.image_end]
            index, rows = streams[piece.kind]
            assert torch.equal(rows[torch.isin(index, own[1:-1])], piece.content)
            assert (set(own[1:-1].tolist()) <= targets) == (piece.kind == "target")
    assert not labels
    assert next(places, None) is None


@FEW
@given(BATCHES)
@torch.no_grad()
def test_the_loss_of_a_batch_is_the_token_weighted_mean_of_its_samples(samples):
    packed, (sigma, noise) = packed_of(samples), chance(packed_of(samples))
    together = summed_losses(network(), packed, sigma, noise)
    alone, start = [], 0
    for sample in samples:
        own = packed_of([sample])
        part = slice(start, start + len(own.latents))
        alone.append(summed_losses(network(), own, sigma[part], noise[part]))
        start = part.stop
    for kind in ("text", "image"):
        counts = [getattr(losses, f"num_{kind}_targets") for losses in alone]
        means = [
            getattr(losses, f"{kind}_loss_sum") / count.clamp(min=1)
            for losses, count in zip(alone, counts, strict=True)
        ]
        count = getattr(together, f"num_{kind}_targets")
        assert sum(map(float, counts)) == float(count)
        weighted = sum(float(mean) * float(n) for mean, n in zip(means, counts, strict=True))
        assert float(getattr(together, f"{kind}_loss_sum")) == pytest.approx(weighted, rel=1e-5, abs=1e-5)


@FEW
@given(CONTEXTS)
def test_an_answer_from_a_cache_is_the_one_without(sample):
    (answer,) = generate_text([context_of(sample)], max_new_tokens=5)
    ids = [*answer.ids, SPECIAL.end][:5]
    builder = SequenceBuilder(SPECIAL, network().config)
    builder.start_sample()
    for piece in sample:
        add(builder, piece)
    builder.add_text(answer.ids, supervised=True)
    builder.end_sample()
    packed = builder.build()
    with torch.no_grad():
        logits = network()(packed, packed.latents, torch.zeros(len(packed.latents))).text_logits[: len(ids)]
    chosen = logits.gather(1, torch.tensor(ids)[:, None])[:, 0]
    assert_close(chosen, logits.max(-1).values, atol=1e-4, rtol=0)
    assert answer.logprob == pytest.approx(float((chosen - logits.logsumexp(-1)).sum()), abs=1e-4)


@FEW
@given(CONTEXTS, st.integers(0, 10_000))
def test_a_drawing_from_a_cache_is_the_one_without(sample, seed):
    target = Piece("target", seed, 2, 3)
    steps = GuidanceSettings(num_timesteps=3, text_scale=1.0)
    context = context_of(sample)
    (drawn,) = generate_image([context], [context], [context], [(2, 3)], steps, [target.content])
    packed, x, sigmas = packed_of([(*sample, target)]), target.content, steps.sigmas()
    clean = packed.latents[: -len(x)]
    for number in range(2):
        sigma = torch.cat([torch.zeros(len(clean)), sigmas[number].expand(len(x))])
        with torch.no_grad():
            velocity = network()(packed, torch.cat([clean, x]), sigma).velocity
        x = euler_step(x, velocity, sigmas[number], sigmas[number + 1])
    assert_close(drawn, x, atol=1e-5, rtol=1e-5)


@FEW
@given(st.lists(CONTEXTS, min_size=2, max_size=5))
def test_answers_in_a_batch_are_those_alone(samples):
    together = generate_text([context_of(sample) for sample in samples], max_new_tokens=4)
    for sample, answer in zip(samples, together, strict=True):
        (alone,) = generate_text([context_of(sample)], max_new_tokens=4)
        assert (alone.ids, alone.finish_reason) == (answer.ids, answer.finish_reason)
        assert alone.logprob == pytest.approx(answer.logprob, abs=1e-4)


@FEW
@given(
    st.lists(st.tuples(CONTEXTS, CONTEXTS, CONTEXTS, st.integers(1, 3), st.integers(1, 3)), min_size=2, max_size=3),
    st.sampled_from(["global", "channel", "text_channel"]),
    st.sampled_from([1.0, 2.0]),
)
def test_drawings_in_a_batch_are_those_alone(requests, renorm, image_scale):
    settings = GuidanceSettings(num_timesteps=3, text_scale=3.0, image_scale=image_scale, renorm=renorm)
    grids = [(rows, columns) for *_, rows, columns in requests]
    noises = [Piece("target", number, *grid).content for number, grid in enumerate(grids)]
    branches = [[context_of(request[branch]) for request in requests] for branch in range(3)]
    together = generate_image(branches[0], branches[1], branches[2], grids, settings, noises)
    for number, drawn in enumerate(together):
        own = [[branch[number]] for branch in branches]
        (alone,) = generate_image(own[0], own[1], own[2], [grids[number]], settings, [noises[number]])
        assert_close(drawn, alone, atol=2e-5, rtol=1e-5)
