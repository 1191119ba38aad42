"""Answers and drawings from contexts, in batches whose make-up does not change a result.

Text: one token at a time until the end marker. Images: Euler steps from noise (sigma 1) to data (sigma 0) with guidance
away from a context without the last text, and away from one without images.
"""
# Shapes: B contexts, m latent tokens of one image, M of all, D latent_dim.

from collections.abc import Callable, Sequence
from functools import cache
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from model.context import CachedRows, Context, model_of, prefill
from model.decoder import Kept, Rotary, Streams
from model.extrapolation import Extrapolation
from model.guidance import GuidanceSettings, guide
from model.objective import euler_step
from model.packed import Grid
from model.residual import Drawn
from model.sequence_builder import SequenceBuilder

__all__ = [
    "Context",
    "Drawing",
    "Generated",
    "GuidanceSettings",
    "draw_images",
    "generate_image",
    "generate_text",
    "prefill",
    "score_text",
]

MAX_PLACES = 65_536
"""Cached and new places that one forward of score_text may hold."""


class Generated(NamedTuple):
    """One answer."""

    ids: tuple[int, ...]
    """Without its markers."""
    logprob: float
    """Sum of log-probabilities of ids and of the end marker, where it came, at temperature 1."""
    finish_reason: Literal["stop", "length"]


class Drawing(NamedTuple):
    """One drawn image."""

    tokens: Tensor
    """[m, D] normalised latents, float32."""
    kept: Tensor
    """[m] how much of the image before it each token keeps, 0 to 1: 0 throughout without model.residual_velocity."""


@torch.inference_mode()
def generate_text(
    contexts: Sequence[Context],
    *,
    max_new_tokens: int,
    temperature: float = 0.0,
    top_p: float = 1.0,
    generator: torch.Generator | None = None,
    stream: Callable[[int, int], None] | None = None,
) -> list[Generated]:
    """One answer per context; the contexts stay as they are.

    An answer has at most max_new_tokens tokens, the end marker counted. Temperature 0 takes the likeliest token. Above 0
    each context gets a random stream of its own, seeded from generator in order, so that batches of any size agree.
    stream is called with (number of the context, token id) as each token is chosen, the end marker excluded.
    """
    if max_new_tokens < 1:
        raise ValueError(f"max_new_tokens must be at least 1, got {max_new_tokens}")
    if not contexts:
        return []
    model = model_of(contexts)
    choose = _chooser(len(contexts), temperature, top_p, generator)
    prefill(contexts)
    rows = CachedRows(contexts, room=max_new_tokens)
    answers = [_Answer() for _ in contexts]
    alive = list(range(len(contexts)))
    begins = torch.tensor([context.position for context in contexts], device=model.device)
    # The angles of every step at once: [B, steps, 1, d / 2].
    positions = begins[:, None] + torch.arange(max_new_tokens, device=model.device)
    cos, sin = (table.unflatten(0, positions.shape) for table in model.rotary_at(positions.flatten()))
    token = torch.tensor([context.special.start for context in contexts], device=model.device)
    no_latents = torch.empty(0, model.config.llm.hidden_size, dtype=model.dtype, device=model.device)
    for step in range(max_new_tokens):
        states = model.language_model.model(
            Streams(model.embed_text(token), no_latents),
            Rotary(cos[:, step], sin[:, step]),
            lambda layer, step=step: rows.next_token(layer, step),
        )
        logits = model.language_model.lm_head(states.und).float()
        token = choose(logits, alive)
        logprob = logits.log_softmax(-1).gather(-1, token[:, None])[:, 0].tolist()
        for number, chosen, gain in zip(alive, token.tolist(), logprob, strict=True):
            answer = answers[number]
            if answer.take(chosen, gain, contexts[number].special.end) and stream is not None:
                stream(number, chosen)
        left = [place for place, number in enumerate(alive) if not answers[number].is_finished]
        if not left:
            break
        # Finished rows run along until they are half of the batch: copying the cache is not free either.
        if 2 * len(left) <= len(alive):
            index = torch.tensor(left, device=model.device)
            rows.keep(index)
            cos, sin, token = cos[index], sin[index], token[index]
            alive = [alive[place] for place in left]
    return [answer.result() for answer in answers]


@torch.inference_mode()
def score_text(contexts: Sequence[Context], answers: Sequence[Sequence[Sequence[int]]]) -> list[list[float]]:
    """Log-probability of each answer (its ids and the end marker) after its context: answers[b][a] are ids."""
    if len(contexts) != len(answers):
        raise ValueError(f"{len(contexts)} contexts but answers for {len(answers)}")
    pairs = [(context, tuple(ids)) for context, options in zip(contexts, answers, strict=True) for ids in options]
    if not pairs:
        return [[] for _ in contexts]
    prefill(contexts)
    places = max(context.num_tokens for context, _ in pairs) + max(len(ids) for _, ids in pairs) + 2
    size = max(1, MAX_PLACES // places)
    scores = iter([score for i in range(0, len(pairs), size) for score in _score(pairs[i : i + size])])
    return [[next(scores) for _ in options] for options in answers]


@torch.inference_mode()
def generate_image(
    contexts: Sequence[Context],
    text_dropped: Sequence[Context],
    image_dropped: Sequence[Context],
    grids: Sequence[Grid],
    settings: GuidanceSettings,
    noises: Sequence[Tensor],
) -> list[Tensor]:
    """Normalised latent tokens [m, D] float32 of one image per context: the first half of draw_images."""
    return [image.tokens for image in draw_images(contexts, text_dropped, image_dropped, grids, settings, noises)]


@torch.inference_mode()
def draw_images(
    contexts: Sequence[Context],
    text_dropped: Sequence[Context],
    image_dropped: Sequence[Context],
    grids: Sequence[Grid],
    settings: GuidanceSettings,
    noises: Sequence[Tensor],
) -> list[Drawing]:
    """One image per context, from noises [m, D]; contexts stay as they are.

    text_dropped and image_dropped stand beside contexts one to one; each is read only where its guidance is on.
    """
    counts = {len(contexts), len(text_dropped), len(image_dropped), len(grids), len(noises)}
    if len(counts) != 1:
        raise ValueError(f"contexts, dropped contexts, grids and noises must agree in number, got {sorted(counts)}")
    if not contexts:
        return []
    sigmas = settings.sigmas()
    guided = [settings.guides_at(sigma) for sigma in sigmas[:-1].tolist()]
    dropped = [text_dropped, *([image_dropped] if settings.image_scale > 1 else [])] if any(guided) else []
    velocities = (_apart if settings.extrapolates else _together)([contexts, *dropped], grids)
    x = torch.cat([noise.float() for noise in noises]).to(model_of(contexts).device)
    lengths = [noise.shape[0] for noise in noises]
    image_of = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths)).to(x.device)
    kept = x.new_zeros(len(x))
    for step, is_guided in enumerate(guided):
        (velocity, *others), kept = velocities(x, sigmas[step], is_guided)
        if is_guided:
            velocity = guide((velocity, *others), settings, image_of, len(contexts))
        x = euler_step(x, velocity, sigmas[step], sigmas[step + 1])
    return [Drawing(*pair) for pair in zip(x.split(lengths), kept.split(lengths), strict=True)]


class _Answer:
    """An answer as it grows."""

    def __init__(self) -> None:
        self._ids: list[int] = []
        self._logprob = 0.0
        self.is_finished = False

    def take(self, token: int, logprob: float, end: int) -> bool:
        """Whether the token belongs to the answer; the end marker finishes it."""
        if self.is_finished:
            return False
        self._logprob += logprob
        self.is_finished = token == end
        if not self.is_finished:
            self._ids.append(token)
        return not self.is_finished

    def result(self) -> Generated:
        return Generated(tuple(self._ids), self._logprob, "stop" if self.is_finished else "length")


def _chooser(
    count: int, temperature: float, top_p: float, generator: torch.Generator | None
) -> Callable[[Tensor, list[int]], Tensor]:
    """logits [b, vocab] of the contexts with these numbers -> token [b]."""
    if temperature < 0 or not 0 < top_p <= 1:
        raise ValueError(f"temperature must be 0 or more and top_p in (0, 1], got {temperature} and {top_p}")
    if temperature == 0:
        return lambda logits, _: logits.argmax(-1)
    if generator is None:
        raise ValueError("a temperature above 0 needs a generator")
    seeds = torch.randint(2**62, (count,), generator=generator).tolist()
    streams = [torch.Generator().manual_seed(seed) for seed in seeds]

    def choose(logits: Tensor, numbers: list[int]) -> Tensor:
        uniform = torch.cat([torch.rand(1, generator=streams[number], dtype=torch.float64) for number in numbers])
        sorted_p, order = (logits / temperature).softmax(-1).double().sort(dim=-1, descending=True, stable=True)
        before = sorted_p.cumsum(-1) - sorted_p
        kept = torch.where(before < top_p, sorted_p, 0.0)
        reached = kept.cumsum(-1) > uniform.to(logits.device)[:, None] * kept.sum(-1, keepdim=True)
        return order.gather(-1, reached.int().argmax(-1, keepdim=True))[:, 0]

    return choose


def _score(pairs: Sequence[tuple[Context, tuple[int, ...]]]) -> list[float]:
    model = model_of([context for context, _ in pairs])
    builder = SequenceBuilder(pairs[0][0].special, model.config)
    for context, ids in pairs:
        builder.start_sample(context.position)
        builder.add_text(ids, supervised=True)
        builder.end_sample()
    packed = builder.build().to(model.device)
    rows = CachedRows([context for context, _ in pairs], room=max(packed.sample_lens))
    # Every token is text here, so its place in the stream is its place in the sequence.
    kept = Kept(packed.label_token_index, packed.latent_token_index)
    x = model.embed(packed, packed.latents, packed.latents.new_zeros(0))
    states = model.language_model.model(x, model.rotary(packed), rows.attention(packed), kept)
    logprobs = model.language_model.lm_head(states.und).float().log_softmax(-1)
    of_label = logprobs.gather(-1, packed.label_ids[:, None])[:, 0].cpu()
    return [float(part.sum()) for part in of_label.split([len(ids) + 1 for _, ids in pairs])]


_Said = tuple[tuple[Tensor, ...], Tensor]
"""(the velocity [M, D] of each branch, what the first branch keeps of the images before [M]), float32."""
_Velocities = Callable[[Tensor, Tensor, bool], _Said]
"""(x [M, D], its noise level, whether the step is guided) -> what the branches say that the step reads."""


def _together(branches: Sequence[Sequence[Context]], grids: Sequence[Grid]) -> _Velocities:
    """All branches in one forward."""
    everything = [context for branch in branches for context in branch]
    prefill(everything)
    velocity_of = cache(lambda is_guided: _Velocity(everything if is_guided else branches[0], grids))
    return lambda x, sigma, is_guided: velocity_of(is_guided)(x, sigma)


def _apart(branches: Sequence[Sequence[Context]], grids: Sequence[Grid]) -> _Velocities:
    """Each branch in a forward of its own, where it is computed at all: each counts its own steps."""
    prefill([context for branch in branches for context in branch])
    one_by_one = [_Velocity(branch, grids, Extrapolation()) for branch in branches]

    def velocities(x: Tensor, sigma: Tensor, is_guided: bool) -> _Said:
        said = [branch(x, sigma) for branch in one_by_one[: None if is_guided else 1]]
        return tuple(found for velocities, _ in said for found in velocities), said[0][1]

    return velocities


class _Velocity:
    """The velocity of images behind several branches of contexts, all in one forward."""

    def __init__(
        self, contexts: Sequence[Context], grids: Sequence[Grid], extrapolation: Extrapolation | None = None
    ) -> None:
        self._extrapolation = extrapolation
        self._model = model_of(contexts)
        config = self._model.config
        self._num_branches = len(contexts) // len(grids)
        builder = SequenceBuilder(contexts[0].special, config)
        for context, (rows, columns) in zip(contexts, [*grids] * self._num_branches, strict=True):
            builder.start_sample(context.position)
            builder.goes_on_from(context.given)
            builder.add_latent(torch.zeros(rows * columns, config.latent_dim), (rows, columns), target=True)
            builder.end_sample()
        self._packed = builder.build().to(self._model.device)
        cache = CachedRows(contexts, room=max(self._packed.sample_lens))
        self._attention = cache.attention(self._packed)
        self._rotary = self._model.rotary(self._packed)
        self._markers = self._model.embed_text(self._packed.text_ids)
        nothing = torch.empty(0, dtype=torch.int64, device=self._model.device)
        self._kept = Kept(nothing, self._packed.target_index)

    def __call__(self, x: Tensor, sigma: Tensor) -> _Said:
        """What the branches say of x [M, D] at one noise level."""
        decoder = self._model.language_model.model
        if self._extrapolation is None:
            states = self._states(x, sigma)
        else:
            states = self._extrapolation.next(lambda: self._states(x, sigma))
        normalised = decoder.normalise(Streams(self._markers[:0], states)).gen
        noisy, levels = x.repeat(self._num_branches, 1), sigma.to(x.device).expand(len(normalised))
        velocity = self._model.velocity(normalised, Drawn(noisy, levels, self._packed.given)).float()
        return velocity.chunk(self._num_branches), self._model.kept(normalised[: len(x)])

    def _states(self, x: Tensor, sigma: Tensor) -> Tensor:
        """The last layer's states of the latent tokens of every branch."""
        ids = self._packed.latent_position_ids[: x.shape[0]]
        levels, given = sigma.to(x.device).expand(x.shape[0]), self._packed.given
        if self._model.config.residual_velocity:
            # The branches differ in what they were given.
            latents = self._model.embed_latents(
                x.repeat(self._num_branches, 1),
                levels.repeat(self._num_branches),
                ids.repeat(self._num_branches),
                given,
            )
        else:
            latents = self._model.embed_latents(x, levels, ids, given).repeat(self._num_branches, 1)
        streams = Streams(self._markers, latents)
        decoder = self._model.language_model.model
        return decoder.through_layers(streams, self._rotary, self._attention, self._kept).gen
