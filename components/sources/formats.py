"""The names of the formats, without their adapters: what the command line's help shows without loading anything."""

GENERAL = ("coco", "dicom", "images", "jsonl", "nifti", "parquet", "unimedvl", "webdataset")
"""Files that say themselves what they hold."""
PUBLIC = (
    "chexpert",
    "covid-cxr",
    "gmai-mmbench",
    "iu-xray",
    "medicat",
    "mimic-cxr",
    "nih-cxr",
    "omnimedvqa",
    "padchest",
    "pathvqa",
    "pmc-vqa",
    "rad-restruct",
    "roco",
    "rsna",
    "siim",
    "slake",
    "tbx11k",
    "vindr-cxr",
    "vqa-med-2019",
    "vqa-rad",
)
"""Public sets in the layout that they are published in."""
CORPUS = ("fundus", "histology", "mni152", "pyradiomics", "totalsegmentator", "ultrasound")
"""Sources of the default corpus."""
HELP = f"General: {', '.join(GENERAL)}. Public sets: {', '.join(PUBLIC)}. An unknown one lists the known."
