"""How far training in bfloat16 (autocast over float32 weights, as compute.precision: bf16) is from float32, on the golden
network and batch: about one in a hundred of a gradient. bfloat16 keeps eight bits, one in 256 of a number."""

import torch

from model.objective import summed_losses
from tests.parity import golden
from tests.parity.training_sets import _sigmas

WITHOUT = "k_proj.bias"
"""Adding to all keys moves no attention: the gradient is rounding alone."""


def losses_and_gradients(*, casts: bool) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    network, noise = golden.network(), golden.read("train_mot.safetensors")["noise"]
    with torch.autocast("cpu", torch.bfloat16, enabled=casts):
        found = summed_losses(network, golden.training_batch(), _sigmas(1.0), noise)
    means = torch.stack([found.text_loss_sum / found.num_text_targets, found.image_loss_sum / found.num_image_targets])
    means.sum().backward()
    gradients = {name: p.grad for name, p in network.named_parameters() if p.grad is not None}
    return means.detach(), gradients


def test_bfloat16_moves_losses_by_a_thousandth_and_gradients_by_a_fiftieth_at_most() -> None:
    (whole, wanted), (half, found) = losses_and_gradients(casts=False), losses_and_gradients(casts=True)
    losses = ((half - whole).abs() / whole).tolist()
    flat = [torch.cat([gradient.flatten() for gradient in each.values()]) for each in (wanted, found)]
    gradient = float((flat[1] - flat[0]).norm() / flat[0].norm())
    of_a_weight = {
        name: float((found[name] - value).norm() / value.norm())
        for name, value in wanted.items()
        if not (name.startswith("vit_model.") and name.endswith(WITHOUT))
    }
    print(
        f"text loss {losses[0]:.1e}, image loss {losses[1]:.1e}, gradient {gradient:.4f}, worst {max(of_a_weight.values()):.3f}"
    )
    assert 0 < max(losses) < 1e-3
    assert 0 < gradient < 0.02
    assert max(of_a_weight.values()) < 0.06
