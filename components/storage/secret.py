"""The workspace's secret: what keys the identities of private sources, so that nobody else can recompute them."""

import os
import secrets
from pathlib import Path

from filelock import FileLock

from components.storage.atomic import atomic_path

VARIABLE = "UNIMED_SECRET"
SHORTEST = 32
"""Characters; a fingerprint of the secret stands in dvc.lock, so it must be beyond guessing."""
_NAME = "secret"


def workspace_secret(private: Path) -> bytes:
    """$UNIMED_SECRET, else what the file `secret` in the workspace's .unimed holds; made there on first use, mode 0600.

    An experiment lies inside its workspace's .unimed and shares its secret: one patient has one key in both.
    Raises ValueError for a secret that is too short and for a file that others may read.
    """
    if given := os.environ.get(VARIABLE, ""):
        return _checked(given, f"the environment's {VARIABLE}")
    homes = [folder for folder in (private, *private.parents) if folder.name == private.name]
    path = homes[-1] / _NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f"{_NAME}.lock")):
        if not path.exists():
            with atomic_path(path) as temporary:
                os.close(os.open(temporary, os.O_CREAT | os.O_WRONLY, 0o600))
                temporary.write_text(secrets.token_hex(32) + "\n")
    if path.stat().st_mode & 0o077:
        raise ValueError(f"others may read {path}; `chmod 600 {path}`")
    return _checked(path.read_text().strip(), str(path))


def _checked(text: str, place: str) -> bytes:
    if len(text) < SHORTEST:
        raise ValueError(
            f"{place} holds {len(text)} characters, at least {SHORTEST} are needed; "
            "`python -c 'import secrets; print(secrets.token_hex(32))'` makes a good one"
        )
    return text.encode()
