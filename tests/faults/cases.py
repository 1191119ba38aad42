"""What a hostile case is: files in a folder, the format that reads them, and what must come of each item in them."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

KEPT = "kept"
RECIPE = "recipe"
"""In place of a format: the file is read as params.yaml, and what comes of it is `refused` or `kept`."""
REFUSED = "refused"
LABELS = "file,fact,value\n*,modality,X-ray\n*,anatomy,chest\n*,licence,ours\n"
"""What a curator says of files that say nothing themselves."""
LABELLED = ("images", "nifti")


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One fault: hostile or broken files that are read as a source of their own."""

    format: str
    files: Mapping[str, Callable[[Path], None]]
    """Name -> what writes the file there; a name may hold folders."""
    outcome: Mapping[str, int]
    """Reason of quarantine, or KEPT -> how many items end so."""

    def write(self, folder: Path) -> None:
        for name, make in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            make(path)
        if self.format in LABELLED:
            (folder / "labels.csv").write_text(LABELS)

    def is_as_expected(self, outcome: Mapping[str, int]) -> bool:
        return Counter(outcome) == Counter(self.outcome)


def one(format_name: str, name: str, make: Callable[[], bytes], reason: str) -> Case:
    """The case of one file that is one item."""
    files = {name: lambda path: _write(path, make())}
    return Case(format=format_name, files=files, outcome={reason: 1})


def several(format_name: str, files: Mapping[str, Callable[[], bytes]], outcome: Mapping[str, int]) -> Case:
    """The case of several files, or of a file with several items."""
    writers = {name: lambda path, make=make: _write(path, make()) for name, make in files.items()}
    return Case(format=format_name, files=writers, outcome=outcome)


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
