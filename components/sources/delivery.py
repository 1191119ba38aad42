"""The default corpus: real images out of installed packages and our own shipped files, laid into a workspace."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from components.recipes.recipe import Recipe
from components.storage.atomic import write_bytes, write_text
from components.storage.file_hashes import file_sha256
from components.storage.workspace import Workspace

_TABLE = Path(__file__).with_name("corpus.json")
_SHIPPED = Path(__file__).with_name("shipped")


@dataclass(frozen=True, kw_only=True, slots=True)
class CorpusFile:
    """One file of the default corpus."""

    file: str
    """Name inside the source's folder."""
    origin: str
    """`shipped`, or `package:<distribution>`."""
    path: str
    """Inside the shipped folder, or as the distribution lists it."""
    sha256: str
    bytes: int
    licence: str


@lru_cache
def corpus() -> dict[str, tuple[CorpusFile, ...]]:
    """Source -> files of the default corpus."""
    table = json.loads(_TABLE.read_text())
    return {
        source: tuple(CorpusFile(origin=row["from"], **{k: v for k, v in row.items() if k != "from"}) for row in rows)
        for source, rows in table.items()
    }


def deliver(raw: Path, sources: Iterable[str] | None = None) -> list[str]:
    """Lay the default corpus into `raw`/<source>/; returns one line for each file written or found changed.

    Missing files are restored, equal ones left alone. A default file that somebody changed is left as it is and
    reported; files that were added stay. Raises ValueError when a package lacks a file or holds other bytes.
    """
    lines = []
    wanted = corpus()
    for source in sorted(wanted if sources is None else set(sources) & set(wanted)):
        for file in wanted[source]:
            target = raw / source / file.file
            if not target.exists():
                write_bytes(target, _content(file))
                lines.append(f"delivered {source}/{file.file}")
            elif target.stat().st_size != file.bytes or file_sha256(target) != file.sha256:
                lines.append(
                    f"{source}/{file.file} differs from the delivered one; left as it is (remove it to restore)"
                )
    return lines


def prepare(workspace: Workspace, recipe: Recipe) -> list[str]:
    """Everything that the recipe's first stages need: raw folders, the curator's (empty) decision files, and the folders
    of image-text scores and of patients' former keys.

    Returns the lines of `deliver`.
    """
    default = [name for name, settings in recipe.sources.items() if settings.path == f"data/raw/{name}"]
    lines = deliver(workspace.raw, default)
    for folder in (workspace.alignment, workspace.patients):
        folder.mkdir(parents=True, exist_ok=True)
    for name, settings in recipe.sources.items():
        (workspace.root / settings.path).mkdir(parents=True, exist_ok=True)
        prepare_curation(workspace, name)
    return lines


def prepare_curation(workspace: Workspace, source: str) -> None:
    """The curator's files that the source's stage depends on, empty until something is decided, and the empty folder of
    texts that stand in for its own."""
    (workspace.deidentified / source).mkdir(parents=True, exist_ok=True)
    for path, empty in (
        (workspace.decisions / f"{source}.jsonl", ""),
        (workspace.accepted / f"{source}.json", "{}\n"),
    ):
        if not path.exists():
            write_text(path, empty)


def locate(file: CorpusFile) -> Path:
    """Where the file lies on this machine; its package is asked for its list of files and never imported."""
    if file.origin == "shipped":
        return _SHIPPED / file.path
    package = file.origin.removeprefix("package:")
    try:
        return Path(str(distribution(package).locate_file(file.path)))
    except PackageNotFoundError:
        raise ValueError(
            f"package {package} is not installed; `pip install -r requirements.lock` brings {file.file}"
        ) from None


def _content(file: CorpusFile) -> bytes:
    path = locate(file)
    if not path.is_file():
        raise ValueError(f"{file.origin} holds no {file.path}; install the version in requirements.lock")
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != file.sha256:
        raise ValueError(
            f"{file.origin}: {file.path} has sha256 {found}, not {file.sha256}; install the version in requirements.lock"
        )
    return data
