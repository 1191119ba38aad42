"""Rad-ReStruct as published: `{train,val,test}_qa_pairs/<report>.json`, `id_to_img_mapping_frontal_reports.json`, images
of Open-i in `images/`.

A report is a tree of questions: each comes with those above it and their answers, which stand in its prompt.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from components.images.limits import ImageError
from components.records.record import Turn
from components.records.vocabulary import Modality, TurnKind
from components.sources.delivery_folder import Delivery, Item, plain_name
from components.sources.reading.pictures import Pictures, annotations
from components.sources.reading.row_records import each_row, question, row_record, split_of
from components.sources.reading.rows import Row, json_lists, json_object

LICENCE = "CC BY-NC-ND 4.0 (Open-i images; Rad-ReStruct questions as their repository says)"
MAPPING = "id_to_img_mapping_frontal_reports.json"
_BESIDE = ("answer_options.json", "train_ids.json", "val_ids.json", "test_ids.json", "all_pos_weights.json", MAPPING)


def read(delivery: Delivery) -> Iterator[Item]:
    """One record a question, in the order of its report; the patient is the Open-i report."""
    pictures, images = Pictures(delivery, ("images", "NLMCXR_png", "")), {}
    for found in annotations(delivery, ".json"):
        if not isinstance(found, tuple):
            yield found
            continue
        name, path = found
        if path.name == MAPPING:
            continue
        if path.name in _BESIDE or path.parent.name.endswith("_vectorized_answers"):
            continue
        folder = path.parent.parent if path.parent.name.endswith("_qa_pairs") else path.parent
        if folder not in images:
            images[folder] = {}
            if (folder / MAPPING).is_file():
                keep = partial(_mapped, images[folder])
                yield from delivery.read(
                    plain_name((folder / MAPPING).relative_to(delivery.folder)), folder / MAPPING, keep
                )
        make = partial(_record, delivery, pictures, images[folder])
        yield from delivery.read(name, path, lambda p, n=name, m=make: each_row(delivery, n, json_lists(p), m))


def _mapped(images: dict[str, Any], path: Path) -> Iterator[Item]:
    images.update(json_object(path))
    yield from ()


def _record(
    delivery: Delivery, pictures: Pictures, images: Mapping[str, Any], name: str, number: int, row: Row
) -> Item:
    report = name.rsplit("/", 1)[-1].removesuffix(".json")
    turn = _turn(row.get("values", ()))
    names = images.get(report, [])
    if not names:
        raise ImageError("missing image", f"{MAPPING} names no image of report {report}")
    return row_record(
        delivery,
        f"CXR{report}/{number:04d}",
        [pictures.get(f"{image}.png") for image in names],
        [turn],
        subject=f"CXR{report}",
        modality=Modality.XRAY,
        anatomy="chest",
        file=name,
        locator=f"row {number}",
        licence=LICENCE,
        split=split_of(name),
    )


def _turn(values: Sequence[Any]) -> Turn:
    match values:
        case [str() as asked, [*answers], [*history], {"answer_type": kind, "options": [*options]}]:
            answer = "; ".join(map(str, answers))
            above = [f"{before} {', '.join(map(str, said))}." for before, said in history]
            prompt = "\n".join([*above, asked])
            if not answer:
                raise ImageError("missing field", f"no answer to {asked!r}")
            if kind == "single_choice" and sorted(options) != ["no", "yes"]:
                return question(prompt, answer, options=options)
            if kind == "multi_choice":
                prompt = f"{prompt} Choose all that apply: {'; '.join(options)}."
                return Turn(prompt=prompt, answer=answer, kind=TurnKind.OPEN)
            return question(prompt, answer)
    raise ImageError("not a row", f"[question, answers, history, options] was expected, got {str(values)[:60]}")
