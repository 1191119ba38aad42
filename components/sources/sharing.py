"""Sets that were lent under an agreement: what may go to no remote that others may read, on no page and into no export."""

from collections.abc import Mapping

from components.recipes.sources import SourceSettings
from components.storage.addresses import shown

_TO_THE_PERSON = "lent to the person who asked for it"
LENT_FORMATS: Mapping[str, str] = {
    "brats": "BraTS: through Synapse, under the challenge's terms",
    "chexpert": "CheXpert: under Stanford's research use agreement",
    "drive": f"DRIVE: {_TO_THE_PERSON}, by registration",
    "medicat": f"MedICaT: {_TO_THE_PERSON}, for research; figures belong to their publishers",
    "mimic-cxr": "MIMIC-CXR: under PhysioNet's credentialed data use agreement",
    "omnimedvqa": "OmniMedVQA: images of 42 sets under their own terms, its Restricted-access part by their owners alone",
    "padchest": f"PadChest: {_TO_THE_PERSON}, by BIMCV",
    "quilt-1m": f"Quilt-1M: {_TO_THE_PERSON}, on request",
    "rsna": "RSNA Pneumonia Detection: under the competition's rules",
    "siim": "SIIM-ACR Pneumothorax: under the competition's rules",
    "synthrad": "SynthRAD2023: under the challenge's terms, by its organisers alone",
    "vindr-cxr": "VinDr-CXR: under PhysioNet's credentialed data use agreement",
}
"""Formats of sets that nobody may pass on, and how each is lent. Their option `share: true` says that every reader of the
remote signed too."""
LENT_OPTIONS = ("lent", "terms", "share")
"""Options of every other format: `lent: true` says the same of a source, `terms` how it was lent."""
_UNSTATED = "lent under an agreement of its owner"


def sharing_options(format_name: str) -> tuple[str, ...]:
    """The options about passing on that sources of a format have."""
    return ("share",) if format_name in LENT_FORMATS else LENT_OPTIONS


def lent_sources(sources: Mapping[str, SourceSettings]) -> dict[str, str]:
    """Source -> how it was lent, of those that may not be passed on."""
    found = {}
    for name, settings in sorted(sources.items()):
        if settings.format in LENT_FORMATS:
            found[name] = LENT_FORMATS[settings.format]
        elif settings.options.get("lent", False):
            found[name] = str(settings.options.get("terms") or _UNSTATED)
    return found


def check_sharing(sources: Mapping[str, SourceSettings], remote: str) -> None:
    """Raise ValueError, naming every lent source whose settings do not let it go to the remote."""
    lent = [
        f"{name} ({sources[name].format}, {terms})"
        for name, terms in lent_sources(sources).items()
        if not sources[name].options.get("share", False)
    ]
    if remote and lent:
        raise ValueError(
            f"the DVC remote {shown(remote)} would get what may not be passed on: {', '.join(lent)}; where everybody who reads it "
            "signed the set's agreement, set sources.<name>.options.share to true, else `dvc remote default --unset`"
        )
