"""HyperKvasir's 23 classes of labelled images: what they are called in words, and where they are found."""

CLASSES = {
    "barretts": "Barrett's oesophagus",
    "barretts-short-segment": "short-segment Barrett's oesophagus",
    "bbps-0-1": "poor bowel preparation (Boston scale 0 to 1)",
    "bbps-2-3": "good bowel preparation (Boston scale 2 to 3)",
    "cecum": "caecum",
    "dyed-lifted-polyps": "dyed lifted polyp",
    "dyed-resection-margins": "dyed resection margins",
    "esophagitis-a": "oesophagitis grade A",
    "esophagitis-b-d": "oesophagitis grade B to D",
    "hemorrhoids": "haemorrhoids",
    "ileum": "terminal ileum",
    "impacted-stool": "impacted stool",
    "polyps": "polyp",
    "pylorus": "pylorus",
    "retroflex-rectum": "rectum in retroflexion",
    "retroflex-stomach": "stomach in retroflexion",
    "ulcerative-colitis-grade-0-1": "ulcerative colitis grade 0 to 1",
    "ulcerative-colitis-grade-1": "ulcerative colitis grade 1",
    "ulcerative-colitis-grade-1-2": "ulcerative colitis grade 1 to 2",
    "ulcerative-colitis-grade-2": "ulcerative colitis grade 2",
    "ulcerative-colitis-grade-2-3": "ulcerative colitis grade 2 to 3",
    "ulcerative-colitis-grade-3": "ulcerative colitis grade 3",
    "z-line": "Z-line",
}
"""Folder -> class in words."""

_TABLE_WORDS = {
    "hemorroids": "hemorrhoids",
    "normal-cecum": "cecum",
    "normal-pylorus": "pylorus",
    "normal-z-line": "z-line",
    "oesophagitis-a": "esophagitis-a",
    "oesophagitis-b-d": "esophagitis-b-d",
    "polyp": "polyps",
    "short-segment-barretts": "barretts-short-segment",
}
"""What the tables of folds call a class -> its folder; the others are called alike."""
_PLACES = {
    "oesophagus": ("barretts", "barretts-short-segment", "esophagitis-a", "esophagitis-b-d", "z-line"),
    "stomach": ("pylorus", "retroflex-stomach"),
    "small bowel": ("ileum",),
    "rectum": ("retroflex-rectum", "hemorrhoids"),
}
ANATOMY = {
    folder: next((place for place, folders in _PLACES.items() if folder in folders), "colon") for folder in CLASSES
}
"""Folder -> region."""


def folder_of(word: str) -> str:
    """The folder of a class as the tables word it."""
    return _TABLE_WORDS.get(word, word)
