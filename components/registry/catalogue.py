"""The versions there are: finding one by number or alias, listing them, reading what each remembers of its making."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.recipes.nearest import nearest
from components.registry.database import Impossible
from components.registry.tracking import Tracking, connect
from components.registry.weights_reference import WeightsReference, lay_out
from components.storage.atomic import read_object
from components.storage.workspace import Workspace

MODEL = "unimed"
CHAMPION, CHALLENGER = "champion", "challenger"


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """A registered, evaluated model."""

    number: int
    aliases: tuple[str, ...]
    tags: Mapping[str, str]
    run_id: str
    source: str
    created_at_ms: int

    @property
    def weights_sha256(self) -> str:
        return self.tags["unimed.weights_sha256"]

    @property
    def dataset_id(self) -> str:
        return self.tags["unimed.dataset_id"]

    @property
    def evaluation_sha256(self) -> str:
        return self.tags["unimed.evaluation_sha256"]


def resolve(
    workspace: Workspace, name: str, tracking: Tracking | None = None, known: Sequence[Version] | None = None
) -> Version:
    """The version that a number or an alias names, of those that are `known`, else of all; raises Impossible for an unknown
    one, listing what there is."""
    known = all_versions(tracking or connect(workspace)) if known is None else known
    if name in (CHAMPION, CHALLENGER) or not name.isdigit():
        found = next((version for version in known if name in version.aliases), None)
    else:
        found = next((version for version in known if version.number == int(name)), None)
    if found is not None:
        return found
    if not known:
        raise Impossible("no version is registered yet; `unimed retrain` makes one")
    numbers = ", ".join(str(version.number) for version in known)
    if name == CHAMPION:
        raise Impossible(f"no version is champion yet; registered: {numbers}; `unimed promote V` makes one champion")
    if name.isdigit():
        raise Impossible(f"there is no version {name}; registered: {numbers}")
    aliases = sorted({alias for version in known for alias in version.aliases})
    raise Impossible(f"unknown version {name!r}{nearest(name, [*aliases, *(str(v.number) for v in known)])}")


def all_versions(tracking: Tracking) -> list[Version]:
    """Every version with its aliases, newest first."""
    from mlflow.exceptions import MlflowException

    client = tracking.client
    aliases: dict[str, list[str]] = {}
    try:
        for alias, number in client.get_registered_model(MODEL).aliases.items():
            aliases.setdefault(str(number), []).append(alias)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return []
    versions = [
        Version(
            number=int(found.version),
            aliases=tuple(sorted(aliases.get(str(found.version), []))),
            tags=dict(found.tags),
            run_id=found.run_id or "",
            source=str(found.source),
            created_at_ms=int(found.creation_timestamp or 0),
        )
        for found in client.search_model_versions(f"name = '{MODEL}'")
    ]
    ours = [version for version in versions if "unimed.weights_sha256" in version.tags]
    return sorted(ours, key=lambda version: -version.number)


def record_folder(tracking: Tracking, version: Version) -> Path:
    """A local folder with the version's record: weights.json, dvc.lock, params.yaml, evaluation.json, card.md …"""
    import mlflow

    location = tracking.client.get_logged_model(version.source.rpartition("/")[2]).artifact_location
    return Path(mlflow.artifacts.download_artifacts(artifact_uri=f"{location}/artifacts/record"))


def read_record_file(tracking: Tracking, version: Version, name: str) -> dict[str, Any]:
    """One JSON file of the version's record; raises ValueError, naming the version, when it is gone."""
    path = record_folder(tracking, version) / name
    try:
        return read_object(path)
    except ValueError as error:
        raise ValueError(f"the record of version {version.number} is damaged: {error}") from None


def reference_of(tracking: Tracking, version: Version) -> WeightsReference:
    """The version's weights.json, checked against the version's tag."""
    reference = WeightsReference.from_json(read_record_file(tracking, version, "weights.json"))
    if reference.sha256 != version.weights_sha256:
        raise ValueError(
            f"version {version.number} is tagged with weights {version.weights_sha256[:12]}, its weights.json names "
            f"{reference.sha256[:12]}: one of them was edited"
        )
    return reference


def checkpoint_of(workspace: Workspace, tracking: Tracking, version: Version) -> Path:
    """The version's checkpoint, verified and laid out under .unimed/models."""
    return lay_out(reference_of(tracking, version), workspace.model_folder(version.weights_sha256))
