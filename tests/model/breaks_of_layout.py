"""Broken on purpose: positions, packing, labels, who attends to whom, patches, sizes."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from model import attention, image_transform, norm, tables
from model import unimedvl as network
from model.image_transform import ImageTransform
from model.packed import PackedSequence
from model.sequence_builder import SequenceBuilder
from tests.parity import golden
from tests.parity.breaking import Break, rebuilt, replaced, wrapped
from tests.parity.layout_sets import splits_alone


def modes_changed(old: str, new: str) -> Any:
    def change(packed: PackedSequence) -> PackedSequence:
        modes: Any = tuple(new if mode == old else mode for mode in packed.attention_modes)
        return replace(packed, attention_modes=modes)

    return rebuilt(change)


def added(name: str, extra: Any) -> Any:
    """After a piece is added, the position moves by extra(arguments) more."""

    def add(original: Any, builder: SequenceBuilder, content: Any, *args: Any, **kwargs: Any) -> None:
        original(builder, content, *args, **kwargs)
        builder._position += extra(content, **kwargs)

    return wrapped(SequenceBuilder, name, add)


def frames_changed(steps: Any = lambda steps: steps, after: int = 0) -> Any:
    """A video's frames stand other steps apart, or what follows them stands further."""

    def add(original: Any, builder: SequenceBuilder, frames: Any, grid: Any, apart: Any, **kwargs: Any) -> None:
        original(builder, frames, grid, steps(apart), **kwargs)
        builder._position += after

    return wrapped(SequenceBuilder, "add_frames", add)


def causal_segments(lengths: Any, device: torch.device) -> Any:
    case = {"sample_lens": lengths, "split_lens": lengths, "attn_modes": ["causal"] * len(lengths)}
    return attention.AttentionLayout.from_packed(splits_alone(case))


def interleaved(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    even, odd = x[..., ::2], x[..., 1::2]
    return torch.stack([even * cos - odd * sin, odd * cos + even * sin], dim=-1).flatten(-2)


def channels_first(image: Tensor, patch: int) -> Tensor:
    grid = image.unflatten(1, (-1, patch)).unflatten(3, (-1, patch))
    return grid.permute(1, 3, 0, 2, 4).reshape(-1, patch * patch * image.shape[0])


def columns_first(patchify: Any, image: Tensor, patch: int) -> Tensor:
    rows, columns = image.shape[1] // patch, image.shape[2] // patch
    return patchify(image, patch).unflatten(0, (rows, columns)).transpose(0, 1).flatten(0, 1)


def halves_exchanged(code: Any, width: int, position: np.ndarray) -> np.ndarray:
    return np.roll(code(width, position), width // 2, axis=1)


def every_sample_further(packed: PackedSequence) -> PackedSequence:
    sample = torch.repeat_interleave(torch.arange(len(packed.sample_lens)), torch.tensor(packed.sample_lens))
    return replace(packed, position_ids=packed.position_ids + sample)


def images_counted(packed: PackedSequence) -> PackedSequence:
    positions = packed.position_ids.clone()
    positions[packed.vit_token_index] += packed.vit_position_ids
    return replace(packed, position_ids=positions)


def whole_where(config: Any, side: str, *args: Any, without: Any = None, **kwargs: Any) -> Any:
    """The whole configuration although this side was to be left out."""
    return config(*args, without=None if without == side else without, **kwargs)


def labels_of_ids_alone(packed: PackedSequence) -> PackedSequence:
    kept = packed.label_ids != golden.SPECIAL.end
    return replace(
        packed,
        label_token_index=packed.label_token_index[kept],
        label_ids=packed.label_ids[kept],
        label_weights=packed.label_weights[kept],
    )


BREAKS = [
    *(
        Break(
            f"a network without {side} has no keys of it",
            "keys",
            wrapped(golden, "config", lambda f, *args, side=side, **kwargs: whole_where(f, side, *args, **kwargs)),
        )
        for side in ("vit", "vae")
    ),
    Break(
        "the first half of a position code tells the column",
        "tables",
        wrapped(tables, "sincos_2d", lambda f, hidden, side: f(hidden, side).roll(hidden // 2, dims=1)),
    ),
    Break("a position code has its sines first", "tables", wrapped(tables, "_sincos_1d", halves_exchanged)),
    Break(
        "a grid's ids are counted row by row",
        "position ids",
        wrapped(tables, "grid_position_ids", lambda f, rows, columns, side, **k: f(columns, rows, side, **k)),
    ),
    Break(
        "interpolated ids spread over the whole table",
        "position ids",
        replaced(tables, "_spread", lambda count, side: torch.arange(count)),
    ),
    Break("rotary pairs are (j, j + d/2)", "tables", replaced(norm, "_rotate", interleaved)),
    Break("rotary pairs are (j, j + d/2)", "training mot", replaced(norm, "_rotate", interleaved)),
    Break(
        "a rotation turns from first to second",
        "tables",
        wrapped(norm, "_rotate", lambda f, x, cos, sin: f(x, cos, -sin)),
    ),
    Break(
        "the rotary base is the configuration's",
        "training mot",
        wrapped(network, "rotary_tables", lambda f, ids, size, theta, dtype: f(ids, size, 1e4, dtype)),
    ),
    Break(
        "pair j turns by theta^(-2j/d)",
        "tables",
        replaced(tables, "rotary_frequencies", lambda d, theta, device=None: theta ** (-torch.arange(d // 2) / d)),
    ),
    Break("positions restart at every sample", "packing", rebuilt(every_sample_further)),
    Break("all tokens of an image share a position", "packing", rebuilt(images_counted)),
    Break("all tokens of an image share a position", "prepared steps", rebuilt(images_counted)),
    Break("a target takes no position", "packing", added("add_latent", lambda _, target, **k: int(target))),
    Break("an image takes one position", "packing", added("add_vit", lambda patches, **k: len(patches))),
    Break("an image takes one position", "contexts", added("add_vit", lambda patches, **k: len(patches))),
    Break("frames stand their steps apart", "packing video", frames_changed(steps=lambda steps: [1] * len(steps))),
    Break("a condition video takes one position after its last frame", "packing video", frames_changed(after=1)),
    Break("a video's frames see each other", "packing video", modes_changed("full", "causal")),
    Break("also a target video is a full split", "packing video", modes_changed("full", "noise")),
    Break(
        "frames of a video share a noise level",
        "packing video",
        replaced(PackedSequence, "latent_leader", property(lambda self: torch.arange(len(self.latent_grids)))),
    ),
    Break("a dropped image keeps its position", "packing", added("add_vit", lambda _, dropped=False: -int(dropped))),
    Break(
        "a dropped text keeps none",
        "packing",
        added("add_text", lambda ids, supervised, dropped=False: len(ids) * dropped),
    ),
    Break(
        "what follows a context goes on at its position",
        "t2i",
        wrapped(SequenceBuilder, "start_sample", lambda f, self, position=0: f(self, position + (position > 0))),
    ),
    Break(
        "a text stands between start and end",
        "packing",
        replaced(golden, "SPECIAL", replace(golden.SPECIAL, start=297, end=296)),
    ),
    Break(
        "an image stands between its own markers",
        "prepared steps",
        replaced(golden, "SPECIAL", replace(golden.SPECIAL, image_start=296, image_end=297)),
    ),
    Break(
        "a label is the next token",
        "packing",
        rebuilt(lambda packed: replace(packed, label_token_index=packed.label_token_index + 1)),
    ),
    Break(
        "a label is the next token",
        "training mot",
        rebuilt(lambda packed: replace(packed, label_token_index=packed.label_token_index + 1)),
    ),
    Break("the end marker is a label, the start marker none", "packing", rebuilt(labels_of_ids_alone)),
    Break("the end marker is a label, the start marker none", "training shift 3", rebuilt(labels_of_ids_alone)),
    Break(
        "a label weighs 1 / sqrt(labels of its text)",
        "sampler",
        rebuilt(lambda packed: replace(packed, label_weights=packed.label_weights**2)),
    ),
    Break(
        "a condition is not learnt",
        "packing",
        rebuilt(lambda packed: replace(packed, latent_is_target=(True,) * len(packed.latent_grids))),
    ),
    *(
        Break("nobody else sees a noised split", name, modes_changed("noise", "full"))
        for name in ("masks", "training mot")
    ),
    *(Break("a noised split sees all of itself", name, modes_changed("noise", "causal")) for name in ("masks", "t2i")),
    *(
        Break("an image sees all of itself", name, modes_changed("full", "causal"))
        for name in ("masks", "training mot", "caches")
    ),
    *(
        Break("a text sees no later token", name, modes_changed("causal", "full"))
        for name in ("masks", "training mot", "likelihoods")
    ),
    *(
        Break("samples do not see each other", name, rebuilt(lambda p: replace(p, sample_lens=(sum(p.sample_lens),))))
        for name in ("masks", "training mot")
    ),
    Break("the ViT sees all of an image", "vit", replaced(attention.AttentionLayout, "from_segments", causal_segments)),
    Break(
        "the ViT sees one image at a time",
        "vit",
        wrapped(attention.AttentionLayout, "from_segments", lambda f, lens, *rest: f([sum(lens)], *rest)),
    ),
    Break(
        "a patch is flattened as (row, column, channel)",
        "tables",
        replaced(image_transform, "patchify_pixels", channels_first),
    ),
    Break(
        "a patch is flattened as (row, column, channel)",
        "packing",
        replaced(image_transform, "patchify_pixels", channels_first),
    ),
    Break("patches go row by row", "tables", wrapped(image_transform, "patchify_pixels", columns_first)),
    Break(
        "a side is rounded to the nearest stride",
        "transforms",
        replaced(ImageTransform, "_rounded", lambda self, side: max(self.stride, side // self.stride * self.stride)),
    ),
    Break(
        "above the pixel limit sides shrink by the ratio of areas",
        "transforms",
        replaced(
            ImageTransform,
            "_scaled",
            lambda self, width, height, scale: (
                self._rounded(round(width * max(scale, scale**0.5))),
                self._rounded(round(height * scale)),
            ),
        ),
    ),
    Break(
        "pixels lie in [-1, 1]",
        "pixels",
        wrapped(ImageTransform, "__call__", lambda f, self, image: f(self, image) / 2 + 0.5),
    ),
]
