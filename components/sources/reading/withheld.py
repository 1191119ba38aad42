"""Items of a clinic's delivery in a format of public sets, without what its names, its ids and its broken rows say."""

import re
from dataclasses import replace

from components.images.limits import ImageError
from components.records.keys import keyed_hash
from components.records.record import Provenance, Record, Unreadable
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.burned_in import is_cleared, refuse_text


def withheld(item: Item, delivery: Delivery) -> Item:
    """The item under keyed hashes of its id, file and patient; a record in whose pixels rows of letters are found is
    unreadable, unless somebody cleared it. Details of unreadable items name their reason and where, and quote nothing."""
    name = item.file if isinstance(item, Unreadable) else item.provenance.file
    identity = f"{delivery.source}/{_key('id', item.id, delivery)}"
    file = f"file-{_key('file', name, delivery)}"
    if isinstance(item, Unreadable):
        return replace(item, id=identity, file=file, detail=_unquoted(item))
    try:
        if not is_cleared(delivery, name):
            for image in item.images:
                refuse_text(image.decode(), "an image of the record")
    except ImageError as error:
        return Unreadable(id=identity, source=item.source, file=file, reason=error.reason, detail=error.detail)
    return replace(
        item,
        id=identity,
        subject=keyed_hash("patient", item.subject, key=delivery.secret),
        facts={fact: value for fact, value in item.facts.items() if fact != "description"},
        provenance=_withheld_place(item, file),
    )


def _withheld_place(record: Record, file: str) -> Provenance:
    number = re.search(r"\d+$", record.provenance.locator)
    return replace(record.provenance, file=file, locator=f"row {number[0]}" if number else "")


def _unquoted(item: Unreadable) -> str:
    """`row 3` where the detail begins so: what else it says may be the words of the row."""
    row = re.match(r"(?:row|line) \d+", item.detail)
    return f"{row[0] if row else 'the file'}; what it says may name a patient and is not repeated"


def _key(kind: str, text: str, delivery: Delivery) -> str:
    return keyed_hash(kind, text, key=delivery.secret, digest_bytes=8)
