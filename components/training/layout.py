"""What a sample becomes: the plan of texts, ViT images and latent images that one packed sample is built from.

Everything here follows from the sample, its pass and the seed, and no pixel is decoded: the columns of lengths ask what a
sample may become, the batch what it becomes in a visit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, NamedTuple

from components.assembly.dataset import ImageShape
from components.recipes.training import ConditionDropout, SideRange
from components.records.sample import Clinical, Text
from components.records.vocabulary import ImageRole
from components.storage.keys import keyed_hash, unit_interval
from components.weights.tokenizer import TextTokenizer, text_of
from model.config import ModelConfig
from model.image_transform import ImageTransform
from model.packed import Grid

Shape = Text | Clinical | ImageShape
"""A piece of a conversation without its pixels."""


Kind = Literal["text", "vit", "vae"]
"""What a condition is dropped as."""


class Visit(NamedTuple):
    """One use of a sample."""

    number: int
    """Its place in the index."""
    key: int
    """`sample_key` of its id: all chance of the visit follows from it."""
    pass_number: int
    """In which pass through its source."""


def sample_key(sample_id: str) -> int:
    """The 64 bits that stand for a sample wherever order and chance are made, whichever samples stand beside it."""
    return int(keyed_hash("sample", sample_id, digest_bytes=8), 16)


@dataclass(frozen=True, slots=True)
class TextItem:
    """A text between its two markers; a dropped one leaves nothing behind."""

    kind: ClassVar[Kind] = "text"
    piece: int
    """Its place among the sample's pieces."""
    ids: tuple[int, ...]
    supervised: bool
    is_condition: bool
    """Something is drawn after it, so that it may be dropped."""
    dropped: bool = False

    @property
    def num_tokens(self) -> int:
        return 0 if self.dropped else len(self.ids) + 2


@dataclass(frozen=True, slots=True)
class VitItem:
    """An image that the ViT reads."""

    kind: ClassVar[Kind] = "vit"
    piece: int
    grid: Grid
    is_condition: bool
    dropped: bool = False
    num_images: int = 1
    """Images that share the pixels which there are for one."""

    @property
    def num_tokens(self) -> int:
        return 0 if self.dropped else self.grid[0] * self.grid[1] + 2


@dataclass(frozen=True, slots=True)
class LatentItem:
    """An image as latent tokens: clean (a condition), or a target of which `copies` noised ones are made."""

    kind: ClassVar[Kind] = "vae"
    piece: int
    grid: Grid
    copies: int
    """Noised copies; 0 for a clean image."""
    is_condition: bool
    dropped: bool = False
    is_edit: bool = False
    """A target behind another image."""

    @property
    def num_tokens(self) -> int:
        return 0 if self.dropped else (self.grid[0] * self.grid[1] + 2) * max(self.copies, 1)


Item = TextItem | VitItem | LatentItem


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """The numbers that turn samples into plans. `seed` differs from stage to stage."""

    tokenizer: TextTokenizer
    vit: ImageTransform
    vae: ImageTransform
    vit_patch: int
    latent_stride: int
    dropout: ConditionDropout
    noised_copies: int
    seed: str

    def items(self, pieces: Sequence[Shape], visit: Visit) -> list[Item]:
        """The plan of a sample's pieces in this visit. Conditions of a drawing may be dropped, each by its own draw."""
        return [
            replace(item, dropped=True) if item.is_condition and self.drops(item.kind, visit, item.piece) else item
            for item in self.all_items(pieces)
        ]

    def all_items(self, pieces: Sequence[Shape]) -> list[Item]:
        """The plan of a sample's pieces with every condition kept."""
        order = _Order.of(pieces)
        items: list[Item] = []
        for number, piece in enumerate(pieces):
            if isinstance(piece, ImageShape):
                items += self._image_items(number, piece, order, is_last=number == len(pieces) - 1)
            else:
                supervised = isinstance(piece, Text) and piece.supervised
                is_condition = not supervised and number < order.last_target
                ids = tuple(self.tokenizer.encode(text_of(piece)))
                items.append(TextItem(number, ids, supervised, is_condition))
        return items

    def drops(self, kind: Kind, visit: Visit, piece: int) -> bool:
        """Whether this visit leaves out the condition of that kind at that place among the sample's pieces."""
        share = getattr(self.dropout, kind)
        return unit_interval(self.seed, "drop", kind, visit.key, visit.pass_number, piece) < share

    def _image_items(self, number: int, shape: ImageShape, order: "_Order", *, is_last: bool) -> list[Item]:
        is_condition = number < order.last_target
        vit = VitItem(number, self._vit_grid(shape, order.num_together), is_condition, num_images=order.num_together)
        if shape.role is ImageRole.UNDERSTAND:
            return [vit]
        clean = LatentItem(number, self._latent_grid(shape), 0, is_condition)
        if shape.role is ImageRole.CONDITION:
            return [clean, vit]
        noised = LatentItem(number, clean.grid, self.noised_copies, False, is_edit=number > order.first_image)
        # Nothing sees noised tokens but themselves, so what follows a drawing reads the clean copy.
        return [noised] if is_last else [noised, clean, vit]

    def _vit_grid(self, shape: ImageShape, num_images: int) -> Grid:
        width, height = self.vit.size(shape.width, shape.height, num_images)
        return height // self.vit_patch, width // self.vit_patch

    def _latent_grid(self, shape: ImageShape) -> Grid:
        width, height = self.vae.size(shape.width, shape.height)
        return height // self.latent_stride, width // self.latent_stride


def image_transforms(
    config: ModelConfig, *, vit_side: SideRange, vae_side: SideRange
) -> tuple[ImageTransform, ImageTransform]:
    """How images are sized for the ViT and for the autoencoder."""
    vit = ImageTransform(vit_side.max, vit_side.min, config.require_vit().patch_size, vit_side.max_pixels)
    vae = ImageTransform(vae_side.max, vae_side.min, config.latent_stride, vae_side.max_pixels)
    return vit, vae


class _Order(NamedTuple):
    """Where the images stand among a sample's pieces."""

    first_image: int
    last_target: int
    """-1 where nothing is drawn."""
    num_together: int
    """Images that share the pixels which there are for one: those of a question. Where one is drawn, each has its own (as
    published)."""

    @classmethod
    def of(cls, pieces: Sequence[Shape]) -> "_Order":
        images = [i for i, piece in enumerate(pieces) if isinstance(piece, ImageShape)]
        targets = [i for i in images if _is_target(pieces[i])]
        return cls(min(images, default=len(pieces)), max(targets, default=-1), 1 if targets else len(images))


def _is_target(piece: Shape) -> bool:
    return isinstance(piece, ImageShape) and piece.role is ImageRole.TARGET
