"""The network's speed: against transformers at the same size, against itself without caches, against the machine.

Only the ratios of one run count: both sides take turns, on a machine that others may be using. Weights are random, since
what is computed does not depend on them. Training at the published layer shapes is `gpu`'s.

torch.compile is left out: on two AVX2 cores an MLP of these sizes, forward and backward, gained 4 % (within the noise)
after 136 seconds of compiling.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from model.generation import Context, GuidanceSettings, generate_image, generate_text, prefill
from model.objective import draw, summed_losses
from model.sequence_builder import SequenceBuilder
from model.unimedvl import UniMedVL
from tests.benchmarks import network
from tests.benchmarks.contest import Contest, rate
from tests.benchmarks.figures import Figure, report

THREADS = 2
PEAK_SIZES = (1024, 2048, 3072)
PROMPT_TOKENS, NEW_TOKENS = 96, 48
GUIDANCE = GuidanceSettings(
    num_timesteps=11, text_scale=4.0, image_scale=2.0, interval=(0.0, 1.0), renorm="text_channel"
)


def main(arguments: list[str] | None = None) -> int:
    argparse.ArgumentParser(description=__doc__).parse_args(arguments)
    return report("model", measured())


def measured() -> Iterator[Figure]:
    """Each contest; the short ones have more turns."""
    torch.set_num_threads(THREADS)
    yield padded_training().run(3)
    yield matmul_peak().run(5)
    yield guided_drawing().run(3)
    yield decoding_one().run(9)
    yield decoding_eight().run(9)


def padded_training() -> Contest:
    """Training steps on packed mixed samples; the peer has each sample in a row of a rectangle."""
    packed = network.mixed_samples()
    ours = network.our_network()
    peer = network.PaddedPeer(network.our_network(), packed)
    step, peer_step = _training_step(ours), _step(peer.loss, peer.parameters)
    return Contest(
        name="model.train_packed",
        peer_name="transformers on the padded rectangle",
        unit="tokens/s",
        goal=1.6,
        ours=lambda: rate(packed.num_tokens, step),
        peer=lambda: rate(packed.num_tokens, peer_step),
    )


def matmul_peak() -> Contest:
    """Operations of a training step per second; the peer is the fastest of a few large matrix products."""
    step = _training_step(network.our_network())
    operations = _training_operations()
    return Contest(
        name="model.share_of_peak",
        peer_name="the machine's best matrix product",
        unit="FLOP/s",
        goal=0.55,
        ours=lambda: rate(operations, step),
        peer=_best_product,
    )


def guided_drawing() -> Contest:
    """Edits guided away from no text and from no image; the peer runs every branch from its first token at each step."""
    model = network.our_network().eval()
    generator = torch.Generator().manual_seed(0)
    clean, vit, words = network.latents(12), network.patches(14), network.text(30, 0)
    noise, grid = torch.randn(144, network.CONFIG.latent_dim, generator=generator), (12, 12)
    steps = GUIDANCE.num_timesteps - 1

    def draw_cached() -> None:
        main, image_dropped = Context(model, network.SPECIAL), Context(model, network.SPECIAL)
        main.add_latent(*clean)
        main.add_vit(*vit)
        prefill([main])  # so that the copy shares it, as the predictor does
        text_dropped = main.copy()
        main.add_text(words)
        image_dropped.add_text(words)
        generate_image([main], [text_dropped], [image_dropped], [grid], GUIDANCE, [noise])

    branches = []
    for has_image, has_text in ((True, True), (True, False), (False, True)):
        builder = SequenceBuilder(network.SPECIAL, network.CONFIG)
        builder.start_sample()
        if has_image:
            builder.add_latent(*clean, target=False)
            builder.add_vit(*vit)
        if has_text:
            builder.add_text(words, supervised=False)
        builder.add_latent(noise, grid, target=True)
        builder.end_sample()
        branches.append(builder.build())

    @torch.inference_mode()
    def draw_uncached() -> None:
        for sigma in GUIDANCE.sigmas()[:-1]:
            for packed in branches:
                is_target = torch.zeros(len(packed.latents))
                is_target[packed.target_index] = 1.0
                model(packed, packed.latents, is_target * sigma)

    return Contest(
        name="model.draw_guided",
        peer_name="three uncached forwards a step",
        unit="steps/s",
        goal=2.0,
        ours=lambda: rate(steps, draw_cached),
        peer=lambda: rate(steps, draw_uncached),
    )


def decoding_one() -> Contest:
    return _decoding(1)


def decoding_eight() -> Contest:
    return _decoding(8)


def _decoding(batch: int) -> Contest:
    """Greedy answers of a fixed length, prompt included; the peer is transformers' generate."""
    model, peer = network.our_network().eval(), network.peer_network().eval()
    prompts = [network.text(PROMPT_TOKENS, number) for number in range(batch)]
    ids = torch.tensor(prompts)

    def answer() -> None:
        contexts = [Context(model, network.SPECIAL) for _ in prompts]
        for context, prompt in zip(contexts, prompts, strict=True):
            context.add_text(prompt[:-2])
        answers = generate_text(contexts, max_new_tokens=NEW_TOKENS)
        assert all(len(one.ids) == NEW_TOKENS for one in answers), "an answer ended early"

    @torch.inference_mode()
    def generate() -> None:
        out = peer.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=NEW_TOKENS,
            do_sample=False,
        )
        assert out.shape[1] == PROMPT_TOKENS + NEW_TOKENS

    tokens = batch * NEW_TOKENS
    return Contest(
        name=f"model.decode_batch{batch}",
        peer_name="transformers' generate",
        unit="tokens/s",
        goal=1.0,
        ours=lambda: rate(tokens, answer),
        peer=lambda: rate(tokens, generate),
    )


def _training_step(model: UniMedVL) -> Callable[[], None]:
    """Forward, backward and update on the mixed samples."""
    packed = network.mixed_samples()
    chance = draw(packed, torch.Generator().manual_seed(0), 1.0)

    def loss() -> Tensor:
        losses = summed_losses(model, packed, *chance)
        return losses.text_loss_sum / losses.num_text_targets + losses.image_loss_sum / losses.num_image_targets

    return _step(loss, [p for p in model.parameters() if p.requires_grad])


def _step(loss: Callable[[], Tensor], parameters: list[nn.Parameter]) -> Callable[[], None]:
    optimizer = torch.optim.AdamW([p for p in parameters if p.requires_grad], lr=1e-4, fused=True)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss().backward()
        optimizer.step()

    return step


def _training_operations() -> float:
    """Of one step: matrix products and convolutions as counted, and attention as published, over real tokens alone."""
    llm, lens = network.LLM, network.mixed_samples().sample_lens
    step = _training_step(network.our_network())
    with FlopCounterMode(display=False) as counter:
        step()
    attention = 12 * llm.head_dim * llm.num_heads * llm.num_layers * sum(length**2 for length in lens)
    return counter.get_total_flops() + attention


def _best_product() -> float:
    """FLOP/s of the fastest float32 product."""
    best = 0.0
    for size in PEAK_SIZES:
        left, right = torch.randn(size, size), torch.randn(size, size)
        for _ in range(max(1, 3072 // size)):
            best = max(best, rate(2 * size**3, lambda left=left, right=right: torch.mm(left, right)))
    return best


if __name__ == "__main__":
    sys.exit(main())
