"""A few sentences that say what labels, header and geometry say of an image, and nothing else."""

import re
from collections.abc import Sequence

from components.assembly.conversations.balance import by_key, pick
from components.assembly.conversations.questions.english import image_by, listed, some, the, with_article
from components.assembly.conversations.questions.types import NO_MAP, WEIGHTINGS, region, side_kind, slice_plane
from components.assembly.corpus import Entry
from components.records.findings import ANY
from components.records.vocabulary import Modality

CAPTION_PROMPTS = (
    "Describe this image.",
    "What does this image show?",
    "Give a short description of this image.",
    "What is shown here?",
    "Say in a sentence or two what this image shows.",
    "Write a caption for this image.",
    "Caption this image.",
    "What can be seen in this image?",
)
"""The benchmark uses the first."""
CAPTION_PROMPT_ID = "unimed.caption@2"
DRAWING_PROMPT_ID = "unimed.t2i@2"
REFERENCES = 2
"""Wordings of a caption that the benchmark draws from; the first is also its reference."""
MOST_ORGANS = 3
"""Structures that a caption names, at most."""

_OPENINGS = (
    "{A} {what}.",
    "This is {a} {what}.",
    "The image shows {a} {what}.",
    "This image is {a} {what}.",
    "Shown is {a} {what}.",
    "{A} {what} is shown.",
)
_OPENINGS_OF_IMAGES = (*_OPENINGS[:2], "Here is {a} {what}.", "What is shown is {a} {what}.", *_OPENINGS[4:])
"""Of what is called an image itself."""
_NAMES = {m: "|".join(map(re.escape, (m.value, image_by(m.value)))) for m in Modality}
_LESIONS = {
    "tumour": ("{a} is visible{side}.", "There is {a}{side}.", "It shows {a}{side}."),
    "no tumour": ("No tumour is visible.", "There is no visible tumour.", "It shows no tumour."),
    "lung nodule": ("{a} is visible{side}.", "There is {a}{side}.", "It shows {a}{side}."),
    "no lung nodule": ("No lung nodule is visible.", "There is no visible lung nodule.", "It shows no lung nodule."),
    "retinopathy": ("There are signs of diabetic retinopathy.", "Signs of diabetic retinopathy are visible."),
    "no retinopathy": ("There are no signs of diabetic retinopathy.", "No signs of diabetic retinopathy are visible."),
}
_FINDINGS = ("It shows {}.", "One can see {}.", "Visible: {}.")
_NORMAL = ("No abnormality is visible.", "It is labelled as normal.", "Its label says that it is normal.")
_ORGANS = ("{} can be seen.", "The slice passes through {}.", "One can see {}.")
_LEVELS = ("It lies at the {} level{}.", "The slice is from the {} part{}.", "It passes through the {} part{}.")
_DESCRIBED = ("Its labels say: {}.", "It is labelled: {}.", "Labels: {}.")


def describable(entry: Entry) -> bool:
    """Whether there is anything true to say in a caption of ours."""
    return entry.modality not in (Modality.TEXT, Modality.UNKNOWN)


def caption(entry: Entry, wording: int = 0) -> str:
    """What the image is, then its findings: only those that a label supports. Wording 0 is the reference; every other
    is composed by keyed choices and may name structures and the level as well."""
    compose = _Choices(entry.id, wording)
    what = compose.one("what", _subjects(entry))
    openings = _OPENINGS_OF_IMAGES if re.search(r"\bimage|photograph", what) else _OPENINGS
    opening = compose.one("opening", openings).format(
        A=_capital(with_article(what)).split()[0], a=with_article(what).split()[0], what=what
    )
    more = _more(entry, compose) if wording else []
    return " ".join([opening, *_findings(entry, compose), *more])


def caption_facts(text: str) -> dict[str, str]:
    """{modality, anatomy, plane} that a caption of ours names; a fact it does not name, or names twice, is absent."""
    found = {"modality": [m.value for m in Modality if re.search(rf"(?<!\w)(?:{_NAMES[m]})(?!\w)", text)]}
    found["plane"] = [plane for plane in ("axial", "coronal", "sagittal") if re.search(rf"(?i)\b{plane}\b", text)]
    found["anatomy"] = re.findall(
        r"of (?:the|an?) (?:left |right )?([a-z ]+?)(?: stained| in the| on| by| is shown|\.)", text
    )
    return {name: values[0] for name, values in found.items() if len(set(values)) == 1}


class _Choices:
    """Keyed choices of one wording of one record's caption; wording 0 takes the first everywhere."""

    def __init__(self, record: str, wording: int) -> None:
        self._key = (record, wording)
        self._is_reference = wording == 0

    def one(self, name: str, options: Sequence[str]) -> str:
        """One of the options, the first for the reference."""
        return options[0] if self._is_reference else pick(options, "caption", name, *self._key)

    def some(self, name: str, items: Sequence[str], most: int) -> list[str]:
        """One to `most` of the items in keyed order, then sorted."""
        number = pick(range(1, most + 1), "caption", name, "number", *self._key)
        return sorted(by_key(items, "caption", name, *self._key)[:number])


def _subjects(entry: Entry) -> list[str]:
    """Ways to say what the image is, without article; the first is the reference's."""
    match entry.modality:
        case Modality.MRI | Modality.CT:
            return _slices(entry)
        case Modality.ULTRASOUND:
            mode = "colour Doppler " if entry.facts.get("doppler") == "yes" else ""
            return [f"{mode}ultrasound image{_where(entry)}"]
        case Modality.HISTOPATHOLOGY:
            stain = entry.facts.get("stain", "")
            how = f" stained {'by' if stain.startswith('immuno') else 'with'} {stain}" if stain else ""
            return [f"histopathology image{_where(entry) or (' of tissue' if how else '')}{how}"]
    view = (
        entry.facts.get("view", "")
        if entry.modality is Modality.XRAY and ";" not in entry.facts.get("view", "")
        else ""
    )
    plain = f"{image_by(entry.modality.value)}{_where(entry)}"
    return [f"{view} {plain}", f"{plain} in the {view} view"] if view else [plain]


def _slices(entry: Entry) -> list[str]:
    plane, where, modality = slice_plane(entry) or "", _where(entry), entry.modality.value
    shown, contrast = entry.facts.get("map", NO_MAP), entry.facts.get("contrast", "")
    if shown != NO_MAP:
        form, weighting = f"{shown} map", ""
    else:
        form, weighting = "slice" if plane else "image", WEIGHTINGS.get(contrast, contrast)
    by = f"{weighting} {modality}".strip()
    ways = [f"{plane} {by} {form}{where}".strip()]
    if plane:
        ways += [f"{by} {form}{where} in the {plane} plane", f"{plane} {form}{where} on {by}"]
    return ways


def _where(entry: Entry) -> str:
    if not region(entry):
        return ""
    side = entry.facts.get("laterality", "") if side_kind(entry) == "pair" else ""
    return f" of the {side} {entry.anatomy}" if side in ("left", "right") else f" of {the(entry.anatomy)}"


def _findings(entry: Entry, compose: _Choices) -> list[str]:
    facts, sentences = entry.facts, []
    is_sided = facts.get("laterality") in ("left", "right") and side_kind(entry) != "pair"
    side = f" on the {facts['laterality']} side" if is_sided else ""
    for fact, name in (("tumour", "tumour"), ("nodule", "lung nodule"), ("retinopathy", "retinopathy")):
        if facts.get(fact) in ("yes", "no"):
            key = name if facts[fact] == "yes" else f"no {name}"
            sentences.append(_capital(compose.one(fact, _LESIONS[key]).format(a=with_article(name), side=side)))
    if found := [some(name) for name in facts.get("findings", "").split(";") if name and name != ANY]:
        sentences.append(compose.one("findings", _FINDINGS).format(listed(found)))
    if ANY in facts.get("absent_findings", "").split(";"):
        sentences.append(compose.one("normal", _NORMAL))
    if facts.get("description"):
        sentences.append(compose.one("described", _DESCRIBED).format(facts["description"].strip().rstrip(".")))
    return sentences


def _more(entry: Entry, compose: _Choices) -> list[str]:
    """At most one sentence on structures or level; often none."""
    found = [name for name in entry.facts.get("organs", "").split(";") if name]
    told = {
        "organs": _capital(
            compose.one("organs", _ORGANS).format(listed([the(n) for n in compose.some("which", found, MOST_ORGANS)]))
        )
        if found
        else "",
        "level": compose.one("level", _LEVELS).format(entry.facts["level"], _where(entry))
        if entry.facts.get("level")
        else "",
        "": "",
    }
    kind = compose.one("more", sorted({name for name, sentence in told.items() if sentence or not name}))
    return [told[kind]] if told[kind] else []


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
