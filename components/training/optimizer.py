"""AdamW over the weights that train, its learning rate at each step, and the moving average of the weights."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from components.recipes.training import CurriculumStage, OptimizerSettings
from model.unimedvl import UniMedVL

VIT_PREFIX = "vit_model."


def learning_rate(step: int, stage: CurriculumStage) -> float:
    """The rate of step 0, 1, …, steps - 1: linear warm-up that moves from the first step on, then a cosine.

    The cosine ends at final_learning_rate at the last step, and stays there.
    """
    if step < stage.warmup_steps:
        return stage.learning_rate * (step + 1) / stage.warmup_steps
    length = max(stage.steps - 1 - stage.warmup_steps, 1)
    progress = min((step - stage.warmup_steps) / length, 1.0)
    span = stage.learning_rate - stage.final_learning_rate
    return stage.final_learning_rate + span * 0.5 * (1 + math.cos(math.pi * progress))


def freeze(model: UniMedVL, *, vit: bool, und: bool) -> None:
    """Stops gradients of the ViT, of the und side. Fixed tables stay as they are."""
    if vit:
        for name, parameter in model.named_parameters():
            if name.startswith(VIT_PREFIX):
                parameter.requires_grad_(False)
    if und:
        model.freeze_und()


def make_optimizer(
    model: nn.Module, settings: OptimizerSettings, *, vit_learning_rate_scale: float
) -> torch.optim.AdamW:
    """AdamW over all weights with a gradient; the ViT's are a group of their own with a scaled rate."""
    trained = dict(_trained(model))
    groups = [
        {"params": [p for n, p in trained.items() if not n.startswith(VIT_PREFIX)], "scale": 1.0},
        {"params": [p for n, p in trained.items() if n.startswith(VIT_PREFIX)], "scale": vit_learning_rate_scale},
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=0.0,
        betas=settings.betas,
        eps=settings.eps,
        weight_decay=settings.weight_decay,
        fused=True,
    )


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Sets each group's rate to its share of `rate`."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["scale"]


class Average:
    """Exponential moving average of the weights that train, under their names."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights: dict[str, Tensor] = {name: p.detach().clone() for name, p in _trained(model)}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Moves the average a step towards the model's weights."""
        trained = [p.detach() for _, p in _trained(model)]
        torch._foreach_lerp_(list(self.weights.values()), trained, 1 - self.decay)

    def state(self, model: nn.Module) -> dict[str, Tensor]:
        """The model's state with averaged weights; what does not train is its own average."""
        return model.state_dict() | self.weights


def _trained(model: nn.Module) -> list[tuple[str, nn.Parameter]]:
    return [(name, p) for name, p in model.named_parameters() if p.requires_grad]


def named_moments(model: nn.Module, optimizer: torch.optim.Optimizer) -> Mapping[str, Tensor]:
    """AdamW's tensors as `<weight>/<moment>`; the tensors themselves, so that loading may fill them.

    A weight that has not been stepped yet gets zeros, which is where AdamW starts.
    """
    found: dict[str, Tensor] = {}
    for name, parameter in _trained(model):
        state = optimizer.state[parameter]
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32, device=parameter.device)
            state["exp_avg"] = torch.zeros_like(parameter)
            state["exp_avg_sq"] = torch.zeros_like(parameter)
        found |= {f"{name}/{key}": state[key] for key in ("step", "exp_avg", "exp_avg_sq")}
    return found
