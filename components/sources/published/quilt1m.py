"""Quilt-1M as published: `quilt_1M_lookup.csv` (`caption, image_path, subset, split, …`) beside its images, which are
frames of teaching videos and figures from papers and posts. One frame may have several captions."""

from pathlib import PurePosixPath

from components.records.vocabulary import Modality
from components.sources.reading.row_records import split_of
from components.sources.reading.row_sets import RowSet, Told, caption
from components.sources.reading.rows import table_rows

FRAME = "_image_"
"""Stands between a video's id, which may hold _ and - itself, and its frame's."""


def _video(told: Told) -> str:
    """The patient is the video, of other images the image."""
    video, frame, _ = PurePosixPath(told.image).stem.partition(FRAME)
    return video if frame else ""


read = RowSet(
    suffixes=(".csv",),
    rows=table_rows,
    folders=("quilt_1m", "images", ""),
    licence="CC BY-NC-ND, on request (Quilt-1M)",
    image=("image_path",),
    identity="{leaf}/{number:07d}",
    turn=caption("caption"),
    subject=_video,
    modality=lambda told: Modality.HISTOPATHOLOGY,
    split=lambda told: split_of(told.text("split")),
).read
