"""The DVC remote: what goes there, and whether it has got it."""

from pathlib import Path

from components.storage.addresses import shown
from components.storage.atomic import read_json, write_json
from components.storage.dvc_repository import open_repo, read_lock
from components.storage.keys import digest
from components.storage.workspace import Workspace


def push(workspace: Workspace, target: str | None = None) -> int:
    """Send what the stage made (without a target: what every stage made) to the default remote.

    Returns how many files went; 0 without a remote. Raises ValueError when the remote does not take them: what is made
    is safe in the cache, and the next run sends it.
    """
    remote = remote_address(workspace)
    url, _ = remote
    if not url:
        return 0
    from dvc.exceptions import DvcException

    try:
        with open_repo(workspace) as repo:
            sent = int(repo.push(targets=[target] if target else None))
    except (DvcException, OSError) as error:
        raise ValueError(
            f"the DVC remote {shown(url)} does not take the files ({shown(' '.join(str(error).split()))}); "
            "see `dvc remote list`; the next `unimed retrain` sends them"
        ) from None
    if target is None:
        write_json(_sent(workspace), _all_sent(workspace, remote))
    return sent


def is_sent(workspace: Workspace) -> bool:
    """Whether the default remote of today got all that dvc.lock names; True without a remote."""
    remote = remote_address(workspace)
    if not remote[0]:
        return True
    return _sent(workspace).is_file() and read_json(_sent(workspace)) == _all_sent(workspace, remote)


def keep_folder(workspace: Workspace, folder: Path) -> None:
    """Put a folder of raw files into the cache, as `dvc add` does: <folder>.dvc names its hash, and a remote gets it."""
    with open_repo(workspace) as repo:
        repo.add([str(folder.relative_to(workspace.root))])


def remote_address(workspace: Workspace) -> tuple[str, str]:
    """URL of the default remote and its service's address (empty for AWS or a folder); both empty without a remote."""
    with open_repo(workspace) as repo:
        name = repo.config["core"].get("remote")
        if not name:
            return "", ""
        remote = repo.config["remote"][name]
        return str(remote["url"]), str(remote.get("endpointurl", ""))


def _sent(workspace: Workspace) -> Path:
    return workspace.private / "sent.json"


def _all_sent(workspace: Workspace, remote: tuple[str, str]) -> dict[str, str]:
    """What is noted once the remote has all that dvc.lock names."""
    url, endpoint = remote
    return {"remote": shown(url), "endpoint": shown(endpoint), "lock": digest(read_lock(workspace))}
