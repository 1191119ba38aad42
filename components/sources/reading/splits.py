"""The split that names of files and folders say."""

from collections.abc import Mapping

from components.records.vocabulary import Split

SPLITS: Mapping[str, Split] = {
    "train": Split.TRAIN,
    "training": Split.TRAIN,
    **dict.fromkeys(("val", "valid", "validate", "validation", "dev"), Split.VAL),
    **dict.fromkeys(("test", "testing"), Split.TEST),
}
"""What sources call a split -> ours."""


def split_of(name: str) -> Split | None:
    """The split that a file's name or a folder of its path says: `test.json`, `data/validation/…`, `val_qa.csv`."""
    words = [word for part in reversed(name.lower().split("/")) for word in _words(part)]
    return next((SPLITS[word] for word in words if word in SPLITS), None)


def _words(part: str) -> list[str]:
    return [word for word in "".join(c if c.isalpha() else " " for c in part).split() if word]
