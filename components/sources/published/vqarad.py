"""VQA-RAD as published: `VQA_RAD Dataset Public.json` and `VQA_RAD Image Folder/`; mirrors with train and test JSON; the
Parquet of the copy on Hugging Face, whose rows hold image, question and answer.

Its test set is by question: rows whose `phrase_type` begins with `test_`. Images and rephrased questions straddle the
two sides; assembly takes the training side away.
"""

from components.records.vocabulary import Split
from components.sources.reading.row_records import split_of
from components.sources.reading.row_sets import RowSet, Told, asked

ANATOMY = {"head": "brain", "chest": "chest", "abd": "abdomen"}
"""`image_organ`, lower-cased -> region."""


def _split(told: Told) -> Split | None:
    phrase = told.text("phrase_type").lower()
    if phrase:
        return Split.TEST if phrase.startswith("test_") else Split.TRAIN
    return split_of(told.file)


read = RowSet(
    suffixes=(".json", ".parquet"),
    folders=("VQA_RAD Image Folder", "images", ""),
    licence="CC0 1.0 (VQA-RAD)",
    image=("image_name", "image"),
    identity="{image}/{key}",
    key=("qid",),
    turn=asked(("question",), ("answer",), closed="answer_type"),
    subject=lambda told: told.image,
    anatomy=lambda told: ANATOMY.get(told.text("image_organ").lower(), "unknown"),
    split=_split,
).read
