"""The question types: how a record answers each, and how it is put. Training and benchmark share these strings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from components.assembly.corpus import Entry
from components.recipes.nearest import nearest
from components.records.vocabulary import Modality

Form = Literal["open", "closed", "choice"]
YES_NO = ("yes", "no")
PLANES = ("axial", "coronal", "sagittal")
LEVELS = ("upper", "middle", "lower")
NO_REGION = ("", "unknown", "tissue")
"""What a record says instead of a body region when nothing is known of it."""

OVERLAPPING_REGIONS = tuple(
    frozenset(pair)
    for pair in (
        ("chest", "heart"),
        ("chest", "breast"),
        ("chest", "abdomen"),
        ("chest", "neck"),
        ("abdomen", "pelvis"),
        ("abdomen", "colon"),
        ("abdomen", "kidney"),
        ("abdomen", "liver"),
        ("abdomen", "stomach"),
        ("abdomen", "small bowel"),
        ("abdomen", "oesophagus"),
        ("abdomen", "rectum"),
        ("pelvis", "colon"),
        ("pelvis", "rectum"),
        ("pelvis", "small bowel"),
        ("chest", "oesophagus"),
        ("chest", "stomach"),
        ("neck", "oesophagus"),
        ("oesophagus", "stomach"),
        ("stomach", "small bowel"),
        ("small bowel", "colon"),
        ("colon", "rectum"),
        ("brain", "head"),
        ("brain", "eye"),
        ("head", "eye"),
        ("head", "neck"),
        ("brain", "neck"),
    )
)
"""Regions that one image may show both of: one is never a wrong answer for the other."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QuestionType:
    """A kind of question. `value` gives a record's answer, or None where it cannot be asked about it."""

    name: str
    value: Callable[[Entry], str | None]
    wordings: Mapping[Form, tuple[str, ...]]
    """Form -> wordings; the benchmark uses the first. `{value}` is what a closed question asserts, `{subject}` what
    the question is about."""
    yes_no: bool = False
    """The value itself is yes or no; a closed question asserts nothing."""
    subject: Callable[[Entry], str] = lambda entry: ""
    excludes: Callable[[str, str], bool] = lambda true, wrong: True
    """Whether the second value is certainly wrong where the first is right."""

    def prompt(self, form: Form, wording: int, entry: Entry, value: str = "", options: tuple[str, ...] = ()) -> str:
        """The question's text; choice questions end with their options."""
        texts = self.wordings[form]
        text = texts[wording % len(texts)].format(value=value, subject=self.subject(entry))
        return with_options(text, options) if form == "choice" else text

    def prompt_id(self, form: Form) -> str:
        """Identity of the prompt's table row; a changed wording asks for a new number."""
        return f"unimed.{self.name}.{form}@1"


def question_type(name: str) -> QuestionType:
    """The type of that name; raises ValueError for an unknown one."""
    if name not in QUESTION_TYPES:
        raise ValueError(f"unknown question type {name!r} in assembly.questions{nearest(name, QUESTION_TYPES)}")
    return QUESTION_TYPES[name]


def with_options(text: str, options: tuple[str, ...]) -> str:
    """A choice question with what there is to choose from."""
    return f"{text} Options: {'; '.join(options)}."


def fact(name: str, allowed: tuple[str, ...] = ()) -> Callable[[Entry], str | None]:
    """A reader of one fact; values outside `allowed` cannot be asked about."""

    def read(entry: Entry) -> str | None:
        value = entry.facts.get(name)
        return value if value and (not allowed or value in allowed) else None

    return read


def region(entry: Entry) -> str | None:
    """The body region, where the record names one."""
    return None if entry.anatomy in NO_REGION else entry.anatomy


def slice_plane(entry: Entry) -> str | None:
    """axial, coronal or sagittal for slices of MRI and CT, else None."""
    return fact("plane", PLANES)(entry) if entry.modality in (Modality.MRI, Modality.CT) else None


def side_subject(entry: Entry) -> str:
    """What a question about left and right is about."""
    if entry.modality is Modality.FUNDUS:
        return "Which eye is this"
    finding = next((name for name in ("tumour", "nodule") if entry.facts.get(name) == "yes"), None)
    return f"On which side of the body is the {finding}" if finding else "Which side of the body is shown"


def regions_exclude(true: str, wrong: str) -> bool:
    """Whether an image of the first region surely does not show the second."""
    return frozenset((true, wrong)) not in OVERLAPPING_REGIONS


_TYPES = (
    QuestionType(
        name="modality",
        value=lambda entry: None if entry.modality is Modality.UNKNOWN else entry.modality.value,
        wordings={
            "open": ("Which imaging modality is this?", "How was this image made?", "What kind of image is this?"),
            "closed": ("Is the imaging modality {value}?", "Was this image made by {value}?"),
            "choice": ("Which imaging modality is this?",),
        },
    ),
    QuestionType(
        name="region",
        value=region,
        excludes=regions_exclude,
        wordings={
            "open": ("Which body region is shown?", "Which part of the body is this?", "What region does it show?"),
            "closed": ("Is the body region shown the {value}?", "Is this an image of the {value}?"),
            "choice": ("Which body region is shown?",),
        },
    ),
    QuestionType(
        name="plane",
        value=slice_plane,
        wordings={
            "open": ("In which plane is this slice?", "Which anatomical plane is shown?"),
            "closed": ("Is the plane of this slice {value}?", "Is this a slice in the {value} plane?"),
            "choice": ("In which plane is this slice?",),
        },
    ),
    QuestionType(
        name="contrast",
        value=fact("contrast"),
        wordings={
            "open": ("Which contrast does this MRI show?", "Which kind of MRI is this?"),
            "closed": ("Is the contrast of this MRI {value}?", "Does this MRI show {value} contrast?"),
            "choice": ("Which contrast does this MRI show?",),
        },
    ),
    QuestionType(
        name="colour",
        value=fact("colour", YES_NO),
        yes_no=True,
        wordings={"closed": ("Is this image in colour?", "Does this image show colour?")},
    ),
    QuestionType(
        name="stain",
        value=fact("stain"),
        wordings={
            "open": ("Which stain was used?", "How is this tissue stained?"),
            "closed": ("Is this tissue stained with {value}?", "Is the stain {value}?"),
            "choice": ("Which stain was used?",),
        },
    ),
    QuestionType(
        name="level",
        value=fact("level", LEVELS),
        subject=lambda entry: entry.anatomy,
        wordings={
            "open": ("At which level of the {subject} is this slice?",),
            "closed": ("Is this slice at the {value} level of the {subject}?",),
            "choice": ("At which level of the {subject} is this slice?",),
        },
    ),
    QuestionType(
        name="side",
        value=fact("laterality", ("left", "right")),
        subject=side_subject,
        wordings={
            "open": ("{subject}, left or right?",),
            "closed": ("{subject}: is it the {value} one?",),
            "choice": ("{subject}?",),
        },
    ),
    QuestionType(
        name="tumour",
        value=fact("tumour", YES_NO),
        yes_no=True,
        wordings={"closed": ("Is a tumour visible?", "Does this slice show a tumour?")},
    ),
    QuestionType(
        name="nodule",
        value=fact("nodule", YES_NO),
        yes_no=True,
        wordings={"closed": ("Is a lung nodule visible?", "Does this slice show a lung nodule?")},
    ),
    QuestionType(
        name="organ",
        value=lambda entry: None,
        yes_no=True,
        wordings={"closed": ("Is the {value} visible?", "Does this slice show the {value}?")},
    ),
    QuestionType(
        name="finding",
        value=lambda entry: None,
        yes_no=True,
        wordings={"closed": ("Does this image show {value}?", "Can you see {value} in this image?")},
    ),
    QuestionType(
        name="doppler",
        value=fact("doppler", YES_NO),
        yes_no=True,
        wordings={"closed": ("Is Doppler colour shown?", "Does this ultrasound image show Doppler colour?")},
    ),
    QuestionType(
        name="retinopathy",
        value=fact("retinopathy", YES_NO),
        yes_no=True,
        wordings={"closed": ("Are there signs of diabetic retinopathy?", "Does this eye have diabetic retinopathy?")},
    ),
)
QUESTION_TYPES: Mapping[str, QuestionType] = {kind.name: kind for kind in _TYPES}
