"""OmniMedVQA as published: `QA_information/{Open-access,Restricted-access}/*.json` and `Images/`. Evaluation only: it is
made of the training sets of 42 others, so every record is held out, whatever a recipe says."""

from collections.abc import Iterator
from functools import partial

from components.images.limits import ImageError
from components.records.vocabulary import Split
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.pictures import Pictures
from components.sources.reading.row_records import modality_of, question, read_rows, row_record
from components.sources.reading.rows import Row, json_rows, need, text

LICENCE = "evaluation only (OmniMedVQA; images under their own sets' licences)"
_OPTIONS = ("option_A", "option_B", "option_C", "option_D")


def read(delivery: Delivery) -> Iterator[Item]:
    """One record a question, each a choice of two to four."""
    yield from read_rows(delivery, (".json",), json_rows, partial(_record, delivery, Pictures(delivery)))


def _record(delivery: Delivery, pictures: Pictures, name: str, number: int, row: Row) -> Item:
    options = [found for option in _OPTIONS if (found := text(row, option))]
    answer = need(row, "gt_answer")
    if answer not in options:
        raise ImageError("bad options", f"the answer {answer[:60]!r} is none of the options")
    return row_record(
        delivery,
        need(row, "question_id"),
        [pictures.get(need(row, "image_path"))],
        [question(need(row, "question"), answer, options=options)],
        modality=modality_of(text(row, "modality_type")),
        file=name,
        locator=f"row {number}",
        licence=LICENCE,
        split=Split.TEST,
    )
