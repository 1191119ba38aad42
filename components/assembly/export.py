"""The assembled conversations in the published UniMedVL form: one JSON object a line, images beside it."""

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.assembly.dataset import Dataset
from components.images.stored import stored_format, stored_size
from components.records.sample import Clinical, Image, Sample, Text
from components.records.vocabulary import ImageRole, TaskGroup
from components.storage.atomic import atomic_folder

MARK = "<image>"
MAIN_TASK = {TaskGroup.I2T: "understanding", TaskGroup.T2I: "generation", TaskGroup.INTERLEAVED: "editing"}


@dataclass(frozen=True, slots=True)
class Exported:
    """How much was written."""

    conversations: int
    images: int
    left_out: dict[str, int]
    """Lent source -> conversations that are not written."""


def export_jsonl(dataset: Path, folder: Path, split: str, lent: Collection[str] = ()) -> Exported:
    """Write folder/<split>.jsonl and folder/images/, without what was lent: to the manifest's sources or to `lent`.

    Keys of a line: message, input_img, output_img, main_task_type, sub_task_type, dataset (the published ones), and id,
    licence, patient_key. Raises ValueError when the folder exists, there is no data set or all of it was lent.
    """
    if folder.exists():
        raise ValueError(f"{folder} exists; name a new folder")
    data = Dataset(dataset)
    index = data.samples(split)
    kept_back = {*data.manifest.get("lent", ()), *lent}
    left_out: Counter[str] = Counter()
    written: set[str] = set()
    with atomic_folder(folder) as temporary:
        (temporary / "images").mkdir()
        with (temporary / f"{split}.jsonl").open("w", encoding="utf-8") as out:
            for number in range(len(index)):
                sample = index.read(number)
                if sample.source in kept_back:
                    left_out[sample.source] += 1
                    continue
                for piece in sample.pieces:
                    if isinstance(piece, Image) and piece.sha256 not in written:
                        (temporary / _path(piece)).write_bytes(piece.data)
                        written.add(piece.sha256)
                out.write(json.dumps(conversation(sample), ensure_ascii=False) + "\n")
        if left_out and left_out.total() == len(index):
            raise ValueError(
                f"every conversation of {split} is of a source that was lent and may not be passed on: "
                f"{', '.join(sorted(left_out))}"
            )
    return Exported(len(index) - left_out.total(), len(written), dict(sorted(left_out.items())))


def conversation(sample: Sample) -> dict[str, Any]:
    """One line: what is given speaks as `human`, what is learnt as `gpt`; a target image is output, any other input."""
    messages: list[dict[str, str]] = []
    inputs: list[dict[str, Any]] = []
    outputs: list[dict[str, Any]] = []
    for piece in sample.pieces:
        match piece:
            case Image():
                is_target = piece.role is ImageRole.TARGET
                (outputs if is_target else inputs).append(_image(piece))
                _say(messages, "gpt" if is_target else "human", MARK)
            case Text():
                _say(messages, "gpt" if piece.supervised else "human", piece.text)
            case Clinical():
                _say(messages, "human", piece.render())
    return {
        "id": sample.id,
        "message": messages,
        "input_img": inputs,
        "output_img": outputs,
        "main_task_type": MAIN_TASK.get(sample.group, "text"),
        "sub_task_type": sample.task,
        "dataset": sample.source,
        "licence": sample.licence,
        "patient_key": sample.patient_key,
    }


def _say(messages: list[dict[str, str]], who: str, text: str) -> None:
    if messages and messages[-1]["from"] == who:
        messages[-1]["value"] += f"\n{text}"
    else:
        messages.append({"from": who, "value": text})


def _image(piece: Image) -> dict[str, Any]:
    width, height = stored_size(piece.data)
    return {"path": _path(piece), "height": height, "width": width}


def _path(piece: Image) -> str:
    return f"images/{piece.sha256[:32]}.{stored_format(piece.data)}"
