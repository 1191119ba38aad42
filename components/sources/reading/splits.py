"""The split that names of files and folders say."""

import re
from collections.abc import Mapping

from components.records.vocabulary import Split

SPLITS: Mapping[str, Split] = {
    "train": Split.TRAIN,
    "training": Split.TRAIN,
    **dict.fromkeys(("val", "valid", "validate", "validation", "dev"), Split.VAL),
    **dict.fromkeys(("test", "testing"), Split.TEST),
}
"""What sources call a split -> ours."""
_SIDES: Mapping[str, Split] = {
    **SPLITS,
    **{f"{word}set": split for word, split in SPLITS.items()},
    **dict.fromkeys(("validierung", "validacion", "validación"), Split.VAL),
    **dict.fromkeys(("eval", "evaluation", "heldout", "holdout", "evaluierung"), Split.TEST),
    **dict.fromkeys(("prueba", "testdaten", "blind"), Split.TEST),
}
"""What a column of splits says beside these words; in names of files they may mean anything."""
_TEST_FOLDER, _VAL_FOLDER = (
    re.compile(
        rf"(?:(?:images?|imgs?|data|volumes?|scans?)[-_ ]?)?(?:{words})(?:[-_ ]?(?:set|images?|imgs?|data|split))?",
        re.I,
    )
    for words in ("test|testing|ts|hold[-_ ]?out|held[-_ ]?out", "val|valid|validation|dev|vl")
)


def split_of(name: str) -> Split | None:
    """The split that a file's name or a folder of its path says: `test.json`, `data/validation/…`, `val_qa.csv`."""
    words = [word for part in reversed(name.lower().split("/")) for word in _words(part)]
    return next((SPLITS[word] for word in words if word in SPLITS), None)


def side_of(said: str) -> Split | None:
    """The split that a cell of a column of splits says: `test`, `Held-out`, `eval set`."""
    words = _words(re.sub(r"(held|hold)[-_ ]out", r"\1out", said.lower()))
    return next((_SIDES[word] for word in words if word in _SIDES), None)


def folder_split(name: str) -> Split | None:
    """The held-out side that a folder of the path is called by, the nearest first: `test/`, `imagesTs/`, `val_images/`. A
    folder of training images says nothing that the recipe's shares and lists may not say otherwise."""
    for folder in reversed(name.split("/")[:-1]):
        for pattern, split in ((_TEST_FOLDER, Split.TEST), (_VAL_FOLDER, Split.VAL)):
            if pattern.fullmatch(folder):
                return split
    return None


def _words(part: str) -> list[str]:
    return [word for word in "".join(c if c.isalpha() else " " for c in part).split() if word]
