"""Who runs this, also on a machine that has no entry for the user: containers and clusters give bare numbers."""

import getpass
import os
from pathlib import Path


def user_name() -> str:
    """LOGNAME or USER, else the machine's name for the user, else `uid-4711`."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"


def have_user(folder: Path) -> None:
    """Give this process and its children the name and the home that tools ask for, where there are none: `folder` becomes
    the home."""
    os.environ.setdefault("USER", user_name())
    if not Path(os.path.expanduser("~")).is_absolute():  # noqa: PTH111 (Path.home() raises where nobody knows)
        folder.mkdir(parents=True, exist_ok=True)
        os.environ["HOME"] = str(folder)
