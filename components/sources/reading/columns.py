"""Columns that change what a row says: one that is filled and that nobody read is refused by its name.

A question about a picture that is not shown, or asked without its choices, is another question.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from components.images.limits import ImageError
from components.images.raster import SUFFIXES
from components.sources.reading.rows import NO_VALUE

PICTURE = r"(?:image|img|picture|photo|video)s?"
"""Words that name a picture, alone or with words of the two lists below."""
OF_ONE = r"paths?|files?|filenames?|names?|urls?|uris?|link|bytes|base64"
"""What stands beside them where the column names the same picture in another way; an id does too, but finds nothing."""
OF_ANOTHER = r"first|second|third|prior|previous|before|after|left|right|frontal|lateral|current|reference|input|output"
"""What stands beside them, as numbers do, where the column names one picture of several."""
FILES = r"file_?names?|imagepaths?|imgpaths?|imagefiles?"
CHOICES = r"(?:answer_)?(?:choices?|options?|candidates)|(?:choice|option)_?[a-h1-8]|distractors"
LETTERS = "ABCDEFGH"
"""Columns of choices, when there are the first two."""
HISTORIES = r"(?:(?:chat|conversation|dialog|dialogue)_)?history|previous_turns"
SYSTEMS = r"sys(?:tem)?(?:_prompt|_message)?"
WEIGHTS = r"(?:loss_|sample_|train_)?weight|loss"
_PATIENT, _SUBJECT = r"(?:pat(?:ient)?|patienten|paciente)", r"(?:subj(?:ect)?|person|participant)"
_NUMBER = r"(?:no|nr|num|number|nummer|numero|code|key)"
PATIENTS = (
    *(rf"{_PATIENT}_?u?id|u?id_(?:del_|de_|du_)?{_PATIENT}", rf"{_PATIENT}_?{_NUMBER}|{_NUMBER}_{_PATIENT}|pid|mrn"),
    *("patient|paciente", rf"{_SUBJECT}_?(?:u?id|{_NUMBER})", "subject|participant", f"{_PATIENT}_?name"),
    *(
        "study(?:_instance)?_?u?id|accession(?:_(?:no|number))?",
        "case_?(?:id|no|number)",
        "(?:lesion|eye|slide|wsi)_?id",
    ),
)
"""Forms of the plain names of what tells whose a row is, the surest first; a study, a lesion and a slide are one person's."""
SPLITS = ("split", "(?:data|dataset)_?split", "subset|partition|phase|set|fold|usage")
HELD_OUT = (r"(?:is|in|for)_?test(?:_?set)?|(?:is_)?(?:held|hold)_?out", r"(?:is|in|for)_?val(?:idation)?(?:_?set)?")
"""Columns of yes and no that say of a row that it is test, and that it is validation."""
MASK = r"(?:\w+_)?(?:masks?|segmentations?|seg|label_maps?)(?:_\w+)?"
_SAME = re.compile(rf"{FILES}|(?:(?:{OF_ONE})_)*{PICTURE}(?:_(?:{OF_ONE}))*")
_NAMED = re.compile(rf"{_SAME.pattern}|{PICTURE}_ids?")
_FURTHER = re.compile(
    rf"(?:\w+_)?(?:{OF_ANOTHER}|\d+)_{PICTURE}(?:_\w+)?|{PICTURE}_?(?:{OF_ANOTHER}|\d+)(?:_(?:{OF_ONE}))*"
)
_OF_A_PATIENT = frozenset(("age", "sex", "gender", "height", "bmi"))
"""Beside one of these a `weight` above 1 is in kilograms."""
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


class ReadRow(dict[str, Any]):
    """A row that knows which of its fields were asked for."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        super().__init__(row)
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.asked.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """As of any mapping; the field counts as asked for."""
        self.asked.add(name)
        return super().get(name, default)


def called(row: Mapping[str, Any], *names: str) -> list[str]:
    """The row's columns whose plain name is of one of these forms, in the order of the forms: PatientID, Patient Id and
    patient_id are one."""
    return [column for form in names for column in row if _is_called(form, column)]


@lru_cache(2**16)
def _is_called(form: str, column: str) -> bool:
    return bool(re.fullmatch(form, plain(column)))


def names_picture(column: str) -> bool:
    """Whether the column's name says that it holds or names the row's picture or pictures."""
    return bool(_SAME.fullmatch(plain(column)))


def is_empty(value: object) -> bool:
    """Whether a field holds nothing, as tables write it."""
    if value is None or value != value:
        return True
    if isinstance(value, str):
        return value.strip() in NO_VALUE
    return isinstance(value, list | dict) and not value


def check_columns(row: Mapping[str, Any], shown: int) -> None:
    """Raise ImageError, reason 'unread column', for a filled field that was not asked for and names a picture that is not
    among the `shown`, choices, an earlier conversation, a system text or a weight."""
    if not isinstance(row, ReadRow):
        return
    for column, value in row.items():
        if column in row.asked or isinstance(value, bool) or is_empty(value):
            continue
        lettered = column in LETTERS and set(LETTERS[:2]) <= set(row)
        if what := "holds choices" if lettered else _telling(column, value, shown):
            raise ImageError("unread column", f"{column!r} {what}, which this format does not read there; {_FIX}")
    check_weight(row)


def check_weight(said: Mapping[str, Any]) -> None:
    """Raise ImageError, reason 'unread column', for a row or message that is to count more or less than others."""
    for column in (column for column in said if re.fullmatch(WEIGHTS, plain(str(column)))):
        value = said[column]
        if is_empty(value) or value is True:
            continue
        number = float(value) if re.fullmatch(r"\d+(\.\d+)?", str(value)) else None
        if number == 1 or (number is None and value is not False):
            continue
        if column == "weight" and number is not None and number > 1 and _OF_A_PATIENT & set(said):
            continue
        raise ImageError(
            "unread column",
            f"{column!r} is {str(value)[:20]}: weights are not read; leave out what is not to be learnt",
        )


_FIX = "rename it to what the format reads, or take it out"


def _telling(column: str, value: object, shown: int) -> str:
    """What the column's name says that it holds; empty for anything that changes nothing."""
    name = plain(column)
    if shown == 0 and _is_picture(value):
        return "holds or names a picture"
    if re.fullmatch(MASK, name) and _is_picture(value):
        return "holds or names a mask"
    if _NAMED.fullmatch(name):
        count = len(value) if isinstance(value, list) else 1
        return "names a picture" if count > shown else ""
    kinds = ((_FURTHER, "names a further picture"), (CHOICES, "holds choices"))
    kinds += ((HISTORIES, "holds an earlier conversation"), (SYSTEMS, "holds a system text"))
    return next((what for pattern, what in kinds if re.fullmatch(pattern, name)), "")


def _is_picture(value: object) -> bool:
    """Whether a field holds or names an image, whatever it is called."""
    match value:
        case str():
            return value.lower().endswith(SUFFIXES) and "\n" not in value
        case {"bytes": bytes()}:
            return True
        case [first, *_]:
            return _is_picture(first)
    return False


@lru_cache(4096)
def plain(column: str) -> str:
    """The column's name in lower case, its words joined by single lines: imagePath, Image Path and image-path are one."""
    return "_".join(word.lower() for word in _WORDS.findall(column))
