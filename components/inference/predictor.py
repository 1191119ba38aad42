"""A checkpoint that answers and draws: the one way from an image and a sentence to the network and back.

Prediction, the registered model, the command line and the web page all go through it, and images and texts take the
form that training gave them. Results do not depend on who else is in a batch.
"""
# Shapes: images are uint8 (h, w, 3); m latent tokens of D numbers.

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from components.images.resize import fit_image
from components.recipes.evaluation import DrawingSettings
from components.recipes.training import Precision, SideRange
from components.weights.tokenizer import TextTokenizer
from model.config import MAX_PIXELS

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image
    from torch import Tensor

    from model.autoencoder import Autoencoder
    from model.generation import Context, Drawing
    from model.image_transform import ImageTransform
    from model.unimedvl import UniMedVL

    Picture = np.ndarray | Image

IMAGE_MARK = "<image>"
EachBatch = Callable[[int, int], None]
"""Called with (done, total) after each batch; may raise to stop."""


@dataclass(frozen=True, slots=True)
class Question:
    """A prompt, about an image or about none. With options, their likelihoods can be asked for."""

    prompt: str
    image: "Picture | None" = None
    options: tuple[str, ...] = ()
    more: "tuple[Picture, ...]" = ()
    """Further images. Each image takes its `<image>` mark in the prompt, in order; without marks all come before it."""

    @property
    def parts(self) -> "list[str | Picture]":
        """Texts and images in the order in which the network reads them. Raises ValueError where marks and images differ."""
        images = ([] if self.image is None else [self.image]) + list(self.more)
        first, *others = self.prompt.split(IMAGE_MARK)
        if not others:
            return [*images, self.prompt]
        if len(others) != len(images):
            raise ValueError(
                f"{len(others)} {IMAGE_MARK} marks for {len(images)} images; mark each image once, or none"
            )
        cut = [first, *(part for pair in zip(images, others, strict=True) for part in pair)]
        said = (part.strip() if isinstance(part, str) else part for part in cut)
        return [part for part in said if not isinstance(part, str) or part]


@dataclass(frozen=True, slots=True)
class Answer:
    """A generated answer. `option_logprobs` are summed over each option's tokens, empty when not asked for."""

    text: str
    num_tokens: int
    finish_reason: Literal["stop", "length"]
    logprob: float
    option_logprobs: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class DrawRequest:
    """What to draw: from words alone, or from a condition image and an instruction. Equal seeds, equal drawings."""

    prompt: str
    seed: int
    condition: "Picture | None" = None


@dataclass(frozen=True, slots=True)
class ImageSettings:
    """How images reach this checkpoint's network, as its config.json says."""

    side: int
    square: bool
    vae_side: SideRange
    vit_side: SideRange

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Self:
        """The settings in the `unimed` block of config.json; the published sizes where there is none."""
        stored = config.get("unimed", {}).get("image_settings") or {}

        def sides(of: str, published: tuple[int, int]) -> SideRange:
            low, high = stored.get(f"{of}_side", published)
            return SideRange(min=int(low), max=int(high), max_pixels=int(stored.get(f"{of}_max_pixels", MAX_PIXELS)))

        vae, vit = sides("vae", (512, 1024)), sides("vit", (224, 980))
        square = bool(stored.get("square", False))
        return cls(side=int(stored.get("side", vae.max)), square=square, vae_side=vae, vit_side=vit)


class Predictor:
    """A loaded checkpoint. Holds no state between calls."""

    def __init__(
        self, model: "UniMedVL", autoencoder: "Autoencoder | None", tokenizer: TextTokenizer, images: ImageSettings
    ) -> None:
        """autoencoder: None for a network without a generation side, which answers but raises ValueError when it is to
        draw; as one without a ViT does when it is shown an image."""
        self._model, self._tokenizer, self.images = model, tokenizer, images
        self._own_autoencoder = autoencoder
        model.eval()
        if autoencoder is not None:
            autoencoder.eval()

    @classmethod
    def load(cls, checkpoint: Path, *, threads: int | None = None, precision: Precision = "fp32") -> Self:
        """The checkpoint in the folder, on a GPU where there is one, its numbers in the recipe's precision; `threads` sets
        torch's number for this process. Raises ValueError if it is broken."""
        import torch

        from model.device import this_device
        from model.unimedvl import UniMedVL

        if threads is not None:
            torch.set_num_threads(threads)
        dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        return cls.of(UniMedVL.from_pretrained(checkpoint, dtype, this_device()), checkpoint)

    @classmethod
    def of(cls, model: "UniMedVL", checkpoint: Path) -> Self:
        """A loaded network with the autoencoder, tokenizer and image settings that lie in its checkpoint's folder."""
        from model.weights import load_autoencoder, read_config

        tokenizer = TextTokenizer.load(checkpoint)
        draws = model.config.vae is not None
        autoencoder = load_autoencoder(checkpoint, model.device, model.dtype) if draws else None
        return cls(model, autoencoder, tokenizer, ImageSettings.of(read_config(checkpoint)[1]))

    def answer(
        self,
        questions: Sequence[Question],
        *,
        max_new_tokens: int,
        score_options: bool = False,
        batch: int = 64,
        each_batch: EachBatch = lambda done, total: None,
    ) -> list[Answer]:
        """The greedy answer to each question, in order; with `score_options`, the options' log-probabilities too."""
        import torch

        from model.generation import generate_text, score_text

        answers: list[Answer | None] = [None] * len(questions)
        # Questions about one image stand together: a batch reads each of its images once.
        order = sorted(range(len(questions)), key=lambda i: (_image_key(questions[i].image), questions[i].prompt, i))
        with torch.inference_mode():
            for begin in range(0, len(order), batch):
                chosen = order[begin : begin + batch]
                contexts = self._question_contexts([questions[i] for i in chosen])
                scored = [i for i in chosen if score_options and questions[i].options]
                options = [[self._tokenizer.encode(option) for option in questions[i].options] for i in scored]
                scores = score_text([contexts[chosen.index(i)] for i in scored], options) if scored else []
                by_question = dict(zip(scored, scores, strict=True))
                generated = generate_text(contexts, max_new_tokens=max_new_tokens)
                for i, found in zip(chosen, generated, strict=True):
                    answers[i] = Answer(
                        self._tokenizer.decode(found.ids).strip(),
                        len(found.ids),
                        found.finish_reason,
                        float(found.logprob),
                        tuple(float(value) for value in by_question.get(i, ())),
                    )
                each_batch(begin + len(chosen), len(order))
        return [answer for answer in answers if answer is not None]

    def draw(
        self,
        requests: Sequence[DrawRequest],
        settings: DrawingSettings,
        *,
        batch: int = 16,
        each_batch: EachBatch = lambda done, total: None,
    ) -> list[np.ndarray]:
        """One image a request, in order: uint8 (h, w, 3), of the condition's size where there is one."""
        import torch

        drawn: list[np.ndarray | None] = [None] * len(requests)
        # Drawings from words and edits are guided differently, so they are drawn apart.
        order = sorted(range(len(requests)), key=lambda i: (requests[i].condition is not None, i))
        split = sum(request.condition is None for request in requests)
        starts = [*range(0, split, batch), *range(split, len(order), batch)]
        with torch.inference_mode():
            for begin in starts:
                chosen = order[begin : min(begin + batch, split if begin < split else len(order))]
                pictures = self._draw_batch([requests[i] for i in chosen], settings)
                for i, picture in zip(chosen, pictures, strict=True):
                    drawn[i] = picture
                each_batch(begin + len(chosen), len(order))
        return [picture for picture in drawn if picture is not None]

    def reconstruct(self, images: Sequence["Picture"]) -> list[np.ndarray]:
        """Each image through the autoencoder and back: the best that any drawing of it could be."""
        import torch

        with torch.inference_mode():
            return [self._decode(self._latent(self._fitted(image), None)) for image in images]

    @property
    def _vit(self) -> "ImageTransform":
        from model.image_transform import ImageTransform

        side = self.images.vit_side
        return ImageTransform(side.max, side.min, self._model.config.require_vit().patch_size, side.max_pixels)

    @property
    def _vae(self) -> "ImageTransform":
        from model.image_transform import ImageTransform

        side = self.images.vae_side
        return ImageTransform(side.max, side.min, self._model.config.latent_stride, side.max_pixels)

    @property
    def _autoencoder(self) -> "Autoencoder":
        self._model.config.require_vae()
        assert self._own_autoencoder is not None
        return self._own_autoencoder

    def _question_contexts(self, questions: Sequence[Question]) -> list["Context"]:
        from model.generation import Context, prefill

        with_image: dict[tuple[str, int], Context] = {}
        parts = [question.parts for question in questions]
        firsts = [None if isinstance(first := said[0], str) else first for said in parts]
        counts = [sum(not isinstance(part, str) for part in said) for said in parts]
        keys = [(_image_key(first), count) for first, count in zip(firsts, counts, strict=True)]
        for key, first in zip(keys, firsts, strict=True):
            if key not in with_image:
                with_image[key] = Context(self._model, self._tokenizer.special)
                if first is not None:
                    self._add_vit(with_image[key], self._fitted(first), key[1])
        prefill(list(with_image.values()))
        contexts = [with_image[key].copy() for key in keys]
        for context, first, count, said in zip(contexts, firsts, counts, parts, strict=True):
            for part in said if first is None else said[1:]:
                if isinstance(part, str):
                    context.add_text(self._tokenizer.encode(part))
                else:
                    self._add_vit(context, self._fitted(part), count)
        return contexts

    def _draw_batch(self, requests: Sequence[DrawRequest], settings: DrawingSettings) -> list[np.ndarray]:
        import torch

        from model.generation import Context, draw_images, prefill

        stride, special, side = (
            self._model.config.latent_stride,
            self._tokenizer.special,
            settings.side or self.images.side,
        )
        no_text, no_image = ([Context(self._model, special) for _ in requests] for _ in range(2))
        grids, noises, given = [], [], []
        for request, context in zip(requests, no_text, strict=True):
            generator = torch.Generator().manual_seed(request.seed)
            width, height = self._vae.size(side, side)
            given.append(None)
            if request.condition is not None:
                picture = self._fitted(request.condition)
                width, height = self._vae.size(*picture.size)
                latent = self._latent(picture, generator)
                given[-1] = (picture, latent)
                context.add_latent(self._tokens(latent), (height // stride, width // stride))
                self._add_vit(context, picture)
            grids.append((height // stride, width // stride))
            shape = (height // stride * (width // stride), self._model.config.latent_dim)
            noises.append(torch.randn(shape, generator=generator))
        prefill(no_text)
        whole = [context.copy() for context in no_text]
        for context, without_image, request in zip(whole, no_image, requests, strict=True):
            for with_text in (context, without_image):
                with_text.add_text(self._tokenizer.encode(request.prompt))
        guidance = self._guidance(settings, is_edit=requests[0].condition is not None)
        drawn = draw_images(whole, no_text, no_image, grids, guidance, noises)
        return [self._picture(*parts) for parts in zip(drawn, grids, given, strict=True)]

    def _picture(self, drawing: "Drawing", grid: tuple[int, int], given: "tuple[Image, Tensor] | None") -> np.ndarray:
        """The drawing as an image. What the autoencoder loses of the given image is put back as far as that is kept."""
        latent, kept = self._untokens(drawing.tokens, grid), float(drawing.kept.mean())
        if given is None or kept == 0:
            return self._decode(latent)
        picture, encoded = given
        lost = self._to_model(self._vae(picture)) - self._autoencoder.decode(encoded[None])[0]
        return self._decode(latent, kept * lost)

    def _guidance(self, settings: DrawingSettings, *, is_edit: bool) -> Any:
        from model.generation import GuidanceSettings

        if is_edit and settings.edits == "mean":
            settings = settings.one_step()
        settings = settings.of_edits() if is_edit else settings.of_words()
        return GuidanceSettings(
            num_timesteps=settings.grid_points,
            timestep_shift=settings.timestep_shift,
            text_scale=settings.text_guidance,
            image_scale=settings.image_guidance,
            interval=settings.guidance_interval,
            renorm=settings.renorm,
            renorm_min=settings.renorm_min,
        )

    def _fitted(self, image: "Picture") -> "Image":
        """The image padded and scaled as the training images were: a PIL RGB picture."""
        from PIL import Image

        picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
        pixels = np.asarray(picture.convert("RGB"))
        return Image.fromarray(fit_image(pixels, self.images.side, square=self.images.square))

    def _add_vit(self, context: "Context", picture: "Image", num_images: int = 1) -> None:
        """The image, one of so many of a question, which share the pixels that there are for one."""
        from model.image_transform import patchify_pixels

        pixels = self._to_model(self._vit(picture, num_images))
        patch = self._model.config.require_vit().patch_size
        grid = (pixels.shape[-2] // patch, pixels.shape[-1] // patch)
        context.add_vit(patchify_pixels(pixels, patch), grid)

    def _latent(self, picture: "Image", generator: "torch.Generator | None") -> "Tensor":
        """Normalised latents [z, h, w]: drawn from the encoder's distribution, or its mean without a generator."""
        import torch

        moments = self._autoencoder.encode(self._to_model(self._vae(picture))[None])
        if generator is None:
            return self._autoencoder.normalise(moments.mean)[0]
        noise = torch.randn(moments.mean.shape, generator=generator).to(moments.mean)
        return self._autoencoder.normalise(moments.sample(noise))[0]

    def _decode(self, latent: "Tensor", beside: "Tensor | float" = 0.0) -> np.ndarray:
        from model.image_transform import to_uint8

        dtype = next(self._autoencoder.parameters()).dtype
        return to_uint8(self._autoencoder.decode(latent[None].to(dtype))[0] + beside).cpu().numpy()

    def _tokens(self, latent: "Tensor") -> "Tensor":
        from model.image_transform import patchify_latent

        return patchify_latent(latent, self._model.config.latent_patch)

    def _untokens(self, tokens: "Tensor", grid: tuple[int, int]) -> "Tensor":
        from model.image_transform import unpatchify_latent

        return unpatchify_latent(tokens, grid, self._model.config.latent_patch)

    def _to_model(self, pixels: "Tensor") -> "Tensor":
        weight = next(self._model.parameters())
        return pixels.to(device=weight.device, dtype=weight.dtype)


def _image_key(image: "Picture | None") -> str:
    if image is None:
        return ""
    pixels = np.asarray(image)
    return hashlib.blake2b(pixels.tobytes() + repr(pixels.shape).encode(), digest_size=16).hexdigest()
