"""OmniMedVQA as published: `QA_information/{Open-access,Restricted-access}/*.json` and `Images/`. Evaluation only: it is
made of the training sets of 42 others, so every record is held out, whatever a recipe says."""

from components.images.limits import ImageError
from components.records.record import Turn
from components.records.vocabulary import Split
from components.sources.reading.row_records import modality_of, question
from components.sources.reading.row_sets import RowSet, Told
from components.sources.reading.rows import json_rows


def _turn(told: Told) -> Turn:
    """A choice of two to four."""
    options = [found for letter in "ABCD" if (found := told.text(f"option_{letter}"))]
    answer = told.need("gt_answer")
    if answer not in options:
        raise ImageError("bad options", f"the answer {answer[:60]!r} is none of the options")
    return question(told.need("question"), answer, options=options)


read = RowSet(
    suffixes=(".json",),
    rows=json_rows,
    licence="evaluation only (OmniMedVQA; images under their own sets' licences)",
    image=("image_path",),
    identity="{key}",
    key=("question_id",),
    turn=_turn,
    modality=lambda told: modality_of(told.text("modality_type")),
    split=lambda told: Split.TEST,
).read
