"""Files that are delivered twice: an export that was copied into another folder of the same delivery."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from components.images.dicom import is_dicom
from components.images.limits import ImageError
from components.sources.delivery_folder import Delivery
from components.sources.reading.splits import folder_split
from components.storage.file_hashes import file_sha256

_HEAD_BYTES = 4096
"""Most headers name their instance within these: of files that differ there no more is read."""


def copies(files: Sequence[tuple[str, Path]], delivery: Delivery) -> dict[str, str]:
    """Name of each DICOM file that has the bytes of an earlier one -> the earlier one's name.

    Two that labels.csv or their folders tell different things of (one in `train`, one in `test`) are no copies: nobody
    could say which is meant.
    """
    alike: dict[tuple[int, bytes], list[tuple[str, Path]]] = defaultdict(list)
    for name, path in files:
        try:
            delivery.check(path)
            if is_dicom(path):
                with path.open("rb") as handle:
                    alike[path.stat().st_size, handle.read(_HEAD_BYTES)].append((name, path))
        except (ImageError, OSError):
            continue  # whoever reads the file says what it is
    found: dict[str, str] = {}
    for group in alike.values():
        first: dict[str, str] = {}
        for name, path in group if len(group) > 1 else ():
            known = first.setdefault(file_sha256(path), name)
            if known != name and _said(delivery, known) == _said(delivery, name):
                found[name] = known
    return found


def _said(delivery: Delivery, name: str) -> tuple[object, ...]:
    return folder_split(name), dict(delivery.labels.of(name)), delivery.labels.crop(name)
