"""The versions there are: finding one by number or alias, listing them, reading what each remembers of its making."""

import tempfile
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from components.recipes.nearest import nearest
from components.registry.database import Impossible, has_log
from components.registry.own_store import read_own, versions_in
from components.registry.tracking import Tracking, connect
from components.registry.version import CHALLENGER, CHAMPION, Version, is_number
from components.registry.weights_reference import WeightsReference, lay_out
from components.storage.atomic import read_object
from components.storage.workspace import Workspace

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

__all__ = [
    "CHALLENGER",
    "CHAMPION",
    "Version",
    "all_versions",
    "checkpoint_of",
    "find",
    "none_registered",
    "record_folder",
    "resolve",
]


def resolve(
    workspace: Workspace, name: str, tracking: Tracking | None = None, known: Sequence[Version] | None = None
) -> Version:
    """The version that a number or an alias names, of those that are `known`, else of all; raises Impossible for an unknown
    one, listing what there is. Without `known` MLflow is asked for this one alone."""
    if known is None:
        tracking = tracking or connect(workspace)
        if (alone := find(tracking, name)) is not None:
            return alone
        known = all_versions(tracking)
    found = next((version for version in known if version.is_called(name)), None)
    if found is not None:
        return found
    if not known:
        raise Impossible(none_registered(workspace))
    numbers = ", ".join(str(version.number) for version in known)
    if name == CHAMPION:
        raise Impossible(f"no version is champion yet; registered: {numbers}; `unimed promote V` makes one champion")
    if name.isdigit():
        raise Impossible(f"there is no version {name}; registered: {numbers}")
    aliases = sorted({alias for version in known for alias in version.aliases})
    raise Impossible(f"unknown version {name!r}{nearest(name, [*aliases, *(str(v.number) for v in known)])}")


def none_registered(workspace: Workspace) -> str:
    """What to say where MLflow knows no version: that there never was one, or that the decision log knows better."""
    from components.registry.decisions import read_log

    told = {entry.version for entry in (read_log(workspace) if has_log(workspace) else []) if entry.version}
    if not told:
        return "no version is registered yet; `unimed retrain` makes one"
    return (
        f"MLflow has no version, though the decision log tells of {len(told)} (`unimed registry log`); where they were deleted, "
        "`unimed retrain` registers again; where MLflow's database was lost, `unimed registry restore FOLDER` brings both back"
    )


def find(tracking: Tracking, name: str) -> Version | None:
    """The version with this number or alias, asked for alone; None where there is none."""
    from mlflow.exceptions import MlflowException

    try:
        if is_number(name):
            found = tracking.client.get_model_version(tracking.model, name)
        else:
            found = tracking.client.get_model_version_by_alias(tracking.model, name)
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise
        return None
    version = _version(found, found.aliases)
    return version if version.is_ours else None


def all_versions(tracking: Tracking) -> list[Version]:
    """Every version with its aliases, newest first: two requests to a server; a SQLite file is read as it lies."""
    client = tracking.client
    own = read_own(str(client.tracking_uri), lambda file: versions_in(file, tracking.model))
    if own is not None:
        return own
    # Not get_registered_model, which loads every version of it to find the newest.
    models = client.search_registered_models(f"name = '{tracking.model}'")
    if not models:
        return []
    aliases: dict[str, list[str]] = {}
    for alias, number in models[0].aliases.items():
        aliases.setdefault(str(number), []).append(alias)
    found = client.search_model_versions(f"name = '{tracking.model}'")
    versions = [_version(one, aliases.get(str(one.version), [])) for one in found]
    return sorted((version for version in versions if version.is_ours), key=lambda version: -version.number)


def record_folder(tracking: Tracking, version: Version) -> Path:
    """A local folder with the version's record: weights.json, dvc.lock, params.yaml, evaluation.json, card.md …

    What a server keeps is fetched into a folder that this process removes at its end.
    """
    import mlflow

    location = tracking.client.get_logged_model(version.source.rpartition("/")[2]).artifact_location
    is_here = urlsplit(str(location)).scheme in ("", "file")
    target = None if is_here else tempfile.mkdtemp(dir=_fetched().name)
    return Path(mlflow.artifacts.download_artifacts(artifact_uri=f"{location}/artifacts/record", dst_path=target))


def read_record_file(tracking: Tracking, version: Version, name: str) -> dict[str, Any]:
    """One JSON file of the version's record; raises ValueError, naming the version, when it is gone."""
    return _read(record_folder(tracking, version) / name, version)


def reference_of(tracking: Tracking, version: Version) -> WeightsReference:
    """The version's weights.json, checked against the version's tag."""
    return reference_in(record_folder(tracking, version), version)


def reference_in(record: Path, version: Version) -> WeightsReference:
    """The weights.json of the version's record, checked against the version's tag."""
    reference = WeightsReference.from_json(_read(record / "weights.json", version))
    if reference.sha256 != version.weights_sha256:
        raise ValueError(
            f"version {version.number} is tagged with weights {version.weights_sha256[:12]}, its weights.json names "
            f"{reference.sha256[:12]}: one of them was edited"
        )
    return reference


def checkpoint_of(workspace: Workspace, tracking: Tracking, version: Version) -> Path:
    """The version's checkpoint, verified and laid out under .unimed/models."""
    return lay_out(reference_of(tracking, version), workspace.model_folder(version.weights_sha256))


def _version(found: "ModelVersion", aliases: Iterable[str]) -> Version:
    return Version(
        number=int(found.version),
        aliases=tuple(sorted(aliases)),
        tags=dict(found.tags),
        run_id=found.run_id or "",
        source=str(found.source),
        created_at_ms=int(found.creation_timestamp or 0),
    )


def _read(path: Path, version: Version) -> dict[str, Any]:
    try:
        return read_object(path)
    except ValueError as error:
        raise ValueError(f"the record of version {version.number} is damaged: {error}") from None


@lru_cache
def _fetched() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="unimed-records-")
