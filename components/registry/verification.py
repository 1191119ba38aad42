"""Is a version still what it was when it was decided about? Every record, hash and link, checked one by one."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from components.registry.catalogue import Version, all_versions, record_folder, reference_in, resolve
from components.registry.decisions import read_log
from components.registry.pairing import mismatch
from components.registry.tracking import connect
from components.registry.weights_reference import find_verified
from components.storage.atomic import read_object
from components.storage.file_hashes import file_sha256
from components.storage.keys import digest
from components.storage.workspace import Workspace
from components.storage.yaml_files import load_yaml


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    what: str
    ok: bool
    detail: str
    """What was found, or what is wrong."""


def verify(workspace: Workspace, name: str) -> list[Check]:
    """What holds and what does not about a version (number or alias); raises Impossible for an unknown one."""
    tracking = connect(workspace)
    known = all_versions(tracking)
    version = resolve(workspace, name, tracking, known)
    record = record_folder(tracking, version)

    def log() -> str:
        entries = read_log(workspace)
        if reason := mismatch(entries, known):
            raise ValueError(reason)
        return f"{len(entries)} decisions, chained and anchored"

    checks = [_tried("decision log", log)]
    checks += [_tried(what, look) for what, look in _record_checks(record, version)]
    try:
        reference = reference_in(record, version)
    except ValueError as error:
        return [*checks, Check("weights.json", False, str(error))]
    for file in reference.files:
        checks.append(_tried(file.name, lambda file=file: f"{file.size} bytes at {find_verified(reference, file)}"))
    return checks


def _record_checks(record: Path, version: Version) -> list[tuple[str, Callable[[], str]]]:
    def same(found: str, tag: str) -> str:
        if found != version.tags.get(tag):
            raise ValueError(f"is {found[:12]}, the version's tag {tag} says {str(version.tags.get(tag))[:12]}")
        return found[:12]

    return [
        ("params.yaml", lambda: same(file_sha256(record / "params.yaml"), "unimed.recipe_sha256")),
        ("dvc.lock", lambda: same(digest(dict(load_yaml(record / "dvc.lock")["stages"])), "unimed.lock_sha256")),
        ("manifest.json", lambda: same(str(read_object(record / "manifest.json")["dataset_id"]), "unimed.dataset_id")),
        ("evaluation.json", lambda: same(file_sha256(record / "evaluation.json"), "unimed.evaluation_sha256")),
    ]


def _tried(what: str, look: Callable[[], str]) -> Check:
    try:
        return Check(what, True, look())
    except ValueError as error:
        return Check(what, False, str(error))
