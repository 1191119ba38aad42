"""The names of the formats, without their adapters: what the command line's help shows without loading anything."""

GENERAL = (
    "coco", "dicom", "images", "jsonl", "labelme", "nifti", "parquet", "photographs", "slides", "unimedvl", "video", "voc",
    "webdataset", "yolo",
)  # fmt: skip
"""Files that say themselves what they hold."""
PUBLIC = (
    "bci",
    "brats",
    "busi",
    "chexpert",
    "covid-cxr",
    "deepliif",
    "drive",
    "gmai-mmbench",
    "iu-xray",
    "ixi",
    "kvasir",
    "llava-med",
    "medicat",
    "medmnist",
    "mimic-cxr",
    "nih-cxr",
    "oct2017",
    "omnimedvqa",
    "padchest",
    "pathvqa",
    "pmc-oa",
    "pmc-vqa",
    "pubmedvision",
    "quilt-1m",
    "rad-restruct",
    "roco",
    "rsna",
    "sa-med2d",
    "siim",
    "slake",
    "synthrad",
    "tbx11k",
    "vindr-cxr",
    "vqa-med-2019",
    "vqa-rad",
)
"""Public sets in the layout that they are published in."""
CORPUS = ("fundus", "histology", "mni152", "pyradiomics", "totalsegmentator", "ultrasound")
"""Sources of the default corpus."""
HELP = f"General: {', '.join(GENERAL)}. Public sets: {', '.join(PUBLIC)}. An unknown one lists the known."
