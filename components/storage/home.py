"""Where a workspace was made, and who it is: told apart are one that was moved and one that was copied.

MLflow keeps absolute places of its own, so a workspace does not work elsewhere by itself. It carries an id and the path it
was made at; at another path it is refused until somebody asks for the repair, and never writes into its original.
"""

import sqlite3
import uuid
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from components.storage.atomic import read_object, write_json
from components.storage.workspace import Workspace

ARTIFACTS = "mlflow-artifacts"
"""Folder of the embedded MLflow's artifacts, below .unimed."""
DECISIONS = "unimed.db"
"""The workspace's own database of decisions, below .unimed."""
MLFLOW = "mlflow.db"
"""The workspace's own MLflow, below .unimed."""


UNSEEN = "if a workspace goes on at the old place on a machine that cannot be seen from here, this one is a copy of it: add --copy"
"""What nobody here can tell: a move keeps the identity, a copy needs one of its own."""


class Elsewhere(ValueError):
    """The workspace stands at another path than its records say."""


@dataclass(frozen=True, slots=True)
class Home:
    """A workspace's identity."""

    id: str
    root: str
    """The absolute path that its records name."""


def check_home(workspace: Workspace) -> None:
    """Raise Elsewhere for a workspace that was moved or copied; one that has no identity yet gets one."""
    home = read_home(workspace)
    if home is None or (not home.id and home.root == str(workspace.root)):
        write_home(workspace, uuid.uuid4().hex)
    elif home.root != str(workspace.root):
        copied = is_copy(workspace, home)
        what = "is a copy of" if copied else "was moved from"
        own = " and gives the copy an identity of its own" if copied else f"; {UNSEEN}"
        raise Elsewhere(
            f"{workspace.root} {what} {home.root}, which its MLflow records still name; `unimed doctor --repair` makes them "
            f"name this folder{own}"
        )


def read_home(workspace: Workspace) -> Home | None:
    """The identity that the workspace carries; for one of an older release, the path that its MLflow database names."""
    path = _path(workspace)
    if path.is_file():
        found = read_object(path)
        return Home(id=str(found.get("id", "")), root=str(found.get("root", "")))
    recorded = _recorded_root(workspace)
    return Home(id="", root=recorded) if recorded else None


def workspace_id(workspace: Workspace) -> str:
    """The id that tells this workspace's runs from others'; one that has none yet gets it."""
    home = read_home(workspace)
    if home is not None and home.id:
        return home.id
    made = Home(id=uuid.uuid4().hex, root=home.root if home else str(workspace.root))
    write_json(_path(workspace), asdict(made))
    return made.id


def is_copy(workspace: Workspace, home: Home) -> bool:
    """Whether the workspace that the identity belongs to still stands where it says."""
    original = Workspace(Path(home.root))
    if not original.params.is_file() or original.root.resolve() == workspace.root:
        return False
    there = read_home(original)
    # A copy that was taken before ids were given has none.
    return there is not None and there.root == home.root and home.id in ("", there.id)


def write_home(workspace: Workspace, identity: str) -> None:
    """Note that the workspace with this id stands here."""
    write_json(_path(workspace), asdict(Home(id=identity, root=str(workspace.root))))


def _path(workspace: Workspace) -> Path:
    return workspace.private / "home.json"


def _recorded_root(workspace: Workspace) -> str:
    """The folder whose .unimed the embedded MLflow keeps its artifacts in; empty where there is none or it names none."""
    path = workspace.private / MLFLOW
    if not path.is_file():
        return ""
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=30)) as database:
            places = [row[0] for row in database.execute("select artifact_location from experiments")]
    except sqlite3.DatabaseError:
        return ""
    ending = f"/.unimed/{ARTIFACTS}"
    roots = [url2pathname(urlsplit(place).path) for place in places if str(place).endswith(ending)]
    return roots[0].removesuffix(ending) if roots else ""
