"""Training steps at the published layer shapes, cut in depth, on one GPU: utilisation and memory, by attention back end.
Without a GPU there is nothing to measure, and standard error says so."""

import argparse
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import torch

from model.config import AttentionChoice, LLMConfig
from model.objective import draw, summed_losses
from tests.benchmarks import network
from tests.benchmarks.figures import Figure, report, say, within

PEAK_FLOPS = {"H100": 989e12, "H200": 989e12, "H800": 989e12, "A100": 312e12, "A800": 312e12, "L40": 181.05e12}
"""bf16, dense, by a part of the device's name."""
LLM = LLMConfig(
    hidden_size=3584,
    num_layers=4,
    num_heads=28,
    num_kv_heads=4,
    intermediate_size=18944,
    vocab_size=32768,
    experts="mot",
)
TURNS = 5


def main(arguments: list[str] | None = None) -> int:
    argparse.ArgumentParser(description=__doc__).parse_args(arguments)
    return report("gpu", measured())


def measured() -> Iterator[Figure]:
    """Two figures for each attention back end; none without a GPU."""
    if not torch.cuda.is_available():
        say("no GPU here: nothing of this is tried")
        return
    for choice in ("sdpa", "flex"):
        yield from _run(choice)


def _run(attention: AttentionChoice) -> Iterator[Figure]:
    """Forward, backward and update in bfloat16: operations beside the device's peak, memory beside the device's own."""
    config = replace(network.CONFIG, llm=LLM, max_latent_size=64)
    model = network.our_network(config, device="cuda", dtype=torch.bfloat16)
    model.attention = attention
    packed = network.mixed_samples(config, scale=2)
    chance = draw(packed, torch.Generator().manual_seed(0), 1.0)
    packed = packed.to("cuda")
    sigma, noise = (x.to("cuda") for x in chance)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-5, fused=True)
    torch.cuda.reset_peak_memory_stats()

    def step() -> float:
        torch.cuda.synchronize()
        begun = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        losses = summed_losses(model, packed, sigma, noise)
        (losses.text_loss_sum / losses.num_text_targets + losses.image_loss_sum / losses.num_image_targets).backward()
        optimizer.step()
        torch.cuda.synchronize()
        return time.perf_counter() - begun

    for _ in range(2):
        step()
    seconds = statistics.median(step() for _ in range(TURNS))
    name = torch.cuda.get_device_name()
    note = f"{packed.num_tokens / seconds:.0f} tokens/s on {name}"
    # Not a number is no JSON: where the peak is unknown, there is nothing to measure beside.
    peak = next((flops for part, flops in PEAK_FLOPS.items() if part in name), None)
    speed = _operations(packed.sample_lens) / seconds
    if peak is not None:
        yield Figure(
            name=f"gpu.share_of_peak_{attention}",
            value=speed,
            unit="FLOP/s by the published formula (one expert, no ViT)",
            peer="bf16 peak",
            peer_value=peak,
            ratio=speed / peak,
            goal=None,
            note=note,
        )
    held, memory = torch.cuda.max_memory_allocated(), torch.cuda.get_device_properties(0).total_memory
    yield within(f"gpu.memory_{attention}", held, "bytes", memory, of="the device's memory", note=note)


def _operations(lens: tuple[int, ...]) -> float:
    """Floating-point operations of a training step, as BAGEL counts them."""
    d, width = LLM.head_dim, LLM.hidden_size
    projections = width * (2 * LLM.num_heads * d + 2 * LLM.num_kv_heads * d)
    weights = LLM.num_layers * (3 * width * LLM.intermediate_size + projections) + 2 * LLM.vocab_size * width
    attention = 12 * d * LLM.num_heads * LLM.num_layers * sum(length**2 for length in lens)
    return 6 * weights * sum(lens) + attention


if __name__ == "__main__":
    sys.exit(main())
