"""What an adapter yields: one raw image, row or study with what is known and said of it, before any task is made of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from components.images.stored import StoredImage
from components.records.vocabulary import Modality, Split, TurnKind


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
class Turn:
    """One question and answer, caption or report as the source words it."""

    prompt: str
    """What is asked; empty for a caption or a report without a question."""
    answer: str
    """What is said, without blanks around it; empty only for a drawing without a reply."""
    kind: TurnKind
    options: tuple[str, ...] = ()
    """Of a choice, without their letters; the answer is one of them."""
    images_at: tuple[int, ...] = ()
    """Where in the prompt the record's next images stand: characters of the prompt before each. When no turn of a record
    says anything, all its images come before the first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One image of a source with its facts, or one row, study or text with what is said of it. The unit of the accounting.

    Several rows about one image are several records with the same `Provenance.sha256` and the same subject.
    """

    id: str
    """`source/native-id`, stable for ever."""
    source: str
    subject: str
    """The adapter's readable name of the patient or volume. Public sets only; hashed before it is written."""
    modality: Modality
    anatomy: str
    """The region shown, one plain word or two: brain, abdomen, chest, eye, heart, breast, leg, colon, skin."""
    image: StoredImage | None
    """Already windowed and de-identified; None for a record of text alone (Modality.TEXT)."""
    more_images: tuple[StoredImage, ...] = ()
    """Further images of the same record, in order."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What the labels, header or geometry say; a fact that is not there is unknown, never absent. Keys: plane, contrast,
    stain, colour (yes/no), view, projection (of X-rays), window (of CT); map (which tissue, or none beside one that has
    maps); organs, unclear_organs (cut by too little to be seen), findings, absent_findings (';'-joined); tumour / nodule / doppler / retinopathy (yes/no), laterality (left/right), level (upper/middle/lower), comparison (none: there was no earlier examination), microns_per_pixel, hospital, description."""
    origins: Mapping[str, str] = field(default_factory=dict)
    """Fact -> who says it, as `origins.py` lists them, where that is another than for facts of its name usually."""
    targets: Mapping[str, bytes] = field(default_factory=dict)
    """Paired or derived images of the same place as they are stored, named as `targets.py` lists them; `output` is what a turn of
    kind drawing ends in."""
    turns: tuple[Turn, ...] = ()
    """What the source itself says about the image or images, in order."""
    language: str = "en"
    """Of the turns, two letters."""
    delivered_split: Split | None = None
    position: float | None = None
    """Where the slice or tile lies along its axis: millimetres for volumes, pixels for slides."""
    licence: str
    provenance: Provenance
    person: tuple[str, ...] = ()
    """What else a header says of its patient (name, date of birth, sex), each hashed, empty where it says nothing: two
    people under one subject are told apart by them. Not written."""

    is_private: bool = False
    """Whether its source is: then no reason quotes what it says. Not written."""
    suspected: tuple[str, ...] = ()
    """Kinds of what in the texts of a private source may name somebody; held, never written."""

    def __post_init__(self) -> None:
        placed = sum(len(turn.images_at) for turn in self.turns)
        if placed not in (0, len(self.images)):
            raise ValueError(f"record {self.id} has {len(self.images)} images, its turns show {placed}")

    @property
    def images(self) -> tuple[StoredImage, ...]:
        """All that it shows, in order; none for text alone."""
        return () if self.image is None else (self.image, *self.more_images)


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
    is_rest: bool = False
    """Whether it stands for all that follows in its file: nobody knows how many records that are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut(Unreadable):
    """What was read and is by nature none of the source's records: no image, or left out by the set's own rule.

    It is counted and filtered: it neither counts against a limit of unreadable records nor asks for anything to be mended.
    """
