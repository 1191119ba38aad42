"""`dataset.json` beside volumes, as segmentation challenges have it: what each channel of their images is."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath

from components.records.targets import ENHANCED_T1
from components.records.vocabulary import Modality

NAME = "dataset.json"
_MAX_BYTES = 64 * 2**20
_CHANNEL = re.compile(r"(.+)_(\d{4})")
"""`case_0001.nii.gz` is the second channel of `case`."""
_BIDS = re.compile(r"(sub-[A-Za-z0-9]+)(_.*)?")
_CONTRASTS = {
    **dict.fromkeys(("t1", "t1w"), "T1"),
    **dict.fromkeys(("t1gd", "t1ce", "t1c", "t1-gd"), ENHANCED_T1),
    **dict.fromkeys(("t2", "t2w"), "T2"),
    **dict.fromkeys(("flair", "t2f", "t2-flair"), "FLAIR"),
    **dict.fromkeys(("pd", "pdw"), "PD"),
}
_TAKEN = {*_CONTRASTS, *("ct", "cta", "cbct", "pet", "mr", "mri", "mra", "adc", "dwi", "swi", "bold", "asl", "stir"),
          *("ce", "gd", "pre", "post", "fat", "sat", "ax", "cor", "sag", "axial", "coronal", "sagittal", "3d")}  # fmt: skip
"""Words by which one patient's volumes in one folder are told apart."""
_MRI = (*_CONTRASTS, "mri", "mr", "adc", "dwi", "bold")


@dataclass(frozen=True, slots=True)
class VolumeSet:
    """What a `dataset.json` says of its images; empty where there is none."""

    words: Mapping[int, str] = field(default_factory=dict)
    """Channel -> its word."""

    @classmethod
    def beside(cls, root: Path, name: str) -> "VolumeSet":
        """The one in the nearest folder above the file of that name."""
        for folder in PurePosixPath(name).parents:
            path = root / folder / NAME
            if path.is_file() and not path.is_symlink() and path.stat().st_size <= _MAX_BYTES:
                return cls(_words(path, path.stat().st_mtime_ns))
        return cls()

    def modality(self, channel: int) -> Modality | None:
        """How the channel was taken, where its word says it."""
        word = self.words.get(channel, "").lower()
        if word == "ct":
            return Modality.CT
        return Modality.MRI if word in _MRI else None

    def contrast(self, channel: int) -> str:
        """The contrast of an MRI's channel; empty where its word is none of ours."""
        return _CONTRASTS.get(self.words.get(channel, "").lower(), "")


def case_and_channel(name: str, stem: str) -> tuple[str, int]:
    """(whom a file of that name shows, the channel in it): a case of `imagesTr`, a subject of BIDS, the folder of a file that is
    called by how it was taken (`p1/t1.nii.gz` beside `p1/flair.nii.gz`), else the file."""
    parent = PurePosixPath(name).parent
    folder = parent.name.lower()
    if folder.startswith("images") and (found := _CHANNEL.fullmatch(stem)):
        return found[1], int(found[2])
    if found := _BIDS.fullmatch(stem):
        return found[1], 0
    if folder and all(word in _TAKEN for word in re.split(r"[-_. ]+", stem.lower())):
        return str(parent), 0
    return name, 0


@lru_cache(maxsize=16)
def _words(path: Path, changed_at: int) -> dict[int, str]:
    """The words of a file as it was at that time: a folder asks for it once a volume."""
    try:
        said = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return {}
    if not isinstance(said, dict):
        return {}
    named = said.get("channel_names") or said.get("modality") or {}
    if not isinstance(named, dict):
        return {}
    return {int(key): str(word) for key, word in named.items() if str(key).isdecimal()}
