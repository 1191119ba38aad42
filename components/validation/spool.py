"""Records of a delivery while it is judged: what is known of them in memory, their images on disk, each distinct one once.

The suite looks at all records at once; a large delivery has more pixels than memory.
"""

import hashlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from components.images.looks import BYTES as LOOK_BYTES
from components.images.looks import SeenLook
from components.images.stored import StoredImage
from components.records.record import Record
from components.records.schema import record_row
from components.storage.keys import patient_key, public_secret

IN_MEMORY = 256 * 2**20
"""Bytes of images that are kept in memory before the file on disk is begun."""


@dataclass(frozen=True, slots=True)
class Held:
    """A record without the bytes of its images, and where they are."""

    record: Record
    images: tuple[bytes, ...]
    targets: Mapping[str, bytes]
    """Keys of the spool, as in the one before."""


class Spool:
    """Images, each behind its look, by the hash of both."""

    def __init__(self, namespace: str) -> None:
        """`namespace` is that of the patients of the records."""
        self._secret = public_secret(namespace)
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115, it lives as long as the rows
        self._places: dict[bytes, tuple[int, int]] = {}
        self._known: dict[bytes, StoredImage] = {}
        """Without their bytes and looks: several records may show one image."""

    def hold(self, record: Record) -> Held:
        """The record, its images put away."""
        keys = tuple(self._put(image.look.data + image.data) for image in record.images)
        known = [
            self._known.setdefault(key, image.without_data()) for key, image in zip(keys, record.images, strict=True)
        ]
        return Held(
            record=_with_images(record, known, dict.fromkeys(record.targets, b"")),
            images=keys,
            targets={name: self._put(data) for name, data in record.targets.items()},
        )

    def row(self, held: Held) -> dict[str, object]:
        """The row of RECORD_SCHEMA with the images in it; the readable subject stays behind."""
        record = held.record
        images = [self._image(known, key) for known, key in zip(record.images, held.images, strict=True)]
        targets = {name: self._get(key) for name, key in held.targets.items()}
        return record_row(_with_images(record, images, targets), patient_key=self.patient_key(record))

    def patient_key(self, record: Record) -> str:
        """The key under which the record's patient stands."""
        return patient_key(self._secret, record.subject)

    def _image(self, known: StoredImage, key: bytes) -> StoredImage:
        data = self._get(key)
        return replace(known, look=SeenLook(data[:LOOK_BYTES]), data=data[LOOK_BYTES:])

    def _put(self, data: bytes) -> bytes:
        key = hashlib.sha256(data).digest()
        if key not in self._places:
            self._places[key] = self._file.seek(0, 2), len(data)
            self._file.write(data)
        return key

    def _get(self, key: bytes) -> bytes:
        start, length = self._places[key]
        self._file.seek(start)
        return self._file.read(length)


def _with_images(record: Record, images: Sequence[StoredImage], targets: Mapping[str, bytes]) -> Record:
    image = images[0] if images else None
    return replace(record, image=image, more_images=tuple(images[1:]), targets=targets)


class Rows(Sequence[dict[str, object]]):
    """The rows of held records, each made when it is asked for."""

    def __init__(self, spool: Spool, held: Sequence[Held]) -> None:
        self._spool, self._held = spool, held

    def __len__(self) -> int:
        return len(self._held)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Rows(self._spool, self._held[index])
        return self._spool.row(self._held[index])

    def __iter__(self) -> Iterator[dict[str, object]]:
        return map(self._spool.row, self._held)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Rows)
            and len(self) == len(other)
            and all(a == b for a, b in zip(self, other, strict=True))
        )

    __hash__ = None  # type: ignore[assignment]
