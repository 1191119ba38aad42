"""Training steps at the published layer shapes, cut in depth, on one GPU: utilisation and memory."""

import statistics
import time
from dataclasses import dataclass, replace

import torch

from model.config import AttentionChoice, LLMConfig
from model.objective import draw, summed_losses
from tests.benchmarks import network

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


@dataclass(frozen=True, kw_only=True, slots=True)
class GpuRun:
    """Forward, backward and update in bfloat16."""

    device: str
    attention: AttentionChoice
    tokens_per_second: float
    utilisation: float
    """Of the device's peak, by the published formula (one expert, no ViT). Not a number where the peak is unknown."""
    peak_gib: float


def training_runs() -> list[GpuRun]:
    """One run per attention back end; none without a GPU."""
    return [_run(choice) for choice in ("sdpa", "flex")] if torch.cuda.is_available() else []


def _run(attention: AttentionChoice) -> GpuRun:
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
    peak = next((flops for part, flops in PEAK_FLOPS.items() if part in name), float("nan"))
    return GpuRun(
        device=name,
        attention=attention,
        tokens_per_second=packed.num_tokens / seconds,
        utilisation=_operations(packed.sample_lens) / seconds / peak,
        peak_gib=torch.cuda.max_memory_allocated() / 2**30,
    )


def _operations(lens: tuple[int, ...]) -> float:
    """Floating-point operations of a training step, as BAGEL counts them."""
    d, width = LLM.head_dim, LLM.hidden_size
    projections = width * (2 * LLM.num_heads * d + 2 * LLM.num_kv_heads * d)
    weights = LLM.num_layers * (3 * width * LLM.intermediate_size + projections) + 2 * LLM.vocab_size * width
    attention = 12 * d * LLM.num_heads * LLM.num_layers * sum(length**2 for length in lens)
    return 6 * weights * sum(lens) + attention
