"""A workspace: the folder that holds params.yaml, dvc.yaml and everything a run makes."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT = "UNIMED_WORKSPACE"
"""Carried by every child process, so that what a killed run leaves behind can be found."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """Paths of a workspace; `root` is absolute."""

    root: Path

    @property
    def params(self) -> Path:
        return self.root / "params.yaml"

    @property
    def raw(self) -> Path:
        return self.root / "data" / "raw"

    @property
    def validated(self) -> Path:
        return self.root / "data" / "validated"

    @property
    def decisions(self) -> Path:
        return self.root / "data" / "decisions"

    @property
    def accepted(self) -> Path:
        return self.root / "data" / "accepted"

    @property
    def alignment(self) -> Path:
        """Folder of <source>.parquet: image-text scores computed elsewhere."""
        return self.root / "data" / "alignment"

    @property
    def deidentified(self) -> Path:
        """Folder of <source>/*.parquet: texts of private sources that were de-identified elsewhere."""
        return self.root / "data" / "deidentified"

    @property
    def patients(self) -> Path:
        """Folder of what is known of patients' former keys."""
        return self.root / "data" / "patients"

    @property
    def starts(self) -> Path:
        """Folder of <name>/: finished weights of ours that a recipe may begin with."""
        return self.root / "data" / "start"

    @property
    def dataset(self) -> Path:
        return self.root / "data" / "unimed"

    @property
    def exam(self) -> Path:
        """Folder of the frozen exam; written at registration alone."""
        return self.root / "data" / "exam"

    @property
    def checkpoints(self) -> Path:
        return self.root / "checkpoints"

    @property
    def losses(self) -> Path:
        """Folder of training/<stage>.json."""
        return self.root / "training"

    @property
    def evaluation(self) -> Path:
        return self.root / "evaluation"

    @property
    def private(self) -> Path:
        """.unimed: databases, logs, progress, training state; never in git or DVC."""
        return self.root / ".unimed"

    @property
    def progress(self) -> Path:
        return self.private / "progress"

    @property
    def logs(self) -> Path:
        return self.private / "logs"

    def model_folder(self, weights_sha256: str) -> Path:
        """Where the checkpoint of a registered version is laid out, as links to verified bytes."""
        return self.private / "models" / weights_sha256[:16]

    @property
    def training_state(self) -> Path:
        return self.private / "training"


def find_workspace(start: Path | None = None) -> Workspace:
    """The workspace that holds `start` (default: $UNIMED_WORKSPACE, else the current folder).

    Raises ValueError when neither the folder nor one above it holds params.yaml and dvc.yaml, or for a path of which no
    address of a database can be made.
    """
    begin = (start or Path(os.environ.get(ENVIRONMENT) or Path.cwd())).resolve()
    for folder in (begin, *begin.parents):
        if (folder / "params.yaml").is_file() and (folder / "dvc.yaml").is_file():
            check_path(folder)
            return Workspace(folder)
    raise ValueError(f"{begin} is not inside a workspace; make one with `unimed init DIR`, or cd into one")


def check_path(folder: Path) -> None:
    """Raises ValueError where an address of a database in the folder would lead elsewhere: what follows a `?` is read as
    options by all who read such addresses, and `%20` and its like as the letter that they stand for."""
    if found := re.search(r"\?|%[0-9A-Fa-f]{2}", str(folder)):
        raise ValueError(
            f"{folder} has {found[0]!r} in its path, which an address of a database in it cannot have; rename the folder"
        )
