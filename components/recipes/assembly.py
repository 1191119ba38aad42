"""How records become the UniMed-5M training set and its benchmark."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

FORMS = ("open", "closed", "choice")
LICENCE_WORDS = ("NC", "ND", "SA", "unknown", "lent")
"""What a recipe can refuse: licences that forbid commercial use, changes, or changes under other terms; that do not say;
and sets that were lent."""
EDIT_WEIGHTS = {
    "super-resolution": 4.0,
    "translation-grey-matter": 1.5,
    "translation-white-matter": 1.5,
    "organ-map": 1.5,
    "staining": 1.5,
    "paired": 1.5,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Slab:
    """Slices of a single-subject family that are kept from training."""

    source: str
    subject: str
    plane: str
    """axial, coronal, sagittal for volumes; 'tile' for slides."""
    low: float
    high: float
    """Position along the plane's axis: millimetres for volumes, pixels for slides."""
    guard: float
    """Slices this near to the slab on either side are filtered as guard-band."""
    split: Literal["within-subject", "within-val"] = "within-subject"
    """Held out for the exam, or to choose on."""

    def __post_init__(self) -> None:
        if self.low >= self.high or self.guard < 0:
            raise ValueError(f"a slab needs low < high and guard >= 0, got {self.low}, {self.high}, {self.guard}")


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitSettings:
    """Which patients are held out."""

    test: Mapping[str, tuple[str, ...]]
    """Source -> held-out subjects, by readable name or by patient key (`unimed data show` prints it)."""
    slabs: tuple[Slab, ...]
    val_share: float
    """Share of training patients (by keyed hash of the patient) whose records are `val`."""
    test_share: float = 0.0
    """Share of the patients that nothing else places (by keyed hash of the patient) that are held out. A patient stays
    where it is, whatever is added; a larger share keeps all of a smaller one."""
    by: Literal["patient", "site"] = "patient"
    """What the two shares are drawn of: patients, or sites, for an exam at sites that were not trained on. A record's site
    is its fact `hospital`; one without it is drawn by its patient."""
    val: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Source -> subjects that are `val`, named like the held-out ones: for a corpus of a few subjects, where a share of
    them is none or too many."""

    def __post_init__(self) -> None:
        for name in ("val_share", "test_share"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"assembly.splits.{name} must be in 0 to 1, 1 left out; got {getattr(self, name)}")
        both = sorted(
            f"{source}/{subject}"
            for source, named in self.val.items()
            for subject in named
            if subject in self.test.get(source, ())
        )
        if both:
            raise ValueError(
                f"assembly.splits names {', '.join(both)} under test and under val; a subject is one of them"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class QuestionSettings:
    """How many questions of a type are made."""

    weight: float
    """Share of the question budget relative to the other types."""
    forms: tuple[str, ...]
    """Of open, closed, choice."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AlignmentSettings:
    """Which captions and reports fit their images well enough to train on."""

    scorer: Literal["none", "labels", "published"]
    """labels: how many of the record's labels the text names, without a model. published: the paper's score, from
    data/alignment/<source>.parquet."""
    keep: float
    """Share of each source's scored records that stays, the best first; the others are filtered as alignment."""

    def __post_init__(self) -> None:
        if not 0 < self.keep <= 1:
            raise ValueError(f"assembly.alignment.keep must be above 0 and at most 1, got {self.keep}")


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenceSettings:
    """Under which licences records are used."""

    refuse: tuple[str, ...] = ()
    """Words of LICENCE_WORDS; a record under such a licence is filtered as `licence WORD`, the first that holds."""

    def __post_init__(self) -> None:
        if unknown := [word for word in self.refuse if word not in LICENCE_WORDS]:
            raise ValueError(f"assembly.licences.refuse: unknown {unknown[0]!r}; known: {', '.join(LICENCE_WORDS)}")


@dataclass(frozen=True, kw_only=True, slots=True)
class AssemblySettings:
    """Rules and sizes of assembly. Shards of several images are sealed; the mixture is a run-time number."""

    image_side: int
    """Images are stored with their longer side at most this many pixels."""
    square: bool
    """Pad images to a square with their border's colour before scaling (the network itself takes any shape)."""
    super_resolution_factor: int
    max_shard_bytes: int
    questions: Mapping[str, QuestionSettings]
    """Question type -> weight and forms."""
    question_turns: int
    """Question-answer turns made for training, over all types, at most."""
    turns_per_sample: int
    """At most this many turns about one image in one conversation."""
    caption_samples: int
    """Caption conversations made for training (balanced over families), at most."""
    benchmark_items: int
    """Items per question type, form and split of the validation side; of the exam at least so many, where there are."""
    benchmark_drawings: int
    """Text-to-image items, likewise."""
    benchmark_edits: int
    """Items per editing task and split, likewise."""
    splits: SplitSettings
    excluded_patients: tuple[str, ...] = ()
    """Patient keys taken out by `unimed data remove --patient`."""
    drawing_samples: int = 1500
    """Text-to-image conversations made for training (balanced over families), at most."""
    edit_samples: int = 2000
    """Editing conversations made for training, over all edits, at most."""
    question_turns_per_record: float = 6.0
    """Question-answer turns for each training image, until `question_turns` are reached; and so on:"""
    captions_per_record: float = 1.0
    drawings_per_record: float = 1.0
    edits_per_record: float = 1.0
    most_per_image: int = 12
    """One image is used so often at most for one form of a question, for captions, for drawings, for one edit."""
    most_per_patient: int = 400
    """And one patient."""
    edits: Mapping[str, float] = field(default_factory=lambda: dict(EDIT_WEIGHTS))
    """Edit -> weight; its share of `edit_samples`. `paired` is the weight of each edit that is not named and that some
    record has the paired image for. `components/assembly/conversations/edits.py` lists them."""
    benchmark_captions: int = 100
    """Captions of the validation side; the exam captions every image."""
    caption_characters: tuple[int, int] = (10, 1024)
    """Records whose caption is shorter or longer are filtered as caption-length. Never applied to short answers."""
    alignment: AlignmentSettings = AlignmentSettings(scorer="none", keep=0.5)
    """Never applied to held-out records, nor to our own captions, which are made of the labels."""
    licences: LicenceSettings = LicenceSettings()
    """Applied to every side: what is refused is neither trained on nor asked about."""

    def __post_init__(self) -> None:
        problems = [
            f"assembly.{name} must be at least {least}, got {getattr(self, name)}"
            for name, least in (
                ("image_side", 8),
                ("super_resolution_factor", 2),
                ("max_shard_bytes", 1024),
                ("turns_per_sample", 1),
                ("question_turns", 0),
                ("caption_samples", 0),
                ("drawing_samples", 0),
                ("edit_samples", 0),
                ("question_turns_per_record", 0),
                ("captions_per_record", 0),
                ("drawings_per_record", 0),
                ("edits_per_record", 0),
                ("most_per_image", 1),
                ("most_per_patient", 1),
                ("benchmark_items", 2),
            )
            if getattr(self, name) < least
        ]
        problems += [
            f"assembly.questions.{name}: unknown form {form!r}; known: {', '.join(FORMS)}"
            for name, question in self.questions.items()
            for form in question.forms
            if form not in FORMS
        ]
        problems += [
            f"assembly.{where}.{name}: a weight must be >= 0, got {weight}"
            for where, weights in (
                ("questions", {name: question.weight for name, question in self.questions.items()}),
                ("edits", self.edits),
            )
            for name, weight in weights.items()
            if weight < 0
        ]
        if problems:
            raise ValueError("; ".join(problems))
