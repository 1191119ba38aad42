"""The data set's identity: a hash of its rows alone, whatever their order, their files and who wrote them."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from components.records.schema import SCHEMA_VERSION
from components.storage.keys import sha256_bytes

_BYTES = 32
"""Of a row's hash."""


class ContentHash:
    """Takes rows in any order; those of two hashes may be joined."""

    def __init__(self) -> None:
        self._digests: dict[str, bytearray] = defaultdict(bytearray)
        """Kind of shard -> the rows' hashes, one behind the other."""

    def add(self, kind: str, row: Mapping[str, object]) -> None:
        """Take a row of a shard of that kind into the hash."""
        text = json.dumps(row, sort_keys=True, ensure_ascii=False, default=_bytes_hash)
        self._digests[kind] += hashlib.sha256(text.encode()).digest()

    def to_json(self) -> dict[str, str]:
        """Kind -> hex; what `join` takes."""
        return {kind: found.hex() for kind, found in sorted(self._digests.items())}

    def join(self, found: Mapping[str, str]) -> None:
        """Take all rows that went into another hash."""
        for kind, digests in found.items():
            self._digests[kind] += bytes.fromhex(digests)

    def hexdigest(self) -> str:
        """The dataset id."""
        whole = hashlib.sha256(f"unimed schema {SCHEMA_VERSION}".encode())
        for kind, found in sorted(self._digests.items()):
            # As four big-endian numbers a row, so that they sort as their hex does.
            numbers = np.frombuffer(bytes(found), ">u8").reshape(-1, _BYTES // 8)
            for digest in numbers[np.lexsort(numbers.T[::-1])]:
                whole.update(f"\n{kind} {digest.tobytes().hex()}".encode())
        return whole.hexdigest()[:32]


def _bytes_hash(value: object) -> str:
    if isinstance(value, bytes):
        return sha256_bytes(value)
    raise TypeError(f"{type(value).__name__} in a row")
