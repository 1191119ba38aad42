"""What tables of chest X-rays call a finding, in our words; and the facts that a row's labels make.

Sets word one finding in many ways (Effusion, Pleural Effusion, Pleural_Thickening): questions and captions need one.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from components.images.limits import ImageError

ANY = "any abnormality"
"""Present where any finding of ILLNESS is, absent where the set says normal."""
NONE = "no finding"
"""A set's word for none of its own labels: it makes them absent, and says nothing of what the set has no label for."""
_SAME = (
    "adenopathy",
    "air trapping",
    "alveolar pattern",
    "aortic atheromatosis",
    "aortic elongation",
    "aortic enlargement",
    "apical pleural thickening",
    "atelectasis",
    "bronchiectasis",
    "calcification",
    "calcified granuloma",
    "cardiomegaly",
    "clavicle fracture",
    "consolidation",
    "costophrenic angle blunting",
    "emphysema",
    "fibrotic band",
    "fracture",
    "granuloma",
    "hemidiaphragm elevation",
    "hilar enlargement",
    "hyperinflated lung",
    "interstitial pattern",
    "kyphosis",
    "laminar atelectasis",
    "lung cavity",
    "lung cyst",
    "lung lesion",
    "lung opacity",
    "lung tumor",
    "mediastinal shift",
    "osteopenia",
    "pacemaker",
    "pleural effusion",
    "pleural thickening",
    "pneumonia",
    "pneumothorax",
    "pseudonodule",
    "pulmonary fibrosis",
    "rib fracture",
    "scoliosis",
    "sternotomy",
    "superior mediastinal enlargement",
    "support devices",
    "tuberculosis",
    "vascular hilar enlargement",
    "vertebral degenerative changes",
    "volume loss",
)
_SET_WORDS: Mapping[str, str] = {
    **{name: name.replace("tumor", "tumour") for name in _SAME},
    "normal": ANY,
    **dict.fromkeys(("no finding", "no findings"), NONE),
    "activetuberculosis": "active tuberculosis",
    "callus rib fracture": "healed rib fracture",
    "copd": "COPD",
    "copd signs": "COPD",
    "covid-19": "COVID-19",
    "edema": "pulmonary oedema",
    "pulmonary edema": "pulmonary oedema",
    "effusion": "pleural effusion",
    "enlarged cardiomediastinum": "enlarged cardiomediastinum",
    "enlarged pa": "enlarged pulmonary artery",
    "fibrosis": "pulmonary fibrosis",
    "hernia": "hiatal hernia",
    "hiatal hernia": "hiatal hernia",
    "heart insufficiency": "heart failure",
    "ild": "interstitial lung disease",
    **dict.fromkeys(("infiltrate", "infiltrates"), "infiltration"),
    "infiltration": "infiltration",
    "mass": "lung mass",
    "pulmonary mass": "lung mass",
    "nodule": "lung nodule",
    "nodule/mass": "lung nodule or mass",
    "obsoletepulmonarytuberculosis": "obsolete tuberculosis",
    "pleural other": "other pleural disease",
    "pulmonarytuberculosis": "tuberculosis",
}
FINDINGS = tuple(sorted(set(_SET_WORDS.values()) - {NONE}))
"""The vocabulary of the facts `findings` and `absent_findings`."""
_WORDS = {name.lower(): name for name in FINDINGS if name != ANY} | _SET_WORDS
NOT_ILL = ("support devices", "pacemaker", "sternotomy", ANY, NONE)
"""Words of the vocabulary that name no illness of their own."""

VIEWS = ("AP", "PA", "frontal", "lateral")
"""The vocabulary of the fact `view`."""
_VIEW_WORDS = {"pa": "PA", "ap": "AP", "frontal": "frontal"} | dict.fromkeys(("lateral", "ll", "l"), "lateral")


def finding(label: str) -> str:
    """Our word for a set's label; empty for one that we have none for."""
    return _WORDS.get(label.strip().lower().replace("_", " "), "")


@lru_cache
def wordings(name: str) -> tuple[str, ...]:
    """What sets call a finding of ours, its own name among them, in lower case."""
    return tuple(sorted({name.lower(), *(word for word, ours in _SET_WORDS.items() if ours == name)}))


def finding_facts(present: Iterable[str], absent: Iterable[str] = ()) -> dict[str, str]:
    """{findings, absent_findings} of labels as a set words them, ';'-joined. What is said both ways is said neither way,
    and a label that we have no word for makes no fact. 'Normal' present is `any abnormality` absent; 'no finding' is not."""
    here, gone = ({finding(label) for label in labels} - {"", NONE} for labels in (present, absent))
    normal = ANY in here
    here, gone = here - {ANY}, gone - {ANY}
    if here - set(NOT_ILL):
        here |= {ANY}
    if normal:
        gone |= {ANY}
    facts = {"findings": ";".join(sorted(here - gone)), "absent_findings": ";".join(sorted(gone - here))}
    return {name: value for name, value in facts.items() if value}


def view_facts(view: str) -> dict[str, str]:
    """{view} of what a set calls the projection: 'AP erect', AP_horizontal, LATERAL, LL, L, Frontal; else empty."""
    words = view.replace("_", " ").lower().split()
    return {"view": _VIEW_WORDS[words[0]]} if words and words[0] in _VIEW_WORDS else {}


def label_facts(row: Mapping[str, object]) -> dict[str, str]:
    """The facts of a row with a column for each label: 1 present, 0 absent, -1 uncertain and empty unknown: neither. 'No
    finding' makes the unknown ones absent that are an illness.

    Raises ImageError, reason 'bad label', for any other value.
    """
    said: dict[str, list[str]] = {"": [], "-1": [], "0": [], "1": []}
    for label, value in row.items():
        if finding(label):
            short = str(value).strip().removesuffix(".0") if value is not None else ""
            if short not in said:
                raise ImageError("bad label", f"{label} is {value!r}; 1, 0, -1 or empty")
            said[short].append(label)
    none = [label for label in said[""] if finding(label) not in NOT_ILL] if _says_none(said["1"]) else []
    return finding_facts(said["1"], [*said["0"], *none])


def _says_none(labels: Iterable[str]) -> bool:
    return any(finding(label) == NONE for label in labels)
