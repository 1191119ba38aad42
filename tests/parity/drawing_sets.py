"""What the network draws: noise levels, every step of every trajectory, pictures."""

from collections.abc import Iterator, Sequence
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

from model import generation, image_transform
from model.context import Context
from model.generation import GuidanceSettings, generate_image
from model.unimedvl import UniMedVL
from tests.parity import golden
from tests.parity.comparison import STATES, TRAJECTORIES, Comparison, Stored
from tests.parity.conversations import VAE_TRANSFORM, asked, branches_of, encode, picture_of

TIMES_BF16 = 3
T2I_RUNS = ("t2i.global", "t2i.channel", "t2i.text_channel", "t2i.noguide_shift1")
EDIT_RUNS = ("edit.text_channel", "edit.global", "edit.channel", "edit.text1_img2", "edit.two_images")


def noise_levels() -> Iterator[Comparison]:
    stored = Stored("inference.safetensors")
    for points, shift in ((8, 3), (24, 1), (30, 4), (50, 3)):
        sigmas = GuidanceSettings(num_timesteps=points, timestep_shift=float(shift)).sigmas()
        yield stored.against(f"grid.n{points}.shift{shift}", sigmas)


def drawings(names: Sequence[str]) -> Iterator[Comparison]:
    stored, runs, model = (
        Stored("inference.safetensors", without_floor=TRAJECTORIES),
        golden.read("inference.json"),
        golden.network(),
    )
    for name in names:
        run, contexts = runs[name], branches_of(model, runs[name]["inputs"])
        lens, positions = [[c.num_tokens] for c in contexts], [c.position for c in contexts]
        yield Comparison(f"{name}.kv_lens", lens, run["kv_lens_main_text_img"])
        yield Comparison(f"{name}.ropes", positions, run["rope_main_text_img"])
        settings = _settings(run["settings"])
        x, branches = _trajectory(model, contexts, run["image_shape"], settings, stored[f"{name}.init_noise"])
        yield stored.against(f"{name}.t", settings.sigmas()[:-1])
        yield stored.against(f"{name}.x", x)
        yield stored.against(f"{name}.v", (x[:-1] - x[1:]) / -settings.sigmas().diff()[:, None, None])
        # Without text guidance the published code computes the image branch, then leaves it unread; ours does not.
        unread = settings.text_scale <= 1 < settings.image_scale
        for place, branch in enumerate(("v_main",) if unread else ("v_main", "v_second", "v_third")):
            if f"{name}.{branch}" in stored.names:
                yield stored.against(f"{name}.{branch}", _evaluated(branches, place))
        if not unread:
            yield Comparison(f"{name}.branches", [len(step) for step in branches], run["branches_per_step"])


def drawing_batch() -> Iterator[Comparison]:
    stored, run, model = (
        Stored("inference.safetensors", without_floor=TRAJECTORIES),
        golden.read("inference.json")["batch_t2i"],
        golden.network(),
    )
    main, empty = [Context(model, golden.SPECIAL) for _ in range(2)], [Context(model, golden.SPECIAL)] * 2
    for context, prompt in zip(main, run["prompts"], strict=True):
        context.add_text(encode(prompt))
    yield Comparison("kv_lens", [context.num_tokens for context in main], run["kv_lens"])
    yield Comparison("ropes", [context.position for context in main], run["ropes"])
    noises = stored["batch_t2i.latent.packed_init_noises"].split([6, 8])
    settings = _settings({**run["settings"], "cfg_renorm_type": "channel"})
    drawn = generate_image(main, empty, empty, [(2, 3), (4, 2)], settings, noises)
    for number, latent in enumerate(drawn):
        yield stored.against(f"batch_t2i.channel.latent.{number}", latent)


@torch.no_grad()
def pictures() -> Iterator[Comparison]:
    stored, autoencoder = Stored("inference.safetensors"), golden.autoencoder()
    encoded = golden.read("edit_condition.safetensors")
    draws = {"ct": "edit.global.vae_eps.0", "syn_a": "edit.two_images.vae_eps.0", "syn_b": "edit.two_images.vae_eps.1"}
    for image, draw in draws.items():
        pixels = VAE_TRANSFORM(picture_of(image))
        latent = autoencoder.normalise(autoencoder.encode(pixels[None]).sample(stored[draw]))
        yield Comparison(f"condition {image}", latent[0], encoded[image], STATES)
    for name in (*T2I_RUNS, *EDIT_RUNS, "t2i.taylorseer"):
        height, width = golden.read("inference.json")[name]["image_shape"]
        latent = image_transform.unpatchify_latent(stored[f"{name}.x"][-1], (height // 16, width // 16), 2)
        picture = image_transform.to_uint8(autoencoder.decode(latent[None]))[0]
        yield Comparison(f"{name}.image", picture.int(), stored[f"{name}.image"].int(), 2.0)


def bfloat16() -> Iterator[Comparison]:
    stored, runs, model = Stored("inference.safetensors"), golden.read("inference.json"), golden.network().bfloat16()
    found: dict[str, Tensor] = {}
    (context,) = asked(stored, model, "text")
    for layer in (0, 2):
        found[f"text.after_prompt.key.{layer}"] = context.keys[layer].transpose(0, 1)
    found["text.after_prompt.value.2"] = context.values[2].transpose(0, 1)
    for name in ("t2i.global", "t2i.noguide_shift1", "edit.text_channel", "edit.global"):
        contexts, noise = branches_of(model, runs[name]["inputs"]), stored[f"{name}.init_noise"]
        settings = _settings(runs[name]["settings"])
        found[f"{name}.x"], _ = _trajectory(model, contexts, runs[name]["image_shape"], settings, noise)
    for key, value in found.items():
        yield Comparison(key, value.float(), stored[key], TIMES_BF16 * runs["bf16_vs_fp32_maxabs"][key])


def _trajectory(
    model: UniMedVL, contexts: Sequence[Context], shape: Sequence[int], settings: GuidanceSettings, noise: Tensor
) -> tuple[Tensor, list[tuple[Tensor, ...]]]:
    """x before each step and after the last, and the velocity of each branch at each step."""
    entered: list[Tensor] = []
    left: list[tuple[Tensor, ...]] = []
    said: list[Tensor] = []
    handle = model.llm2vae.register_forward_hook(lambda _, __, out: said.extend(out.float().split(len(noise))))
    step_on = generation.euler_step

    def step(x: Tensor, *rest: Tensor) -> Tensor:
        entered.append(x)
        left.append(tuple(said))
        said.clear()
        return step_on(x, *rest)

    branches = [[context] for context in contexts]
    with patch.object(generation, "euler_step", step):
        (drawn,) = generate_image(
            branches[0], branches[1], branches[2], [(shape[0] // 16, shape[1] // 16)], settings, [noise]
        )
    handle.remove()
    return torch.stack([*entered, drawn]), left


def _evaluated(branches: list[tuple[Tensor, ...]], place: int) -> Tensor:
    """The velocity of one branch at each step, NaN where it was not asked."""
    nothing = torch.full_like(branches[0][0], torch.nan)
    return torch.stack([step[place] if place < len(step) else nothing for step in branches])


def _settings(stored: dict[str, Any]) -> GuidanceSettings:
    return GuidanceSettings(
        num_timesteps=stored["num_timesteps"],
        timestep_shift=stored["timestep_shift"],
        text_scale=stored["cfg_text_scale"],
        image_scale=stored["cfg_img_scale"],
        interval=tuple(stored["cfg_interval"]),
        renorm=stored["cfg_renorm_type"],
        renorm_min=stored.get("cfg_renorm_min", 0.0),
        extrapolates=stored.get("enable_taylorseer", False),
    )
