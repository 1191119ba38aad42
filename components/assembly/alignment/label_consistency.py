"""Whether a caption or report names what its record's labels say: a stand-in for image-text alignment without a model.

It never looks at the image. A record with few labels is easily named in full, so it ranks plain records above rich ones.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from components.assembly.conversations.delivered import TOLD, said
from components.assembly.conversations.questions.types import region
from components.assembly.corpus import Entry
from components.assembly.selection.deciding import with_plurals
from components.records.denials import affirms
from components.records.findings import ANY, wordings
from components.records.vocabulary import Modality, TurnKind

LANGUAGE = "en"
"""Of the words below: texts in another language cannot be judged."""
_MODALITIES: dict[Modality, str] = {
    Modality.MRI: r"f?MRI|MRA|MRCP|MR (?i:imag\w+|scans?|angiogra\w+)|(?i:magnetic resonance|T[12][- ]weighted)|FLAIR",
    Modality.CT: r"(?:HR|CB)?CTA?|(?i:comput(?:ed|eri[sz]ed)(?: axial)? tomogra\w+)",
    Modality.XRAY: r"CXR|(?i:x[- ]?rays?|radiographs?|radiography|roentgenograms?|mammogra(?:ms?|phy))",
    Modality.ULTRASOUND: r"US (?i:imag\w+|scans?)|(?i:ultraso\w+|(?:echocardio|sono)gra\w+|doppler)",
    Modality.FUNDUS: r"(?i:(?:fundus|retinal) (?:photo\w*|images?)|fundus camera|fund(?:o|u)scop\w+|ophthalmoscop\w+)",
    Modality.HISTOPATHOLOGY: r"H ?& ?E|IHC|(?i:histology|histopatholog\w+|histologic(?:al)? (?:images?|sections?|slides?)"
    r"|(?:photo)?micrographs?|ha?ematoxylin|immunohistochem\w+|immunostain\w*)",
    Modality.NUCLEAR: r"PET|SPECT|(?i:scintigra\w+|bone scans?|positron emission|nuclear medicine)",
    Modality.OCT: r"OCT|(?i:optical coherence tomogra\w+)",
    Modality.ENDOSCOPY: r"(?i:(?:endo|colono|gastro|broncho|laparo|cysto)scop\w+)",
}
"""Modality -> how texts name it. Acronyms in capitals only: Oct is a month."""
_REGIONS = {
    "brain": "cerebral cerebrum cerebellum head cranial intracranial skull",
    "neck": "cervical thyroid larynx pharynx carotid",
    "chest": "thorax thoracic lung pulmonary pleura pleural mediastinum mediastinal heart cardiac rib",
    "heart": "cardiac ventricle ventricular atrium atrial myocardial coronary",
    "breast": "mammary mammogram mammography",
    "abdomen": "abdominal liver hepatic kidney renal spleen splenic pancreas pancreatic bowel stomach gallbladder",
    "pelvis": "pelvic bladder prostate uterus uterine ovary ovarian hip sacrum",
    "spine": "spinal vertebra vertebral lumbar sacral disc",
    "arm": "humerus elbow forearm radius ulna",
    "hand": "wrist finger carpal metacarpal",
    "leg": "femur knee tibia fibula thigh",
    "foot": "ankle toe tarsal metatarsal calcaneus",
    "eye": "ocular retina retinal macula macular optic fundus cornea",
    "skin": "cutaneous dermal dermoscopic dermatoscopic",
    "oesophagus": "esophageal",
    "stomach": "gastric",
    "small bowel": "duodenum duodenal jejunum ileum intestine intestinal",
    "colon": "colonic colorectal bowel",
    "rectum": "rectal colorectal",
    "kidney": "renal",
    "lymph node": "nodal lymphatic",
    "whole body": "body",
}
"""Region -> words beside its own that say it."""
_FINDING_FACTS = {
    "tumour": "tumor mass neoplasm cancer carcinoma glioma glioblastoma meningioma metastasis lesion",
    "nodule": "nodule mass lesion",
    "retinopathy": "retinopathy microaneurysm exudate",
}
"""Facts answered by yes or no -> what says yes."""
_SPELLING = (("oedema", "edema"), ("oesoph", "esoph"), ("tumour", "tumor"), ("haem", "hem"), ("anaem", "anem"))


class LabelConsistency:
    """The share of a record's known labels that its text names: modality, region or an organ, each finding."""

    name = "label-consistency (unimed, no model)"
    note = (
        "captions and reports were ranked by how many of their record's labels they name (label consistency, ours, "
        "without a model): this is not the published image-text alignment score, and nobody looked at the image"
    )

    def scores(self, source: str, entries: Sequence[Entry]) -> list[float | None]:
        """In the order of the entries; None without a label, or in a language whose words are not known here."""
        return [label_consistency(entry) for entry in entries]


def label_consistency(entry: Entry) -> float | None:
    """The share of the labels that the record's captions and reports name, in [0, 1]; None where nothing can be said.

    A caption that names another modality and not its own scores 0. Reports speak of other examinations by nature and
    seldom name their own, so of them only region and findings count. A finding that is denied is not named.
    """
    if entry.language != LANGUAGE:
        return None
    told = [turn for turn in entry.turns if turn.kind in TOLD]
    text = "\n".join(said(turn) for turn in told)
    named: list[bool] = []
    if entry.modality in _MODALITIES and any(turn.kind is TurnKind.CAPTION for turn in told):
        own = _names_modality(entry.modality, text)
        if not own and any(_names_modality(other, text) for other in _MODALITIES):
            return 0.0
        named.append(own)
    plain = _plain(text)
    if places := _places(entry):
        named.append(_pattern(places).search(plain) is not None)
    named += [affirms(plain, _pattern(words)) for words in _findings(entry)]
    return sum(named) / len(named) if named else None


def _names_modality(modality: Modality, text: str) -> bool:
    return re.search(rf"(?<!\w)(?:{_MODALITIES[modality]})(?!\w)", text) is not None


def _places(entry: Entry) -> tuple[str, ...]:
    """Words of the region and of the organs that the record shows; a side does not tell them apart."""
    organs = [organ.removeprefix("left ").removeprefix("right ") for organ in _listed(entry, "organs")]
    where = region(entry)
    return tuple(dict.fromkeys([*([where, *_REGIONS.get(where, "").split()] if where else []), *organs]))


def _findings(entry: Entry) -> list[tuple[str, ...]]:
    """The words of each finding that the labels affirm."""
    found = [wordings(name) for name in _listed(entry, "findings") if name != ANY]
    return found + [tuple(words.split()) for name, words in _FINDING_FACTS.items() if entry.facts.get(name) == "yes"]


def _listed(entry: Entry, fact: str) -> Iterable[str]:
    return (name for name in entry.facts.get(fact, "").split(";") if name)


def _plain(text: str) -> str:
    text = text.casefold().replace("-", " ")
    for british, american in _SPELLING:
        text = text.replace(british, american)
    return text


@lru_cache(maxsize=2**12)
def _pattern(phrases: tuple[str, ...]) -> re.Pattern[str]:
    """Finds any of the phrases in a plain text, its last word in the singular or the plural."""
    forms = []
    for phrase in phrases:
        first, blank, last = _plain(phrase).rpartition(" ")
        forms += [re.escape(f"{first}{blank}{word}") for word in with_plurals(last)]
    return re.compile(rf"(?<!\w)(?:{'|'.join(sorted(forms, key=len, reverse=True))})(?!\w)")
