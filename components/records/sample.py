"""What training reads: an interleaved conversation of texts, clinical records and images, in order."""

from collections.abc import Mapping
from dataclasses import dataclass

from components.records.record import Provenance
from components.records.vocabulary import ImageRole, Modality, Split, TaskGroup


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """A text of the conversation; `supervised` texts are what the model learns to say."""

    text: str
    supervised: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Clinical:
    """A clinical table row: typed fields in fixed order, missing ones simply absent."""

    fields: Mapping[str, str]

    def render(self) -> str:
        """The text that packing sees: `Age: 74; Sex: F`."""
        return "; ".join(f"{name}: {value}" for name, value in self.fields.items())


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """An image of the conversation with its role."""

    role: ImageRole
    data: bytes
    """PNG or JPEG."""
    sha256: str
    """Of those bytes."""


Piece = Text | Clinical | Image


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One conversation. Maps one to one on the packed sequence, so packing needs no per-task code."""

    id: str
    source: str
    group: TaskGroup
    task: str
    """vqa, caption, t2i, super_resolution, translation, staining, organ_map, text …"""
    modality: Modality
    anatomy: str
    patient_key: str
    split: Split
    pieces: tuple[Piece, ...]
    licence: str
    provenance: Provenance
