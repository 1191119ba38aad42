"""Files that other formats read, or none: what their beginning says they are, so that nobody has to guess."""

import re
from collections.abc import Callable
from pathlib import Path

_SAMPLE = 16 * 2**10
"""Bytes of a file's beginning."""
COCO_LIST = "a list of COCO's"
_ADD = "add them with --format"
_HEADS = re.compile(r"[\w ]*(?:question|prompt|instruction)[\w ]*", re.IGNORECASE)
_ANSWERS = re.compile(r"[\w ]*(?:answer|response|output)[\w ]*", re.IGNORECASE)
_YOLO = re.compile(r"(?:\d+(?: (?:0|1|0?\.\d+|1\.0+))(?: [\d.e-]+){3,}\s*)+")


def layout_of(path: Path) -> str:
    """What the file is, and the way to read it; empty where its beginning tells nothing."""
    if not path.is_file() or path.is_symlink():
        return ""
    tell = _BY_SUFFIX.get(path.suffix.lower())
    try:
        with path.open("rb") as handle:
            return tell(handle.read(_SAMPLE).decode("utf-8-sig", "replace")) if tell else ""
    except OSError:
        return ""


def _xml(text: str) -> str:
    return f"boxes of Pascal VOC; {_ADD} voc" if "<annotation" in text and "<object" in text else ""


def _json(text: str) -> str:
    keys = set(re.findall(r'"(\w+)"\s*:', text))
    if {"shapes", "imagePath"} <= keys:
        return f"shapes of LabelMe; {_ADD} labelme"
    if {"images", "file_name"} <= keys:
        return f"{COCO_LIST}; {_ADD} coco"
    if keys & {"conversations", "messages"} or {"question", "answer"} <= keys:
        return f"conversations; {_ADD} jsonl"
    return ""


def _table(text: str) -> str:
    names = [name.strip(" \"'") for name in re.split(r"[,\t;|]", text.splitlines()[0])] if text.strip() else []
    asks, answers = (any(pattern.fullmatch(name) for name in names) for pattern in (_HEADS, _ANSWERS))
    if asks and answers:
        return f"a table of questions and answers; {_ADD} jsonl: columns image, question, answer"
    if "caption" in (name.lower() for name in names):
        return f"a table of captions; {_ADD} jsonl: columns image, caption"
    return ""


def _text(text: str) -> str:
    return f"boxes of YOLO; {_ADD} yolo" if _YOLO.fullmatch(text.rpartition("\n")[0] or text) else ""


def _spreadsheet(text: str) -> str:
    return "a spreadsheet; save each of its tables as CSV (UTF-8), its first line the names of the columns"


_BY_SUFFIX: dict[str, Callable[[str], str]] = {
    ".xml": _xml,
    **dict.fromkeys((".json", ".jsonl"), _json),
    **dict.fromkeys((".csv", ".tsv"), _table),
    ".txt": _text,
    **dict.fromkeys((".xlsx", ".xls", ".xlsm", ".ods", ".numbers"), _spreadsheet),
    **dict.fromkeys((".arrow", ".feather"), lambda text: "a table of Arrow; write it with `to_parquet`"),
}
