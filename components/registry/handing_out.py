"""The champion's weights on the MLflow server: whoever may ask that server loads them, without keys of a store's."""

from pathlib import Path

from components.registry.places import is_server
from components.registry.tracking import Tracking
from components.registry.weights_reference import SERVED_WEIGHTS, WeightsReference, find_verified, key
from components.storage.addresses import shown

PROXIED = "mlflow-artifacts:"


def hand_out(tracking: Tracking, reference: WeightsReference, *, hashed: float) -> int:
    """Give the MLflow server the files of the weights that it does not have, by their md5; returns how many bytes went.

    Nothing where MLflow is a database, or a server that gives out no files. Files are taken as right that nobody wrote since
    `hashed` (seconds since 1970). Raises ValueError when the server does not take them.
    """
    if not is_served(tracking):
        return 0
    sent = 0
    for file in reference.files:
        sent += _give(find_verified(reference, file, hashed=hashed), key(file.md5), file.size)
    return sent


def is_served(tracking: Tracking) -> bool:
    """Whether MLflow is a server that keeps its clients' files for them."""
    if not is_server(str(tracking.client.tracking_uri)):
        return False
    return str(tracking.client.get_experiment(tracking.experiment_id).artifact_location).startswith(PROXIED)


def _give(path: Path, place: str, size: int) -> int:
    from mlflow.exceptions import MlflowException
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    folder, name = place.split("/")
    try:
        repository = get_artifact_repository(f"{PROXIED}/{SERVED_WEIGHTS}/{folder}")
        if any(Path(found.path).name == name and found.file_size == size for found in repository.list_artifacts()):
            return 0
        repository.log_artifact(str(path))  # the cache and the downloads name a file by what follows its folder
    except (MlflowException, OSError) as error:
        reason = shown(" ".join(str(error).split()))[:300]
        raise ValueError(
            f"the MLflow server does not take the weights ({path.name}, {size} bytes: {reason}); without them on it nobody "
            "could load the champion there; mend the server's artifact store, then promote again"
        ) from None
    return size
