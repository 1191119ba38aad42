"""What the network computes in training: ViT, autoencoder, states, losses, gradients, optimizer steps."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from model import attention, objective
from model.config import Experts
from model.image_transform import to_uint8
from model.objective import Losses
from model.packed import PackedSequence
from model.unimedvl import UniMedVL
from tests.parity import golden
from tests.parity.comparison import AT_LEAST, STATES, Comparison, Stored


def vit() -> Iterator[Comparison]:
    stored, model = Stored("vit.safetensors", without_floor=STATES), golden.network()
    grids = [(3, 4), (4, 4), (2, 2)]
    yield Comparison("seqlens", [rows * columns for rows, columns in grids], stored["seqlens"].tolist())
    encoder = model.vit_model.vision_model
    modules = {"embeddings": encoder.embeddings, **_layers(encoder.encoder.layers)}
    with outputs_of(modules) as found, torch.no_grad():
        found["out"] = model.vit_model(stored["tokens"], stored["position_ids"], grids)
        found["connector"] = model.connector(found["out"])
        found["connector_plus_position"] = found["connector"] + model.vit_pos_embed(stored["position_ids"])
    for key, value in found.items():
        yield stored.against(key, value)
    kernel = stored["import.conv_kernel"]
    yield stored.against("import.linear_weight", kernel.permute(0, 2, 3, 1).flatten(1))


@torch.no_grad()
def autoencoder() -> Iterator[Comparison]:
    stored, model = Stored("vae.safetensors"), golden.autoencoder()
    encoder: Any = model.vae.encoder
    modules = {"a.conv_in": encoder.conv_in, "a.mid.attn_1": encoder.mid_block.attentions[0]}
    modules |= {"a.mid.block_2": encoder.mid_block.resnets[1]}
    modules |= {f"a.down.{level}": block.resnets[-1] for level, block in enumerate(encoder.down_blocks)}
    for name in ("a", "ct"):
        with outputs_of(modules if name == "a" else {}) as found:
            moments = model.encode(stored[f"{name}.image"])
        found |= {f"{name}.mean": moments.mean, f"{name}.logvar": moments.logvar}
        found[f"{name}.latent"] = model.normalise(moments.sample(stored[f"{name}.eps"]))
        found[f"{name}.reconstruction"] = model.decode(found[f"{name}.latent"])
        for key, value in found.items():
            yield stored.against(key, value)
    decoded = model.decode(stored["fixed.latent"])
    yield stored.against("fixed.decoded", decoded)
    yield Comparison("fixed.uint8", to_uint8(decoded)[0], stored["fixed.uint8"], 1.0)
    # Published code encodes padded images together; ours one by one. Fed as it was, the padded batch agrees.
    yield stored.against("padded.mean", model.encode(stored["padded.image"]).mean)
    alone = model.encode(stored["padded.image"][1:, :, :32, :32]).mean
    yield stored.against("padded.mean_of_second_alone", alone)
    train, padded = Stored("train_mot.safetensors"), golden.read("packing.safetensors")["padded_images"]
    moments = model.encode(padded)
    yield train.against("vae_mean", moments.mean)
    yield train.against("vae_logvar", moments.logvar)
    latent = model.normalise(moments.sample(train["vae_eps"]))
    yield train.against("padded_latent", latent)


def forward_mot() -> Iterator[Comparison]:
    stored, model = Stored("train_mot.safetensors", without_floor=STATES), golden.network()
    modules = {"time_embed": model.time_embedder, "vit_out": model.vit_model, "connector_out": model.connector}
    with outputs_of(modules) as found:
        found |= _forward(model, golden.training_batch(), stored["timesteps"])
    yield stored.against("timesteps", _sigmas(1.0))
    for key, value in found.items():
        yield stored.against(key, value)


def forward_of(experts: Experts) -> Iterator[Comparison]:
    stored = Stored(f"train_{experts}.safetensors", without_floor=STATES)
    found = _forward(golden.network(experts), golden.training_batch(), _sigmas(1.0))
    for key in stored.names:
        yield stored.against(key, found[key])


def forward_without_qk_norm() -> Iterator[Comparison]:
    losses = _losses(golden.network(qk_norm=False), golden.training_batch(), _sigmas(1.0))
    yield from _against_json(losses, golden.read("train.json")["no_qk_norm"])


def forward_shifted() -> Iterator[Comparison]:
    stored, sigma = Stored("train_mot_shift3.safetensors", without_floor=STATES), _sigmas(3.0)
    found = _forward(golden.network(), golden.training_batch(), sigma) | {"timesteps": sigma}
    for key in stored.names:
        yield stored.against(key, found[key])
    yield from _against_json(
        _losses(golden.network(), golden.training_batch(), sigma), golden.read("train.json")["shift3"]
    )


def gradients() -> Iterator[Comparison]:
    stored, model = Stored("train_mot_grads.safetensors"), golden.network()
    found = _gradients(model)
    yield Comparison("which have one", sorted(found), stored.names)
    for key in stored.names:
        yield stored.against(key, found[key])
    norm = torch.stack([gradient.norm() for gradient in found.values()]).norm()
    wanted = torch.tensor(golden.read("train.json")["grad_norm"])
    yield Comparison("norm", norm, wanted, 10 * AT_LEAST)


def freeze_und() -> Iterator[Comparison]:
    stored, facts = Stored("train_mot_freeze_und_grads.safetensors"), golden.read("train.json")["freeze_und"]
    model = golden.network()
    model.freeze_und()
    found = _gradients(model)
    for key in stored.names:
        yield stored.against(key, found[key])
    # The published switch leaves zeros where ours leaves no gradient at all.
    still = sorted(name for name, _ in model.named_parameters() if name not in found)
    yield Comparison("which have none", still, sorted(facts["zero_grad"] + facts["params_without_grad"]))
    yield Comparison("which have one", sorted(found), sorted(facts["nonzero_grad"]))


@torch.no_grad()
def bfloat16() -> Iterator[Comparison]:
    stored = Stored("train_mot_bf16.safetensors")
    found = _forward(golden.network().bfloat16(), golden.training_batch(), _sigmas(1.0))
    for key in stored.names:
        yield stored.against(key, found[key])


def optimizer() -> Iterator[Comparison]:
    from components.recipes.training import LossWeights, OptimizerSettings
    from components.training.batches import MicroBatch
    from components.training.loop import Learner, train_step
    from components.training.optimizer import Average, make_optimizer
    from components.training.world import World

    stored, facts = Stored("optimizer.safetensors"), golden.read("optimizer.json")
    settings = OptimizerSettings(betas=(0.9, 0.95), eps=1e-15, weight_decay=0.0, max_grad_norm=1.0, ema_decay=0.9999)
    model = golden.network()
    learner = Learner(
        model=model,
        optimizer=make_optimizer(model, settings, vit_learning_rate_scale=1.0),
        average=Average(model, settings.ema_decay),
        loss_weights=LossWeights(text=1.0, image=1.0),
        max_grad_norm=settings.max_grad_norm,
        world=World(),
        device=torch.device("cpu"),
    )
    batch = MicroBatch(golden.training_batch(), _sigmas(1.0), golden.read("train_mot.safetensors")["noise"])
    # The published warm-up wastes its first step at rate 0; ours moves. Fed the recorded rates.
    for number, rate in enumerate(facts["lr"]):
        report = train_step(learner, [batch], step=number + 1, rate=rate)
        found = dict(model.named_parameters()) | {f"ema.{key}": value for key, value in learner.average.weights.items()}
        prefix = f"step{number + 1}."
        for key in stored.names:
            if key.startswith(prefix):
                yield stored.against(key, found[key.removeprefix(prefix)].detach().clone())
        for name, value in (("grad_norm", report.grad_norm), ("loss", report.text_loss + report.image_loss)):
            wanted = torch.tensor(facts[name][number])
            yield Comparison(f"{prefix}{name}", torch.tensor(value), wanted, 20 * AT_LEAST)


@contextmanager
def outputs_of(modules: Mapping[str, nn.Module]) -> Iterator[dict[str, Tensor]]:
    """Gathers what each module gives, under its name here; of several calls, the last."""
    found: dict[str, Tensor] = {}

    def keep(name: str) -> RemovableHandle:
        def hear(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
            found[name] = output

        return modules[name].register_forward_hook(hear)

    handles = [keep(name) for name in modules]
    yield found
    for handle in handles:
        handle.remove()


def _sigmas(shift: float) -> Tensor:
    """Noise levels of the stored logits: minus infinity, for clean images, gives 0."""
    return objective.sigma_of(golden.read("packing.safetensors")["packed_timesteps"], shift)


def _forward(model: UniMedVL, packed: PackedSequence, sigma: Tensor) -> dict[str, Tensor]:
    """Everything that the stored files hold of one forward, tokens in sequence order."""
    order = torch.cat([packed.text_token_index, packed.vit_token_index, packed.latent_token_index])
    place = order.argsort()
    noisy = golden.noisy(packed, sigma)
    streams = model.embed(packed, noisy, sigma)
    layout = attention.AttentionLayout.from_packed(packed)
    decoder = model.language_model.model
    with outputs_of(_layers(decoder.layers)) as states:
        final = decoder(streams, model.rotary(packed), lambda _: lambda q, k, v: attention.attend(q, k, v, layout))
    found = {key: torch.cat(list(value))[place] for key, value in states.items()}
    found |= {"latent_in": noisy, "embedded": torch.cat(streams)[place], "final": torch.cat(final)[place]}
    prediction = model(packed, noisy, sigma)
    found |= {"logits": prediction.text_logits, "velocity_pred": prediction.velocity}
    found["ce"] = F.cross_entropy(prediction.text_logits.float(), packed.label_ids, reduction="none")
    noise = golden.read("train_mot.safetensors")["noise"]
    target = objective.velocity_target(packed.latents, noise)[packed.target_index]
    found["mse"] = (prediction.velocity.float() - target).square()
    return found | _losses(model, packed, sigma)


def _losses(model: UniMedVL, packed: PackedSequence, sigma: Tensor) -> dict[str, Tensor]:
    text, image = _means(objective.summed_losses(model, packed, sigma, golden.read("train_mot.safetensors")["noise"]))
    return {"loss_ce": text.view(1), "loss_mse": image.view(1), "loss": (text + image).view(1)}


def _means(losses: Losses) -> tuple[Tensor, Tensor]:
    return losses.text_loss_sum / losses.num_text_targets, losses.image_loss_sum / losses.num_image_targets


def _gradients(model: UniMedVL) -> dict[str, Tensor]:
    _losses(model, golden.training_batch(), _sigmas(1.0))["loss"].sum().backward()
    return {name: parameter.grad for name, parameter in model.named_parameters() if parameter.grad is not None}


def _against_json(losses: dict[str, Tensor], wanted: dict[str, float]) -> Iterator[Comparison]:
    for key, value in wanted.items():
        yield Comparison(key, losses[key][0], torch.tensor(value), 20 * AT_LEAST)


def _layers(layers: nn.Module) -> dict[str, nn.Module]:
    return {f"layer_{number}": layer for number, layer in enumerate(layers.children())}
