"""MedMNIST's twelve sets of images: what they show, and the words of their labels in the order of their numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from components.records.vocabulary import Modality

_CC_BY = "CC BY 4.0 (MedMNIST)"


@dataclass(frozen=True, kw_only=True, slots=True)
class MnistSet:
    """One set."""

    prompt: str
    classes: tuple[str, ...]
    """Label n is classes[n]."""
    modality: Modality
    anatomy: str
    facts: Mapping[str, str] = field(default_factory=dict)
    several: bool = False
    """An image has a yes or no for each class."""
    regions: Mapping[str, str] = field(default_factory=dict)
    """Class -> the region that it lies in, where that is not the set's."""
    graded: str = ""
    """The fact that is yes from grade 1 on."""
    licence: str = _CC_BY


_ORGANS = MnistSet(
    prompt="Which organ is in the middle of this CT image?",
    classes=(
        "bladder",
        "left femur",
        "right femur",
        "heart",
        "left kidney",
        "right kidney",
        "liver",
        "left lung",
        "right lung",
        "pancreas",
        "spleen",
    ),
    modality=Modality.CT,
    anatomy="abdomen",
    regions={
        **dict.fromkeys(("heart", "left lung", "right lung"), "chest"),
        **dict.fromkeys(("bladder", "left femur", "right femur"), "pelvis"),
    },
)
SETS: Mapping[str, MnistSet] = {
    "bloodmnist": MnistSet(
        prompt="Which blood cell is this?",
        classes=(
            "basophil",
            "eosinophil",
            "erythroblast",
            "immature granulocyte",
            "lymphocyte",
            "monocyte",
            "neutrophil",
            "platelet",
        ),
        modality=Modality.UNKNOWN,
        anatomy="unknown",
        facts={"description": "microscopy of a blood smear"},
    ),
    "breastmnist": MnistSet(
        prompt="What does this breast ultrasound show?",
        classes=("malignant", "normal or benign"),
        modality=Modality.ULTRASOUND,
        anatomy="breast",
    ),
    "chestmnist": MnistSet(
        prompt="Which findings does this chest X-ray show?",
        classes=(
            "atelectasis",
            "cardiomegaly",
            "effusion",
            "infiltration",
            "mass",
            "nodule",
            "pneumonia",
            "pneumothorax",
            "consolidation",
            "oedema",
            "emphysema",
            "fibrosis",
            "pleural thickening",
            "hernia",
        ),
        modality=Modality.XRAY,
        anatomy="chest",
        several=True,
    ),
    "dermamnist": MnistSet(
        prompt="Which skin lesion is this?",
        classes=(
            "actinic keratosis or intraepithelial carcinoma",
            "basal cell carcinoma",
            "benign keratosis-like lesion",
            "dermatofibroma",
            "melanoma",
            "melanocytic naevus",
            "vascular lesion",
        ),
        modality=Modality.UNKNOWN,
        anatomy="skin",
        facts={"description": "dermatoscopy"},
        licence="CC BY-NC 4.0 (MedMNIST, HAM10000)",
    ),
    "octmnist": MnistSet(
        prompt="What does this OCT image of the retina show?",
        classes=("choroidal neovascularization", "diabetic macular oedema", "drusen", "normal retina"),
        modality=Modality.OCT,
        anatomy="eye",
    ),
    "organamnist": replace(_ORGANS, facts={"plane": "axial"}),
    "organcmnist": replace(_ORGANS, facts={"plane": "coronal"}),
    "organsmnist": replace(_ORGANS, facts={"plane": "sagittal"}),
    "pathmnist": MnistSet(
        prompt="Which tissue is this?",
        classes=(
            "adipose tissue",
            "background",
            "debris",
            "lymphocytes",
            "mucus",
            "smooth muscle",
            "normal colon mucosa",
            "cancer-associated stroma",
            "colorectal adenocarcinoma epithelium",
        ),
        modality=Modality.HISTOPATHOLOGY,
        anatomy="colon",
        facts={"stain": "H&E"},
    ),
    "pneumoniamnist": MnistSet(
        prompt="What does this chest X-ray show?",
        classes=("normal", "pneumonia"),
        modality=Modality.XRAY,
        anatomy="chest",
    ),
    "retinamnist": MnistSet(
        prompt="Which grade of diabetic retinopathy does this eye have, from 0 to 4?",
        classes=("0", "1", "2", "3", "4"),
        modality=Modality.FUNDUS,
        anatomy="eye",
        graded="retinopathy",
    ),
    "tissuemnist": MnistSet(
        prompt="Which cell of the kidney cortex is this?",
        classes=(
            "collecting duct or connecting tubule",
            "distal convoluted tubule",
            "glomerular endothelial cell",
            "interstitial endothelial cell",
            "leukocyte",
            "podocyte",
            "proximal tubule segment",
            "thick ascending limb",
        ),
        modality=Modality.UNKNOWN,
        anatomy="kidney",
        facts={"description": "fluorescence microscopy"},
    ),
}
