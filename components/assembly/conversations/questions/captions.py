"""One or two sentences that say what labels, header and geometry say of an image, and nothing else."""

import re

from components.assembly.conversations.questions.types import region, slice_plane
from components.assembly.corpus import Entry
from components.records.findings import ANY
from components.records.targets import ENHANCED_T1
from components.records.vocabulary import Modality

CAPTION_PROMPTS = ("Describe this image.", "What does this image show?")
"""The benchmark uses the first."""
REPORT_PROMPTS = ("Write the report of this examination.", "Describe the findings and give your impression.")
CAPTION_PROMPT_ID = "unimed.caption@1"
DRAWING_PROMPT_ID = "unimed.t2i@1"
WORDINGS = 2
"""Wording 0 is what the model learns to say; both are prompts for drawing."""

_CONTRASTS = {
    "T1": ("T1-weighted", "slice"),
    "T2": ("T2-weighted", "slice"),
    ENHANCED_T1: ("contrast-enhanced T1-weighted", "slice"),
    "PD": ("proton density", "slice"),
    "grey matter": ("", "grey matter map"),
    "white matter": ("", "white matter map"),
}
"""Contrast -> (what stands before MRI, what stands after it)."""


def describable(entry: Entry) -> bool:
    """Whether there is anything true to say in a caption of ours."""
    return entry.modality not in (Modality.TEXT, Modality.UNKNOWN)


def caption(entry: Entry, wording: int = 0) -> str:
    """What the image is, then its findings: only those that a label supports."""
    what = _subject(entry)
    first = f"{_article(what)} {what}" if wording % WORDINGS == 0 else f"This is {_article(what).lower()} {what}"
    return " ".join([f"{first}.", *_findings(entry)])


def caption_facts(text: str) -> dict[str, str]:
    """{modality, anatomy, plane} that a caption of ours names; a fact it does not name, or names twice, is absent."""
    found = {"modality": [m.value for m in Modality if re.search(rf"(?<!\w){re.escape(m.value)}(?!\w)", text)]}
    found["plane"] = [plane for plane in ("axial", "coronal", "sagittal") if re.search(rf"(?i)\b{plane}\b", text)]
    found["anatomy"] = re.findall(r"of the (?:left |right )?([a-z ]+?)(?: stained with|\.)", text)
    return {name: values[0] for name, values in found.items() if len(set(values)) == 1}


def _subject(entry: Entry) -> str:
    facts, where = entry.facts, f" of the {entry.anatomy}" if region(entry) else ""
    plane = slice_plane(entry)
    match entry.modality:
        case Modality.MRI | Modality.CT:
            weighting, form = _CONTRASTS.get(facts.get("contrast", ""), (facts.get("contrast", ""), "slice"))
            kind = " ".join(part for part in (plane, weighting, entry.modality.value) if part)
            return f"{kind} {form if plane or form != 'slice' else 'image'}{where}"
        case Modality.ULTRASOUND:
            mode = "colour Doppler " if facts.get("doppler") == "yes" else ""
            return f"{mode}ultrasound image{where}"
        case Modality.FUNDUS:
            if facts.get("laterality") in ("left", "right"):
                where = f" of the {facts['laterality']} {entry.anatomy}"
            return f"fundus photography image{where}"
        case Modality.HISTOPATHOLOGY:
            stain = f" stained with {facts['stain']}" if facts.get("stain") else ""
            return f"histopathology image{where}{stain}"
    return f"{entry.modality.value} image{where}"


def _findings(entry: Entry) -> list[str]:
    facts, sentences = entry.facts, []
    side = f" on the {facts['laterality']} side" if facts.get("laterality") in ("left", "right") else ""
    if facts.get("tumour") in ("yes", "no"):
        sentences.append(f"A tumour is visible{side}." if facts["tumour"] == "yes" else "No tumour is visible.")
    if facts.get("nodule") in ("yes", "no"):
        sentences.append(
            f"A lung nodule is visible{side}." if facts["nodule"] == "yes" else "No lung nodule is visible."
        )
    if facts.get("retinopathy") in ("yes", "no"):
        sentences.append(f"{'Signs' if facts['retinopathy'] == 'yes' else 'No signs'} of diabetic retinopathy.")
    if found := [name for name in facts.get("findings", "").split(";") if name and name != ANY]:
        sentences.append(f"It shows {' and '.join(', '.join(found).rsplit(', ', 1))}.")
    if ANY in facts.get("absent_findings", "").split(";"):
        sentences.append("No abnormality is visible.")
    return sentences


def _article(noun: str) -> str:
    """A or An, by how the first word is said: an MRI, an X-ray, an ultrasound, a CT."""
    return "An" if re.match(r"(?:[aeio]|ultra|MRI|X-ray|OCT)", noun) else "A"
