"""Keyed hashes: the only source of identity and of randomness that is the same on every machine, in any order."""

import hashlib
import hmac
import json
from typing import Any

import numpy as np


def keyed_hash(*parts: object, key: bytes = b"", digest_bytes: int = 16) -> str:
    """Hex digest of the parts under a key. Parts are joined by a byte that cannot occur inside them.

    Two part lists that differ anywhere give different digests: ("a", "b") is not ("ab",).
    """
    message = b"\x1f".join(str(part).encode() for part in parts)
    return hashlib.blake2b(message, key=key[:64], digest_size=digest_bytes).hexdigest()


def unit_interval(*parts: object) -> float:
    """A number in [0, 1) that is a pure function of the parts."""
    return int(keyed_hash(*parts, digest_bytes=8), 16) / 2**64


def generator(*parts: object) -> np.random.Generator:
    """A numpy generator seeded by the parts alone."""
    return np.random.Generator(np.random.PCG64(int(keyed_hash(*parts), 16)))


def seed_of(*parts: object) -> int:
    """A 63-bit seed for torch generators, a pure function of the parts."""
    return int(keyed_hash(*parts, digest_bytes=8), 16) >> 1


def patient_key(secret: bytes, subject: str) -> str:
    """The patient's key: an HMAC of the subject under the source's secret (a constant for public sets)."""
    return hmac.new(secret, subject.encode(), hashlib.sha256).hexdigest()[:24]


def sha256_bytes(data: bytes) -> str:
    """Hex sha256 of the bytes."""
    return hashlib.sha256(data).hexdigest()


def digest(value: Any) -> str:
    """sha256 of the value's sorted JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def public_secret(source: str) -> bytes:
    """The constant secret of a public source, so that equal input gives equal keys on any machine."""
    return f"unimed-public:{source}".encode()
