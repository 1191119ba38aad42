"""The contexts that the stored answers and drawings come from."""

from collections.abc import Callable, Sequence
from functools import cache

import torch
from PIL import Image
from PIL.Image import Resampling
from torch import Tensor

from components.weights.tokenizer import TextTokenizer
from model import image_transform
from model.context import Context, prefill
from model.image_transform import ImageTransform
from model.unimedvl import UniMedVL
from tests.parity import golden
from tests.parity.comparison import Stored

VAE_TRANSFORM, VIT_TRANSFORM = ImageTransform(64, 32, 16), ImageTransform(56, 28, 14)


def asked(stored: Stored, model: UniMedVL, run: str, *, with_text: bool = True) -> list[Context]:
    """The contexts that the stored answers come from."""
    images = {"text": [(4, 4)], "batch": [(3, 4), (2, 2)], "textonly": [None]}[run]
    lengths = [0 if grid is None else grid[0] * grid[1] for grid in images]
    patches = [None] if run == "textonly" else stored[f"{run}.vit_prefill.packed_vit_tokens"].split(lengths)
    texts = questions(stored, run) if with_text else [None] * len(images)
    contexts = []
    for own, grid, ids in zip(patches, images, texts, strict=True):
        context = Context(model, golden.SPECIAL)
        if own is not None and grid is not None:
            context.add_vit(own, grid)
        if ids is not None:
            context.add_text(ids)
        contexts.append(context)
    return contexts


def questions(stored: Stored, run: str) -> list[list[int]]:
    """The questions' ids, without markers."""
    if run == "textonly":
        return [encode("is it normal?")]
    lengths = stored[f"{run}.prompt_prefill.text_token_lens"].tolist()
    return [ids[1:-1].tolist() for ids in stored[f"{run}.prompt_prefill.packed_text_ids"].split(lengths)]


def branches_of(
    model: UniMedVL, inputs: Sequence[str], latent_of: Callable[[str], Tensor] | None = None
) -> list[Context]:
    """(all, without the last text, without images), built in the published order."""
    main, image_dropped = Context(model, golden.SPECIAL), Context(model, golden.SPECIAL)
    text_dropped = main.copy()
    for piece in inputs:
        if f"image.{piece}" in golden.read("pixels.safetensors"):
            latent = (latent_of or golden.read("edit_condition.safetensors").__getitem__)(piece)
            tokens = image_transform.patchify_latent(latent, 2)
            main.add_latent(tokens, (latent.shape[1] // 2, latent.shape[2] // 2))
            add_vit(main, piece)
            text_dropped = main.copy()
        else:
            text_dropped = main.copy()
            main.add_text(encode(piece))
            image_dropped.add_text(encode(piece))
    prefill([main, text_dropped, image_dropped])
    return [main, text_dropped, image_dropped]


def add_vit(context: Context, image: str) -> None:
    """As published: the ViT's transform of the picture that the autoencoder's transform has resized."""
    picture = picture_of(image)
    resized = picture.resize(VAE_TRANSFORM.size(*picture.size), Resampling.BICUBIC)
    pixels = VIT_TRANSFORM(resized)
    context.add_vit(image_transform.patchify_pixels(pixels, 14), (pixels.shape[1] // 14, pixels.shape[2] // 14))


def picture_of(name: str) -> Image.Image:
    return Image.fromarray(golden.read("pixels.safetensors")[f"image.{name}"].numpy())


def blank_latent(image: str) -> Tensor:
    """A latent of the size that the picture's has."""
    picture = picture_of(image)
    width, height = VAE_TRANSFORM.size(*picture.size)
    return torch.zeros(16, height // 8, width // 8)


def encode(text: str) -> list[int]:
    return tokenizer().encode(text)


@cache
def tokenizer() -> TextTokenizer:
    return TextTokenizer.load(golden.FOLDER / "tokenizer")
