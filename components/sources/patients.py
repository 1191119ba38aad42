"""Who is one person: the namespace in which a source's patients are keyed, and how their ids are written in it."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from components.recipes.sources import SourceSettings
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
CLINICAL = ("dicom", "nifti")
"""Formats in which a clinic exports its patients."""
WORKSPACE = "workspace"
"""The namespace of a workspace's own patients where no private source has named them yet."""
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
        settings = self.sources.get(source)
        return patient_key(public_secret(self.namespace(source)), person(subject, settings) if settings else subject)

    def together(self, source: str) -> tuple[str, ...]:
        """The sources whose patients stand in the same namespace, the source itself among them."""
        shared = self.namespace(source)
        return tuple(sorted(name for name in {source, *self.sources} if self.namespace(name) == shared))


def proposed(
    format_name: str, files: Iterable[str], sources: Mapping[str, SourceSettings], private: Iterable[str]
) -> str | None:
    """The namespace that a new source of these files shares with others, or None for its own. A clinic's exports are of
    the patients of the workspace: those of its private sources, where it has any."""
    if format_name in CLINICAL:
        return next((sources[name].namespace(name) for name in private), WORKSPACE)
    if format_name == "medmnist" and any(name.startswith("chestmnist") for name in files):
        return SHARED["nih-cxr"]
    return SHARED.get(format_name)


def person(subject: str, settings: SourceSettings) -> str:
    """The patient's id as it is written in the source's namespace: without padding, in its form, behind its issuer."""
    ids = settings.patient_ids
    if ids.strip_zeros and subject.isdigit():
        subject = subject.lstrip("0") or "0"
    subject = _FORMS.get(settings.patients or "", str)(subject)
    return f"{ids.issuer}/{subject}" if ids.issuer else subject


def _article(subject: str) -> str:
    """PMC and the number of the article in any way of writing it; a subject that names none stays as it is."""
    found = _ARTICLE.search(subject)
    return f"PMC{found[1]}" if found else subject


_FORMS: dict[str, Callable[[str], str]] = {"pmc": _article}
"""Namespace -> how an id is written in it where sets write it differently."""
