"""Items of a clinic's delivery in a format of public sets, without what its names, its ids and its broken rows say."""

import re
from dataclasses import replace

from components.images.limits import ImageError
from components.images.png import encode_png
from components.images.stored import StoredImage, decode_stored
from components.records.record import Provenance, Record, Unreadable
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.burned_in import is_cleared
from components.sources.reading.writing import refuse_writing
from components.storage.keys import keyed_hash


def withheld(item: Item, delivery: Delivery) -> Item:
    """The item under keyed hashes of its id, file and patient; a record in whose pixels rows of letters are found is
    unreadable, unless somebody cleared it. Details of unreadable items name their reason and where, and quote nothing."""
    name = item.file if isinstance(item, Unreadable) else item.provenance.file
    identity = f"{delivery.source}/{_key('id', item.id, delivery)}"
    file = file_mask(name, delivery.secret)
    if isinstance(item, Unreadable):
        return replace(item, id=identity, file=file, detail=unquoted(item))
    try:
        shown = [image.decode() for image in item.images]
        targets = {target: decode_stored(data) for target, data in item.targets.items()}
        if not is_cleared(delivery, name):
            for pixels in (*shown, *targets.values()):
                refuse_writing(delivery, pixels, "an image of the record")
    except ImageError as error:
        return Unreadable(id=identity, source=item.source, file=file, reason=error.reason, detail=error.detail)
    # Encoded anew: in a file's own coding there is room for bytes that no decoder looks at.
    images = [StoredImage.of_pixels(pixels) for pixels in shown]
    return replace(
        item,
        id=identity,
        image=images[0] if images else None,
        more_images=tuple(images[1:]),
        targets={target: encode_png(pixels) for target, pixels in targets.items()},
        subject=keyed_hash("patient", item.subject, key=delivery.patient_secret),
        facts={fact: value for fact, value in item.facts.items() if fact != "description"},
        provenance=_withheld_place(item, file),
    )


def file_mask(name: str, secret: bytes) -> str:
    """What stands for a file of a private source in all that is written."""
    return f"file-{keyed_hash('file', name, key=secret, digest_bytes=8)}"


def _withheld_place(record: Record, file: str) -> Provenance:
    row = re.fullmatch(r"row \d+", record.provenance.locator)
    return replace(record.provenance, file=file, locator=row[0] if row else "")


def unquoted(item: Unreadable) -> str:
    """The detail, without a word of the file's: `row 3` where the detail begins so: what else it says may be the words of the row."""
    row = re.match(r"(?:row|line) \d+", item.detail)
    return f"{row[0] if row else 'the file'}; what it says may name a patient and is not repeated"


def _key(kind: str, text: str, delivery: Delivery) -> str:
    return keyed_hash(kind, text, key=delivery.secret, digest_bytes=8)
