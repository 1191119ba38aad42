"""Who is one person: the namespace in which a source's patients are keyed, and how their ids are written in it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from components.recipes.sources import PatientIds, SourceSettings
from components.sources.former_keys import FormerKeys
from components.storage.keys import patient_key, public_secret

SHARED: dict[str, str] = {
    **dict.fromkeys(("iu-xray", "rad-restruct"), "openi"),
    **dict.fromkeys(("nih-cxr", "rsna", "siim"), "nih"),
    **dict.fromkeys(("llava-med", "medicat", "pmc-oa", "pmc-vqa", "pubmedvision", "roco"), "pmc"),
    "chexpert": "chexpert",
    "mimic-cxr": "mimic",
}
"""Format -> the namespace that its patients share with those of other sets: one archive, one cohort, the same articles."""
_ARTICLE = re.compile(r"(?:^|\D)PMC_?0*(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Patients:
    """The keys of patients by their names, for the sources of a recipe; any other source has a namespace of its own."""

    sources: Mapping[str, SourceSettings] = field(default_factory=dict)
    former: FormerKeys = field(default_factory=FormerKeys)

    def namespace(self, source: str) -> str:
        """The namespace of the source's patients."""
        settings = self.sources.get(source)
        return settings.namespace(source) if settings else source

    def key(self, source: str, subject: str) -> str:
        """The key under which the source's records of this patient stand."""
        namespace, settings = self.namespace(source), self.sources.get(source)
        ids = settings.patient_ids if settings else PatientIds()
        return patient_key(public_secret(namespace), person(subject, namespace, ids))

    def together(self, source: str) -> tuple[str, ...]:
        """The sources whose patients stand in the same namespace, the source itself among them."""
        shared = self.namespace(source)
        return tuple(sorted(name for name in {source, *self.sources} if self.namespace(name) == shared))


def person(subject: str, namespace: str, ids: PatientIds) -> str:
    """The patient's id as it is written in the namespace: without padding, in its form, behind its issuer."""
    if ids.strip_zeros and subject.isdigit():
        subject = subject.lstrip("0") or "0"
    subject = _FORMS.get(namespace, str)(subject)
    return f"{ids.issuer}/{subject}" if ids.issuer else subject


def _article(subject: str) -> str:
    """PMC and the number of the article in any way of writing it; a subject that names none stays as it is."""
    found = _ARTICLE.search(subject)
    return f"PMC{found[1]}" if found else subject


_FORMS: dict[str, Callable[[str], str]] = {"pmc": _article}
"""Namespace -> how an id is written in it where sets write it differently."""
