"""PathVQA as JSON or Parquet: the first release keeps its questions in pickles, which are refused by name. The patient is the
image, since books do not say."""

from components.sources.reading.row_sets import RowSet, asked

read = RowSet(
    suffixes=(".json", ".parquet"),
    folders=("images", "pvqa/images", ""),
    licence="repository MIT; figures belong to their publishers (PathVQA)",
    image=("image", "Image_ID"),
    identity="{file}-{number:07d}",
    turn=asked(("question", "Questions"), ("answer", "Answers")),
).read
