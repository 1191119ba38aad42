"""TBX11K as published: `annotations/json/TBX11K_{train,val,test}.json` (COCO) and `imgs/{health,sick,tb,test}/`. The other
lists of it, its XML and its folder `extra` say the same again or hold images of other sets."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from components.records.findings import finding, finding_facts
from components.records.vocabulary import Modality
from components.sources.delivery_folder import Delivery, Item
from components.sources.generic.coco import Coco
from components.sources.reading.films import Films, bare
from components.sources.reading.marks import boxes_of, size_of
from components.sources.reading.row_records import each_row, row_record, split_of
from components.sources.reading.rows import Row, need

LICENCE = "research use, licence not stated (TBX11K)"
LISTS = ("TBX11K_train.json", "TBX11K_val.json", "TBX11K_test.json")
TUBERCULOSIS = "tuberculosis"


def read(delivery: Delivery) -> Iterator[Item]:
    """One record an image of the lists, with the boxes of its tuberculosis; the set names no patients, so each image is
    its own. Its folder says whether it is healthy, sick otherwise, or tuberculous."""
    films = Films(delivery)
    for found in films.tables(".json", ".xml", ".txt"):
        if not isinstance(found, tuple):
            yield found
        elif found[1].name in LISTS:
            name, path = found
            yield from delivery.read(name, path, lambda p, n=name: _list(delivery, films, n, p))
    yield from films.unnamed()


def _list(delivery: Delivery, films: Films, name: str, path: Path) -> Iterator[Item]:
    whole = Coco.read(path)
    names = {number: finding(word) or word for number, word in whole.names.items()}

    def make(name: str, number: int, row: Row) -> Item:
        image, marks = need(row, "file_name"), whole.marks.get(row.get("id"), ())
        film = films.get(image)
        folder = PurePosixPath(image).parts[0]
        present = [names[mark["category_id"]] for mark in marks if "caption" not in mark]
        present += [TUBERCULOSIS] if folder == "tb" or present else []
        absent = [TUBERCULOSIS] if folder in ("health", "sick") else []
        return row_record(
            delivery,
            bare(image),
            [film.picture],
            boxes_of([mark for mark in marks if "caption" not in mark], names, size_of(row, film.picture)),
            modality=Modality.XRAY,
            anatomy="chest",
            facts=finding_facts([*present, *(["normal"] if folder == "health" else [])], absent),
            file=name,
            locator=f"image {row.get('id')}",
            licence=LICENCE,
            split=split_of(PurePosixPath(name).name),
        )

    yield from each_row(delivery, name, whole.images, make)
    yield from each_row(delivery, f"{name}:annotations", whole.strays, make)
