"""COVID-19 chest X-rays as ieee8023 and Figure 1 publish them: `metadata.csv` and `images/`. The notes tell a patient's
story, not the image: they are left out. `finding` is the patient's diagnosis, which a clear film has too: it is told as
a label, never as what is seen."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from components.images.limits import ImageError
from components.records.findings import view_facts
from components.records.vocabulary import Modality
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.films import Films, bare
from components.sources.reading.row_records import each_row, modality_of, row_record
from components.sources.reading.rows import Row, need, table_rows, text

LICENCE = "research use only (COVID-19 chest X-rays)"
_IMAGE_OF = re.compile(r"(?<=\d)[a-z]$")
"""003a and 003b are two images of patient 003."""
_UNSAID = ("", "todo", "unknown")
"""In the place of a diagnosis that nobody has entered."""
_BLOCK = 2**20


def read(delivery: Delivery) -> Iterator[Item]:
    """One record a row; the patient is `patientid` without the letter that numbers its images."""
    films = Films(delivery)
    for found in films.tables(".csv"):
        if not isinstance(found, tuple):
            yield found
            continue
        name, path = found
        if path.name != "metadata.csv":
            yield delivery.unknown(name, "these sets have metadata.csv")
            continue
        make = partial(_record, delivery, films)
        yield from delivery.read(name, path, lambda p, n=name, m=make: each_row(delivery, n, _rows(p), m))
    yield from films.unnamed()


def _record(delivery: Delivery, films: Films, name: str, number: int, row: Row) -> Item:
    patient = need(row, "patientid")
    image = text(row, "filename") or patient
    film = films.get(image)
    modality = modality_of(text(row, "modality"))
    if modality is Modality.UNKNOWN:
        raise ImageError("unknown modality", f"modality is {text(row, 'modality')!r}; X-ray or CT")
    labels = [part for part in text(row, "finding").split("/") if part.strip().lower() not in _UNSAID]
    return row_record(
        delivery,
        bare(image),
        [film.picture],
        [],
        subject=_IMAGE_OF.sub("", patient),
        modality=modality,
        anatomy="chest",
        facts={
            **({"description": "; ".join(labels)} if labels else {}),
            **(view_facts(text(row, "view")) if modality is Modality.XRAY else {}),
        },
        file=name,
        locator=f"row {number}",
        licence=text(row, "license") or LICENCE,
    )


def _rows(path: Path) -> Iterator[Row | ImageError]:
    """As UTF-8, or as Windows-1252 where the file is not: Figure 1's has a degree sign in it."""
    encoding = "utf-8-sig"
    try:
        with path.open(encoding=encoding) as handle:
            while handle.read(_BLOCK):
                pass
    except UnicodeDecodeError:
        encoding = "cp1252"
    yield from table_rows(path, encoding=encoding)
