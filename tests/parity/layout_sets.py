"""What enters the network: names and shapes, fixed tables, positions, packing, masks, pixels, token ids."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from model import attention, image_transform, objective, tables
from model.autoencoder import Autoencoder
from model.config import LLMConfig, ModelConfig, ViTConfig
from model.image_transform import ImageTransform
from model.norm import RMSNorm, apply_rotary
from model.packed import PackedSequence
from model.published import flux_vae_config
from model.sequence_builder import SequenceBuilder
from model.unimedvl import UniMedVL
from tests.parity import golden
from tests.parity.comparison import AT_LEAST, Comparison, Stored
from tests.parity.conversations import VAE_TRANSFORM, picture_of

GENERATION_PARTS = ("time_embedder", "vae2llm", "llm2vae", "latent_pos_embed")


def keys() -> Iterator[Comparison]:
    stored = golden.read("keys_tiny.json")
    for experts in ("mot", "moe", "dense"):
        yield Comparison(experts, _shapes(golden.network(experts).state_dict()), stored[experts])
    yield Comparison("ae", _shapes(Autoencoder(golden.config().require_vae()).published_state()), stored["ae"])
    lesser = {
        "qk_norm": golden.network(qk_norm=False),
        "visual_und": golden.network(without="vit"),
        "visual_gen": golden.network(without="vae"),
    }
    for switch, model in lesser.items():
        own, whole = set(model.state_dict()), set(stored["mot"])
        missing, extra = (stored[f"mot_{switch}_false.{what}"] for what in ("missing_relative_to_mot", "extra"))
        yield Comparison(f"missing without {switch}", sorted(whole - own), missing)
        yield Comparison(f"extra without {switch}", sorted(own - whole), extra)
    model = golden.network()
    fixed = sorted(name for name, parameter in model.named_parameters() if not parameter.requires_grad)
    yield Comparison("not trainable", fixed, stored["not_trainable"])
    model.copy_und_to_gen()
    state = model.state_dict()
    twins = all(torch.equal(state[key], state[key.replace("_moe_gen", "")]) for key in state)
    yield Comparison("gen copies und", twins, stored["init_moe_copies"])


def keys_published() -> Iterator[Comparison]:
    stored = golden.read("keys_published.json")
    config = ModelConfig(
        llm=LLMConfig(
            hidden_size=3584,
            num_layers=28,
            num_heads=28,
            num_kv_heads=4,
            intermediate_size=18944,
            vocab_size=152064,
        ),
        vit=ViTConfig(
            hidden_size=1152, intermediate_size=4304, num_heads=16, num_layers=26, patch_size=14, image_size=980
        ),
        vae=flux_vae_config(),
    )
    with torch.device("meta"):
        state, ae_state = UniMedVL(config).state_dict(), Autoencoder(flux_vae_config()).published_state()
        sees_only = UniMedVL(replace(config, vae=None)).state_dict()
    yield Comparison("network", _shapes(state), stored["shapes"])
    yield Comparison("autoencoder", _shapes(ae_state), stored["ae_shapes"])
    total = sum(value.numel() for value in state.values())
    yield Comparison("number of parameters", total, stored["total_parameters"])
    generation = sum(stored["by_part"][name] for name in GENERATION_PARTS)
    seen = sum(value.numel() for value in sees_only.values())
    yield Comparison("number without a generation side", seen, stored["total_parameters"] - generation)


def fixed_tables() -> Iterator[Comparison]:
    stored = Stored("tables.safetensors")
    yield stored.against("sincos.S8.D64", tables.sincos_2d(64, 8))
    yield stored.against("time.frequency", tables.timestep_features(stored["time.t"]))
    yield stored.against("time.embedding", golden.network().time_embedder(stored["time.t"], torch.float32))
    for shift in (1, 3, 4):
        yield stored.against(f"time.shifted.{shift}", objective.sigma_of(stored["time.u"], shift))
    theta = golden.config().llm.rope_theta
    cos, sin = tables.rotary_tables(stored["rope.positions"], 16, theta, torch.float32)
    # Stored once for each half of a head; ours once for each pair.
    yield stored.against("rope.cos", torch.cat([cos, cos], dim=-1)[:, 0])
    yield stored.against("rope.sin", torch.cat([sin, sin], dim=-1)[:, 0])
    yield stored.against("rope.inv_freq", tables.rotary_frequencies(16, theta))
    yield stored.against("rope.inv_freq_d128", tables.rotary_frequencies(128, theta))
    yield stored.against("rope.q_rotated", apply_rotary(stored["rope.q"], cos, sin))
    norm = RMSNorm(64, golden.config().llm.rms_norm_eps)
    norm.weight.data = stored["rmsnorm.weight"]
    yield stored.against("rmsnorm.y", norm(stored["rmsnorm.x"]))
    patches = image_transform.patchify_pixels(stored["patchify.vit.image"], 14)
    yield stored.against("patchify.vit.tokens", patches)
    yield stored.against("patchify.vit.image", image_transform.unpatchify_pixels(patches, (2, 3), 14))
    tokens = image_transform.patchify_latent(stored["patchify.latent.latent"], 2)
    yield stored.against("patchify.latent.tokens", tokens)
    latent = image_transform.unpatchify_latent(tokens, (2, 3), 2)
    yield Comparison("patchify.latent.latent, cropped", latent, stored["patchify.latent.latent"][:, :4, :6], AT_LEAST)
    for side, hidden in ((32, 896), (64, 3584), (70, 3584)):
        name = f"sincos.S{side}.D{hidden}"
        yield stored.against(name, tables.sincos_2d(hidden, side)[stored[f"{name}.rows"]])


def position_ids() -> Iterator[Comparison]:
    for row in golden.read("position_ids.json"):
        size, name = (row["rows"], row["cols"], row["S"]), f"{row['rows']} x {row['cols']} of {row['S']}"
        for mode in ("extrapolate", "interpolate"):
            ids = tables.grid_position_ids(*size, interpolate=mode == "interpolate").tolist()
            yield Comparison(f"{name}, {mode}, sum", sum(ids), row[f"{mode}_sum"])
            if row[mode] is not None:
                yield Comparison(f"{name}, {mode}", ids, row[mode])
            if mode == "interpolate":
                yield Comparison(f"{name}, first row", ids[: row["cols"]], row["interpolate_first_row"])


PACKED_NAMES = {
    "packed_text_ids": "text_ids",
    "packed_text_indexes": "text_token_index",
    "packed_position_ids": "position_ids",
    "packed_vit_tokens": "vit_patches",
    "packed_vit_position_ids": "vit_position_ids",
    "packed_vit_token_indexes": "vit_token_index",
    "packed_latent_position_ids": "latent_position_ids",
    "packed_vae_token_indexes": "latent_token_index",
    "ce_loss_indexes": "label_token_index",
    "packed_label_ids": "label_ids",
    "ce_loss_weights": "label_weights",
}
"""Stored name -> ours."""


def packing() -> Iterator[Comparison]:
    stored, description = Stored("packing.safetensors"), golden.read("packing.json")
    packed = golden.training_batch()
    packed.validate()
    for theirs, ours in PACKED_NAMES.items():
        yield stored.against(theirs, getattr(packed, ours))
    yield stored.against("vit_token_seqlens", torch.tensor(packed.vit_lens))
    yield stored.against("mse_loss_indexes", packed.latent_token_index[packed.target_index])
    is_target = torch.zeros(len(packed.latents), dtype=torch.bool)
    is_target[packed.target_index] = True
    yield Comparison("noised latents", is_target, stored["packed_timesteps"] > float("-inf"))
    samples = description["samples"]
    # The flex variant is the same batch with one sample of padding behind it, which ours does not need.
    for name, ours, theirs in (
        ("sequence_length", packed.num_tokens, description["sequence_length"]),
        ("sample_lens", packed.sample_lens, description["sample_lens"]),
        ("split_lens", packed.split_lens, [n for sample in samples for n in sample["split_lens"]]),
        ("attn_modes", packed.attention_modes, [mode for sample in samples for mode in sample["attn_modes"]]),
        ("flex.sample_lens", packed.sample_lens, description["flex"]["sample_lens"][:-1]),
        ("flex.split_lens", packed.split_lens, description["flex"]["split_lens"][:-1]),
        ("flex.attn_modes", packed.attention_modes, description["flex"]["attn_modes"][:-1]),
    ):
        yield Comparison(name, ours if isinstance(ours, int) else list(ours), theirs)
    grids = [list(grid) for grid in packed.latent_grids]
    yield Comparison("patchified_vae_latent_shapes", grids, description["patchified_vae_latent_shapes"])
    spread = golden.training_batch(golden.config(interpolate_positions=True))
    yield stored.against("interpolate.packed_latent_position_ids", spread.latent_position_ids)
    yield stored.against("interpolate.packed_vit_position_ids", spread.vit_position_ids)


def packing_video() -> Iterator[Comparison]:
    stored, description = Stored("packing.safetensors"), golden.read("packing.json")["video"]
    packed = golden.video_batch()
    packed.validate()
    for theirs, ours in PACKED_NAMES.items():
        if f"video.{theirs}" in stored.names:
            yield stored.against(f"video.{theirs}", getattr(packed, ours))
    yield stored.against("video.mse_loss_indexes", packed.latent_token_index[packed.target_index])
    yield stored.against("video.attention_allowed", attention.allowed_matrix(packed))
    # Each image draws a logit of its own; those of frames behind the first, and of clean images, are not read.
    timesteps = stored["video.packed_timesteps"]
    logit = torch.arange(100.0, 106.0)
    logit[[0, 5]] = timesteps[[0, -1]]
    sigma = objective.levels(packed, logit, 1.0)
    yield Comparison("video.packed_timesteps", sigma, objective.sigma_of(timesteps, 1.0), AT_LEAST)
    pictures = VAE_TRANSFORM(picture_of("syn_d")).expand(len(packed.latent_grids), -1, -1, -1)
    yield stored.against("video.padded_images", pictures)
    for name, ours, theirs in (
        ("sequence_length", packed.num_tokens, description["sequence_length"]),
        ("sample_lens", list(packed.sample_lens), description["sample_lens"][:-1]),
        ("split_lens", list(packed.split_lens), description["split_lens"][:-1]),
        ("attn_modes", list(packed.attention_modes), description["attn_modes"][:-1]),
        ("latent shapes", [list(grid) for grid in packed.latent_grids], description["patchified_vae_latent_shapes"]),
    ):
        yield Comparison(name, ours, theirs)


def masks() -> Iterator[Comparison]:
    stored, packed = Stored("packing.safetensors"), golden.training_batch()
    allowed = attention.allowed_matrix(packed)
    yield stored.against("attention_allowed", allowed)
    start, length = sum(packed.sample_lens[:3]), packed.sample_lens[3]
    edit = torch.zeros(length, length).masked_fill(~allowed[start : start + length, start : start + length], -torch.inf)
    yield Comparison("dense_mask.edit", edit.exp(), stored["dense_mask.edit"].exp())
    for number, case in enumerate(golden.read("masks.json")):
        wanted = torch.tensor([[digit == "1" for digit in line] for line in case["rows"]])
        yield Comparison(f"layout {number}", attention.allowed_matrix(splits_alone(case)), wanted)


def transforms() -> Iterator[Comparison]:
    for name, preset in golden.read("transforms.json").items():
        transform = ImageTransform(preset["max"], preset["min"], preset["stride"], preset["max_pixels"])
        found = [[*row[:3], *transform.size(*row[:3])] for row in preset["rows"]]
        yield Comparison(name, found, preset["rows"])


def pixels() -> Iterator[Comparison]:
    from PIL import Image

    from components.images.raster import read_raster

    stored = Stored("pixels.safetensors")
    for key, image, settings in (
        ("pixels.ct.resize_56_28_14", "ct", (56, 28, 14)),
        ("pixels.ct.resize_64_32_16", "ct", (64, 32, 16)),
        ("pixels.syn_a.resize_56_28_14", "syn_a", (56, 28, 14)),
        ("pixels.syn_c.resize_64_32_16", "syn_c", (64, 32, 16)),
        ("pixels.ct.up_160_144_16", "ct", (160, 144, 16)),
        ("pixels.ct.train_edit_vit_rows", "ct", (518, 224, 14)),
    ):
        found = ImageTransform(*settings)(Image.fromarray(stored[f"image.{image}"].numpy()))
        yield stored.against(key, found[:, : stored[key].shape[1]])
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rgba.png"
        Image.fromarray(stored["rgba.image"].numpy()).save(path)
        yield stored.against("rgba.composited", torch.from_numpy(read_raster(path)))


def token_ids() -> Iterator[Comparison]:
    from components.weights.tokenizer import TextTokenizer

    stored = golden.read("tokenizer.json")
    tokenizer = TextTokenizer.load(golden.FOLDER / "tokenizer")
    special, markers = tokenizer.special, stored["special_token_ids"]
    found = (special.start, special.end, special.image_start, special.image_end)
    names = ("bos_token_id", "eos_token_id", "start_of_image", "end_of_image")
    yield Comparison("markers", found, tuple(markers[name] for name in names))
    yield Comparison("length", tokenizer.size, stored["tokenizer_length"])
    plain = [(text, ids) for text, ids in stored["encode"] if "<|" not in text]
    yield from (Comparison(f"encode {text!r}", tokenizer.encode(text), ids) for text, ids in plain)
    yield from (
        Comparison(f"decode {text!r}", tokenizer.decode(ids), text)
        for ids, text in stored["decode"]
        if "<|" not in text
    )
    # Published code reads a marker that a text spells as a marker; ours only when it is asked to.
    tokenizer.backend.encode_special_tokens = False
    for text, ids in stored["encode"]:
        if "<|" in text:
            yield Comparison(f"encode {text!r}", tokenizer.backend.encode(text, add_special_tokens=False).ids, ids)


def sampler() -> Iterator[Comparison]:
    from components.weights.tokenizer import TextTokenizer

    stored, tokenizer = golden.read("sampler.json"), TextTokenizer.load(golden.FOLDER / "tokenizer")
    for count, weight in stored["ce_weight"]:
        if count:
            packed = _lay_out([("text", [7] * (count - 1), True)])
            yield Comparison(f"weight of {count} labels", packed.label_weights, torch.full((count,), weight), AT_LEAST)
    cases: list[tuple[str, list[tuple[str, Any, bool]], int]] = []
    for sample in stored["t2i"]["samples_random_seed_0"]:
        pieces = [("text", tokenizer.encode(sample["text"]), False), ("vae_image", sample["image_shape"], True)]
        cases.append((f"t2i {sample['index']}", pieces, sample["num_tokens"]))
    # Row 7 counts an image that no piece of it places; ours is never laid out.
    for sample in stored["vlm"]["emitted"][:-1]:
        images = iter(sample["images"])
        pieces = [
            ("text", tokenizer.encode(rest[0]), bool(loss)) if kind == "text" else (kind, next(images), False)
            for kind, loss, _, *rest in sample["plan"]
        ]
        cases.append((f"vqa row {sample['row']}", pieces, sample["num_tokens"]))
    for name, pieces, length in cases:
        yield Comparison(f"length of {name}", _lay_out(pieces).num_tokens, length + 2 * len(pieces))


def _lay_out(pieces: list[tuple[str, Any, bool]]) -> PackedSequence:
    """One sample of texts (ids) and images (the shape of their pixels)."""
    builder = SequenceBuilder(golden.SPECIAL, golden.config())
    builder.start_sample()
    for kind, content, has_loss in pieces:
        if kind == "text":
            builder.add_text(content, supervised=has_loss)
        elif kind == "vit_image":
            rows, columns = content[1] // 14, content[2] // 14
            builder.add_vit(torch.zeros(rows * columns, 588), (rows, columns))
        else:
            rows, columns = content[1] // 16, content[2] // 16
            builder.add_latent(torch.zeros(rows * columns, 64), (rows, columns), target=has_loss)
    builder.end_sample()
    return builder.build()


def splits_alone(case: dict[str, Any]) -> PackedSequence:
    """A sequence of which only lengths and modes matter: text tokens throughout."""
    count = sum(case["sample_lens"])
    nothing = torch.zeros(0, dtype=torch.int64)
    return PackedSequence(
        sample_lens=tuple(case["sample_lens"]),
        split_lens=tuple(case["split_lens"]),
        attention_modes=tuple(case["attn_modes"]),
        position_ids=torch.arange(count),
        text_ids=torch.zeros(count, dtype=torch.int64),
        text_token_index=torch.arange(count),
        vit_patches=torch.zeros(0, 588),
        vit_position_ids=nothing,
        vit_grids=(),
        vit_token_index=nothing,
        latents=torch.zeros(0, 64),
        latent_position_ids=nothing,
        latent_grids=(),
        latent_is_target=(),
        latent_token_index=nothing,
        given=torch.zeros(0, 64),
        label_token_index=nothing,
        label_ids=nothing,
        label_weights=torch.zeros(0),
    )


def _shapes(state: dict[str, Tensor]) -> dict[str, list[int]]:
    return {key: list(value.shape) for key, value in state.items()}
