"""Words that alone make another statement: a text in which one of them is changed says something else."""

import re
from functools import lru_cache

_NUMBERS = re.compile(r"\S*\d\S*")
_SIDES = (
    "left right bilateral unilateral upper lower middle anterior posterior medial lateral superior inferior proximal distal "
    "ventral dorsal frontal axial coronal sagittal top bottom"
)
_DENIALS = "no not non none without never absent negative positive normal abnormal"
_DEGREES = (
    "larger smaller bigger higher lower more less fewer increased decreased enlarged reduced acute chronic benign malignant "
    "mild moderate severe smooth irregular bright dark black white red green blue brown grey gray male female before after "
    "first second third hyperdense hypodense hyperintense hypointense"
)
_MODALITIES = "ct mri mr pet spect radiograph x-ray ultrasound endoscopy mammogram angiogram flair"
_PLACES = (
    "abdomen adrenal airway ankle aorta appendix arm artery atrium bladder bone bowel brain breast bronchus carotid cartilage "
    "cerebellum cervix chest clavicle colon cornea coronary cortex diaphragm duodenum ear elbow esophagus oesophagus eye "
    "femur fibula finger foot gallbladder gland hand head heart hip humerus ileum intestine jaw jejunum joint kidney knee "
    "larynx leg lens ligament limb liver lobe lung macula mandible maxilla mediastinum meninges muscle neck nerve nose orbit "
    "ovary pancreas parotid pelvis penis pericardium peritoneum pharynx placenta pleura prostate rectum retina rib sacrum "
    "scapula scrotum shoulder sinus skin skull spine spleen sternum stomach tendon testis thorax throat thumb thymus thyroid "
    "tibia toe tongue tonsil tooth trachea ureter urethra uterus vagina valve vein ventricle vertebra vessel wrist "
    "cardiac cerebral gastric hepatic intestinal muscular nasal optic osseous pulmonary renal splenic vascular venous arterial"
)
_FINDINGS = (
    "abscess adenocarcinoma adenoma air anaemia aneurysm atelectasis atrophy bleeding calcification calculus carcinoma "
    "cardiomegaly cirrhosis collapse consolidation contusion cyst dilatation dislocation dissection diverticulum edema oedema "
    "effusion embolism emphysema erosion fat fibrosis fistula fluid fracture gas granuloma haematoma hematoma haemorrhage "
    "hemorrhage hernia hydronephrosis hypertrophy infarct infarction infection inflammation infiltrate invasion ischaemia "
    "ischemia lesion leukemia lymphoma mass melanoma metastasis necrosis nodule obstruction occlusion opacity osteophyte "
    "perforation plaque pneumonia pneumothorax polyp rupture sarcoma scar sclerosis scoliosis stenosis stone stroke swelling "
    "tear thickening thrombosis thrombus tuberculosis tumor tumour ulcer"
)
_ORDERED = frozenset(" ".join((_SIDES, _DENIALS, _DEGREES)).split())
_COUNTED = frozenset(" ".join((_MODALITIES, _PLACES, _FINDINGS)).split())
_PLURALS = (
    ("ies", "y"),
    ("ves", "f"),
    ("ses", "sis"),
    ("ices", "ex"),
    ("aces", "ax"),
    ("ae", "a"),
    ("i", "us"),
    ("es", ""),
    ("s", ""),
)


def deciding(text: str) -> tuple[list[str], list[str]]:
    """The numbers, sides, denials and degrees of a text in order, and its parts of the body, findings and modalities
    sorted, each as one.

    Words stand between single blanks, in lower case.
    """
    told = [found for word in text.split() if (found := _told(word))]
    return [word for word, is_ordered in told if is_ordered], sorted(
        word for word, is_ordered in told if not is_ordered
    )


def with_plurals(word: str) -> tuple[str, ...]:
    """The word and every plural that it could have."""
    return word, *(word.removesuffix(one) + many for many, one in _PLURALS if word.endswith(one))


@lru_cache(maxsize=2**16)
def _told(word: str) -> tuple[str, bool] | None:
    """What a word decides, and whether its place counts; None for any other word. Of few words texts are made."""
    if word in _ORDERED or _NUMBERS.fullmatch(word):
        return word, True
    counted = _counted(word)
    return (counted, False) if counted else None


def _counted(word: str) -> str:
    if word in _COUNTED:
        return word
    singular = (word.removesuffix(many) + one for many, one in _PLURALS if word.endswith(many))
    return next((one for one in singular if one in _COUNTED), "")
