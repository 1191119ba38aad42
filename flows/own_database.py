"""What the workspace's own Prefect database holds, asked without Prefect, whose import and server take ten seconds."""

import sqlite3
from contextlib import closing

from components.storage.workspace import Workspace
from flows.environment import prefect_home


def may_have_schedules(workspace: Workspace) -> bool:
    """False where it surely holds no schedule: it was never made, or has no deployment. Only Prefect can read one of another
    release."""
    path = prefect_home(workspace) / "prefect.db"
    if not path.is_file():
        return False
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=30)) as database:
            return bool(database.execute("select exists(select 1 from deployment)").fetchone()[0])
    except sqlite3.DatabaseError:
        return True
