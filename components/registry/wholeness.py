"""Whether a version's record and weights are what its tags say, and when the weights were last hashed for a promotion."""

import time
from datetime import UTC, datetime
from typing import Any

from components.registry.catalogue import Version, record_folder, reference_in
from components.registry.decisions import Decision
from components.registry.handing_out import hand_out
from components.registry.tracking import Tracking
from components.registry.weights_reference import WeightsReference, find_verified
from components.storage.file_hashes import file_sha256

HASHED_AT = "hashed_at"
"""In the evidence of a promotion: when the hashing of the weights began, UTC."""


def made_ready(tracking: Tracking, version: Version) -> dict[str, Any]:
    """Check the version and have its weights where those who load the champion ask for them; evidence for its promotion.

    Takes minutes for a large model: hold no lease meanwhile. Raises ValueError for a version that is not what its tags say,
    and when the MLflow server does not take the weights.
    """
    begun = time.time()
    hand_out(tracking, check_whole(tracking, version), hashed=begun)
    return {HASHED_AT: datetime.fromtimestamp(begun, UTC).isoformat(timespec="milliseconds")}


def check_whole(tracking: Tracking, version: Version, *, hashed: float = 0.0) -> WeightsReference:
    """The version's weights; raises ValueError unless they and the record are what the version's tags say.

    A file that nobody wrote since `hashed` (seconds since 1970) is looked at and not hashed again; by default all are.
    """
    record = record_folder(tracking, version)
    found = file_sha256(record / "evaluation.json")
    if found != version.evaluation_sha256:
        raise ValueError(
            f"version {version.number} was judged on evaluation {version.evaluation_sha256[:12]}, its record holds "
            f"{found[:12]}: the record was edited"
        )
    reference = reference_in(record, version)
    for file in reference.files:
        find_verified(reference, file, hashed=hashed)
    return reference


def last_hashed(log: list[Decision], version: Version) -> float:
    """When the version's weights were last hashed for its promotion, in seconds since 1970; 0 for never."""
    noted = (
        str(entry.evidence[HASHED_AT])
        for entry in reversed(log)
        if entry.version == version.number
        and entry.weights_sha256 == version.weights_sha256
        and entry.evidence.get(HASHED_AT)
    )
    first = next(noted, None)
    return datetime.fromisoformat(first).timestamp() if first else 0.0
