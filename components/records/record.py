"""What an adapter yields: one raw image with what is known of it, before any task is made of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from components.records.vocabulary import Modality, Split


@dataclass(frozen=True, kw_only=True, slots=True)
class Provenance:
    """Where a record came from, so that it can be found again a year later."""

    file: str
    """Path inside the source's folder, POSIX separators."""
    locator: str = ""
    """Which slice, frame, tile or row of the file: 'axial 84', 'frame 15', 'row 12'."""
    sha256: str = ""
    """Of the decoded pixels as delivered (before any resize)."""
    method: str = "as delivered"
    """How its targets or texts were made: 'as delivered', 'template', 'derived: colour deconvolution', …"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One image of a source and its facts. The unit of the accounting (DESIGN §4)."""

    id: str
    """`source/native-id`, stable for ever."""
    source: str
    subject: str
    """The adapter's readable name of the patient or volume. Public sets only; hashed before it is written."""
    modality: Modality
    anatomy: str
    """The region shown, one plain word or two: brain, abdomen, chest, eye, heart, breast, leg, colon, skin."""
    image: bytes
    """PNG, 8 bit, grey ('L') where the source is grey, else RGB; already windowed and de-identified."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What the labels, header or geometry say. Keys: plane, contrast, stain, colour (yes/no), organs (';'-joined),
    tumour / nodule / doppler / retinopathy (yes/no), laterality (left/right), level (upper/middle/lower), description."""
    targets: Mapping[str, bytes] = field(default_factory=dict)
    """Paired or derived images of the same place (PNG): grey_matter, white_matter, organ_map, haematoxylin."""
    delivered_split: Split | None = None
    position: float | None = None
    """Where the slice or tile lies along its axis: millimetres for volumes, pixels for slides."""
    licence: str
    provenance: Provenance


@dataclass(frozen=True, kw_only=True, slots=True)
class Unreadable:
    """A record that could not be read: it is counted and quarantined, never skipped."""

    id: str
    source: str
    file: str
    reason: str
    """A short stable word pair, the key of the accounting: 'empty file', 'not an image', 'undecodable', …"""
    detail: str
    """The sentence for a person: the value and the fix."""
