"""Planned conversations with their pictures in: the samples that training reads."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from components.assembly.conversations.balance import pick
from components.assembly.conversations.edits import EDITS, Edit
from components.assembly.conversations.plan import RecordPlan
from components.assembly.conversations.questions.captions import CAPTION_PROMPTS, caption
from components.assembly.corpus import Entry
from components.images.png import encode_png
from components.images.resize import degrade, fit_image, is_fitted
from components.images.stored import decode_stored, stored_size
from components.recipes.assembly import AssemblySettings
from components.records.record import Provenance
from components.records.sample import Image, Piece, Sample, Text
from components.records.vocabulary import ImageRole, TaskGroup
from components.storage.keys import sha256_bytes

DRAWN_WORDINGS = 8
"""Captions that one image is drawn from; the benchmark's two are among them."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A stored image, PNG or JPEG, and its hash."""

    data: bytes
    sha256: str

    @classmethod
    def of(cls, pixels: np.ndarray) -> "Picture":
        """The picture of (H, W) or (H, W, 3) uint8 pixels."""
        data = encode_png(pixels)
        return cls(data, sha256_bytes(data))

    def piece(self, role: ImageRole) -> Image:
        """The picture in a conversation."""
        return Image(role=role, data=self.data, sha256=self.sha256)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pictures:
    """A record's images at the stored size."""

    own: Picture
    targets: Mapping[str, Picture]
    more: tuple[Picture, ...] = ()
    """The record's further images."""
    factor: int
    """How many times smaller the degraded image was in between."""

    def condition(self, edit: Edit) -> Picture:
        """What the edit starts from; the degraded image is made here, since few records need it."""
        return self.own if edit.target else Picture.of(degrade(decode_stored(self.own.data), self.factor))

    def target(self, edit: Edit) -> Picture:
        """What the edit ends in."""
        return self.targets[edit.target] if edit.target else self.own


def fit_pictures(
    image: bytes, targets: Mapping[str, bytes], more: Sequence[bytes], settings: AssemblySettings
) -> Pictures:
    """The record's images, padded and scaled as the recipe says; label maps keep their exact colours."""
    labels = {edit.target for edit in EDITS.values() if edit.labels}
    return Pictures(
        own=_fitted(image, settings),
        targets={name: _fitted(data, settings, labels=name in labels) for name, data in sorted(targets.items())},
        more=tuple(_fitted(data, settings) for data in more),
        factor=settings.super_resolution_factor,
    )


def make_samples(entry: Entry, plan: RecordPlan, pictures: Pictures) -> Iterator[Sample]:
    """The record's planned conversations in the order of their ids."""
    yield from sorted(
        [*_talks(entry, plan, pictures), *_captions(entry, plan, pictures), *_drawings(entry, plan, pictures)]
        + list(_edits(entry, plan, pictures)),
        key=lambda sample: sample.id,
    )


def heldout_sample(entry: Entry, pictures: Pictures) -> Sample:
    """A held-out image with its caption: read by the judge and by whoever looks, never trained on."""
    return sample_of(
        entry, "heldout", TaskGroup.I2T, "caption", _described(entry, CAPTION_PROMPTS[0], caption(entry), pictures)
    )


def _fitted(data: bytes, settings: AssemblySettings, *, labels: bool = False) -> Picture:
    """The stored image at the data set's size. One that has it stays as it is, a JPEG too."""
    if is_fitted(*stored_size(data), settings.image_side, square=settings.square):
        return Picture(data, sha256_bytes(data))
    return Picture.of(fit_image(decode_stored(data), settings.image_side, square=settings.square, labels=labels))


def _talks(entry: Entry, plan: RecordPlan, pictures: Pictures) -> Iterator[Sample]:
    for number, talk in enumerate(plan.talks):
        pieces: list[Piece] = [pictures.own.piece(ImageRole.UNDERSTAND)]
        for turn in talk:
            pieces += [Text(text=turn.prompt), Text(text=turn.answer, supervised=True)]
        yield sample_of(entry, f"vqa-{number:04d}", TaskGroup.I2T, "vqa", pieces)


def _captions(entry: Entry, plan: RecordPlan, pictures: Pictures) -> Iterator[Sample]:
    for number in range(plan.captions):
        prompt = pick(CAPTION_PROMPTS, "caption prompt", entry.id, number)
        pieces = _described(entry, prompt, caption(entry, number + 1), pictures)
        yield sample_of(entry, f"caption-{number:04d}", TaskGroup.I2T, "caption", pieces)


def _drawings(entry: Entry, plan: RecordPlan, pictures: Pictures) -> Iterator[Sample]:
    for number in range(plan.drawings):
        wording = pick(range(DRAWN_WORDINGS), "t2i wording", entry.id, number)
        pieces = [Text(text=caption(entry, wording)), pictures.own.piece(ImageRole.TARGET)]
        yield sample_of(entry, f"t2i-{number:04d}", TaskGroup.T2I, "t2i", pieces)


def _edits(entry: Entry, plan: RecordPlan, pictures: Pictures) -> Iterator[Sample]:
    for number, (edit, wording) in enumerate(plan.edits):
        pieces = [
            pictures.condition(edit).piece(ImageRole.CONDITION),
            Text(text=edit.wordings[wording]),
            pictures.target(edit).piece(ImageRole.TARGET),
        ]
        name = f"{edit.name}-{number:04d}"
        yield sample_of(entry, name, TaskGroup.INTERLEAVED, edit.task, pieces, edit.method or entry.provenance.method)


def _described(entry: Entry, prompt: str, said: str, pictures: Pictures) -> list[Piece]:
    return [pictures.own.piece(ImageRole.UNDERSTAND), Text(text=prompt), Text(text=said, supervised=True)]


def sample_of(
    entry: Entry, name: str, group: TaskGroup, task: str, pieces: list[Piece], method: str = "template"
) -> Sample:
    """The record's sample of that name."""
    origin = entry.provenance
    return Sample(
        id=f"{entry.id}#{name}",
        source=entry.source,
        group=group,
        task=task,
        modality=entry.modality,
        anatomy=entry.anatomy,
        patient_key=entry.patient_key,
        split=entry.split,
        pieces=tuple(pieces),
        licence=entry.licence,
        provenance=Provenance(file=origin.file, locator=origin.locator, sha256=origin.sha256, method=method),
    )
