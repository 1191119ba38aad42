"""The question types: how a record answers each, and how it is put. Training and benchmark share these strings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from components.assembly.conversations.questions import wordings as said
from components.assembly.conversations.questions.english import be, image_by, some, the, with_article
from components.assembly.conversations.questions.wordings import Form, Wordings
from components.assembly.corpus import Entry
from components.recipes.nearest import nearest
from components.records.targets import ENHANCED_T1
from components.records.vocabulary import Modality

YES_NO = ("yes", "no")
PLANES = ("axial", "coronal", "sagittal")
LEVELS = ("upper", "middle", "lower")
ALWAYS_COLOUR = (Modality.HISTOPATHOLOGY, Modality.ENDOSCOPY, Modality.DERMOSCOPY, Modality.PHOTOGRAPH)
"""Modalities whose images are in colour however pale they are."""
NO_REGION = ("", "unknown", "tissue")
"""What a record says instead of a body region when nothing is known of it."""
PAIRED_REGIONS = ("eye", "breast", "shoulder", "arm", "hand", "leg", "foot", "kidney")
"""Regions that a body has two of."""
NO_MAP = "none"
"""The fact `map` of a slice beside which there are tissue maps, and which is none."""
EVERYWHERE = ("whole body", "skin")
"""Regions that hold or cover all others: nothing is asked about them by elimination."""

OVERLAPPING_REGIONS = tuple(
    frozenset(pair)
    for pair in (
        ("chest", "heart"),
        ("chest", "breast"),
        ("chest", "abdomen"),
        ("chest", "neck"),
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
        ("spine", "neck"),
        ("spine", "chest"),
        ("spine", "abdomen"),
        ("spine", "pelvis"),
        ("pelvis", "abdomen"),
        ("pelvis", "leg"),
        ("shoulder", "chest"),
        ("shoulder", "neck"),
        ("shoulder", "arm"),
        ("arm", "hand"),
        ("leg", "foot"),
        ("lymph node", "neck"),
        ("lymph node", "chest"),
        ("lymph node", "breast"),
        ("lymph node", "abdomen"),
        ("lymph node", "pelvis"),
        ("lymph node", "shoulder"),
        ("lymph node", "arm"),
        ("lymph node", "leg"),
    )
)
"""Regions that one image may show both of: one is never a wrong answer for the other."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QuestionType:
    """A kind of question. `value` gives a record's answer, or None where it cannot be asked about it."""

    name: str
    value: Callable[[Entry], str | None]
    wordings: Wordings
    """Form -> wordings; the benchmark uses the first (`wordings.py` lists what stands in their braces)."""
    yes_no: bool = False
    """The value itself is yes or no; a closed question asserts nothing."""
    subject: Callable[[Entry], str] = lambda entry: ""
    excludes: Callable[[str, str], bool] = lambda true, wrong: True
    """Whether the second value is certainly wrong where the first is right."""
    others: Mapping[str, Wordings] = field(default_factory=dict)
    """Other wordings, as many in each form, for records of another kind."""
    kind: Callable[[Entry], str] = lambda entry: ""
    """Which of `others` a record is asked with; empty for `wordings`."""

    def prompt(self, form: Form, wording: int, entry: Entry, value: str = "", options: tuple[str, ...] = ()) -> str:
        """The question's text; choice questions end with their options."""
        texts = self.others.get(self.kind(entry), self.wordings)[form]
        text = texts[wording % len(texts)].format(
            value=value,
            the=the(value),
            a=with_article(value),
            image=with_article(image_by(value)),
            some=some(value) if value else "",
            be=be(value),
            subject=self.subject(entry),
        )
        return with_options(text, options) if form == "choice" else text

    def prompt_id(self, form: Form) -> str:
        """Identity of the prompt's table row; a changed wording asks for a new number."""
        return f"unimed.{self.name}.{form}@2"


def question_type(name: str) -> QuestionType:
    """The type of that name; raises ValueError for an unknown one."""
    if name not in QUESTION_TYPES:
        raise ValueError(f"unknown question type {name!r} in assembly.questions{nearest(name, QUESTION_TYPES)}")
    return QUESTION_TYPES[name]


OPTIONS = {"en": " Options:", "es": " Opciones:", "de": " Auswahl:", "fr": " Choix :", "zh": "选项："}
"""Language -> what stands before the options of a choice."""


def with_options(text: str, options: tuple[str, ...], language: str = "en") -> str:
    """A choice question with what there is to choose from, in the question's language where we have its word.

    Each option has a line of its own: behind a blank a tokenizer cuts a word into other pieces than at the begin of an
    answer, and a small model cannot copy what it does not see.
    """
    return "\n".join((text + OPTIONS.get(language, ""), *options))


def fact(name: str, allowed: tuple[str, ...] = ()) -> Callable[[Entry], str | None]:
    """A reader of one fact; values outside `allowed`, and several at once, cannot be asked about."""

    def read(entry: Entry) -> str | None:
        value = entry.facts.get(name)
        return value if value and ";" not in value and (not allowed or value in allowed) else None

    return read


def region(entry: Entry) -> str | None:
    """The body region, where the record names one."""
    return None if entry.anatomy in NO_REGION else entry.anatomy


def slice_plane(entry: Entry) -> str | None:
    """axial, coronal or sagittal for slices of MRI and CT, else None."""
    return fact("plane", PLANES)(entry) if entry.modality in (Modality.MRI, Modality.CT) else None


WEIGHTINGS = {"T1": "T1-weighted", "T2": "T2-weighted", ENHANCED_T1: f"{ENHANCED_T1}-weighted", "PD": "proton density"}
"""Contrast -> what stands before MRI; others as they are."""


def whether_in_colour(entry: Entry) -> str | None:
    """'yes' or 'no'; None of what colour photographs are made of where hardly a pixel is clearly coloured: a pale stain or a
    scope in the dark is no grey image."""
    value = fact("colour", YES_NO)(entry)
    return None if value == "no" and entry.modality in ALWAYS_COLOUR else value


def mri_kind(entry: Entry) -> str | None:
    """'grey matter map', or 'T1-weighted image' of a slice that maps of the same head belong to; else None."""
    shown, contrast = entry.facts.get("map"), entry.facts.get("contrast", "")
    if shown != NO_MAP:
        return f"{shown} map" if shown else None
    return f"{WEIGHTINGS.get(contrast, contrast)} image" if contrast else None


def side_subject(entry: Entry) -> str:
    """What a question about left and right is about."""
    return entry.anatomy if side_kind(entry) == "pair" else _lesion(entry)


def side_kind(entry: Entry) -> str:
    """pair, finding or body: what there is a side of."""
    if entry.anatomy in PAIRED_REGIONS:
        return "pair"
    return "finding" if _lesion(entry) else "body"


def regions_exclude(true: str, wrong: str) -> bool:
    """Whether an image of the first region surely is none of the second."""
    pair = frozenset((true, wrong))
    return pair not in OVERLAPPING_REGIONS and not pair & frozenset(EVERYWHERE)


def views_exclude(true: str, wrong: str) -> bool:
    """Whether one view is never the other: a PA film is a frontal one."""
    return not ({true, wrong} & {"frontal"} and {true, wrong} & {"AP", "PA"})


def _lesion(entry: Entry) -> str:
    return next((name for name in ("tumour", "nodule") if entry.facts.get(name) == "yes"), "")


_TYPES = (
    QuestionType(
        name="modality",
        value=lambda entry: None if entry.modality is Modality.UNKNOWN else entry.modality.value,
        wordings=said.MODALITY,
    ),
    QuestionType(name="region", value=region, excludes=regions_exclude, wordings=said.REGION),
    QuestionType(name="plane", value=slice_plane, wordings=said.PLANE),
    QuestionType(name="contrast", value=fact("contrast"), wordings=said.CONTRAST),
    QuestionType(name="map", value=mri_kind, wordings=said.MAP),
    QuestionType(name="colour", value=whether_in_colour, yes_no=True, wordings=said.COLOUR),
    QuestionType(name="stain", value=fact("stain"), wordings=said.STAIN),
    QuestionType(
        name="view",
        value=lambda entry: fact("view")(entry) if entry.modality is Modality.XRAY else None,
        excludes=views_exclude,
        wordings=said.VIEW,
    ),
    QuestionType(
        name="level",
        value=lambda entry: fact("level", LEVELS)(entry) if region(entry) else None,
        subject=lambda entry: the(entry.anatomy),
        wordings=said.LEVEL,
    ),
    QuestionType(
        name="side",
        value=fact("laterality", ("left", "right")),
        subject=side_subject,
        kind=side_kind,
        wordings=said.SIDE_OF_BODY,
        others={"pair": said.SIDE_OF_PAIR, "finding": said.SIDE_OF_FINDING},
    ),
    QuestionType(
        name="tumour", value=fact("tumour", YES_NO), yes_no=True, wordings=said.presence(with_article("tumour"))
    ),
    QuestionType(
        name="nodule", value=fact("nodule", YES_NO), yes_no=True, wordings=said.presence(with_article("lung nodule"))
    ),
    QuestionType(name="organ", value=lambda entry: None, yes_no=True, wordings=said.ORGAN),
    QuestionType(name="finding", value=lambda entry: None, yes_no=True, wordings=said.FINDING),
    QuestionType(name="doppler", value=fact("doppler", YES_NO), yes_no=True, wordings=said.DOPPLER),
    QuestionType(name="retinopathy", value=fact("retinopathy", YES_NO), yes_no=True, wordings=said.RETINOPATHY),
)
QUESTION_TYPES: Mapping[str, QuestionType] = {kind.name: kind for kind in _TYPES}
