"""SIIM-ACR pneumothorax as published: a CSV of run lengths (`ImageId, EncodedPixels`, the second with a blank before its
name; -1 for none) and DICOM files; an image may have several rows."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from components.images.limits import ImageError
from components.images.png import encode_png
from components.records.findings import finding_facts
from components.records.vocabulary import Modality
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.films import IMAGES, Films
from components.sources.reading.row_records import read_rows, row_record, unreadable_row
from components.sources.reading.rows import Row, need, table_rows

LICENCE = "competition rules (SIIM-ACR Pneumothorax)"
SIDE = 1024
"""Masks are this wide and high."""
Masks = dict[str, list[tuple[str, int, str]]]
"""Image -> (file, row, run lengths)."""


def read(delivery: Delivery) -> Iterator[Item]:
    """One record an image, with the union of its masks as `pneumothorax_map`; the patient is the DICOM header's, else the image."""
    films, masks = Films(delivery), Masks()
    yield from read_rows(delivery, (".csv",), table_rows, partial(_row, masks), images=IMAGES)
    for image, rows in masks.items():
        try:
            yield _record(delivery, films, image, rows)
        except ImageError as error:
            yield unreadable_row(delivery, rows[0][0], rows[0][1], error)
    yield from films.unnamed()


def mask_of(runs: str) -> NDArray[np.bool_]:
    """The (SIDE, SIDE) mask of run lengths: pairs of a gap since the last run and a length, down the columns.

    Raises ImageError, reason 'bad mask'.
    """
    try:
        numbers = [int(number) for number in runs.split()]
    except ValueError:
        raise ImageError("bad mask", f"run lengths {runs[:40]!r} are not whole numbers") from None
    mask, at = np.zeros(SIDE * SIDE, bool), 0
    if len(numbers) % 2 or not numbers:
        raise ImageError("bad mask", f"{len(numbers)} numbers; run lengths are pairs of a gap and a length")
    for gap, length in zip(numbers[::2], numbers[1::2], strict=True):
        at += gap
        if gap < 0 or length < 1 or at + length > mask.size:
            raise ImageError("bad mask", f"a run of {length} at {at} leaves the image of {SIDE} x {SIDE}")
        mask[at : at + length] = True
        at += length
    return mask.reshape(SIDE, SIDE).T


def _row(masks: Masks, name: str, number: int, row: Row) -> Sequence[Item]:
    image, runs = need(row, "ImageId"), need(row, "EncodedPixels")
    masks.setdefault(image, []).append((name, number, runs))
    return ()


def _record(delivery: Delivery, films: Films, image: str, rows: Sequence[tuple[str, int, str]]) -> Item:
    film = films.get(image)
    runs = [text for _, _, text in rows if text != "-1"]
    targets = {}
    if runs:
        mask = np.logical_or.reduce([mask_of(text) for text in runs])
        down, across = (np.arange(side) * SIDE // side for side in (film.picture.height, film.picture.width))
        targets["pneumothorax_map"] = encode_png(mask[np.ix_(down, across)].astype(np.uint8) * 255)
    label = ["Pneumothorax"]
    return row_record(
        delivery,
        image,
        [film.picture],
        [],
        subject=film.patient,
        modality=Modality.XRAY,
        anatomy="chest",
        facts=finding_facts(label) if runs else finding_facts((), label),
        targets=targets,
        file=rows[0][0],
        locator=f"row {rows[0][1]}",
        licence=LICENCE,
    )
