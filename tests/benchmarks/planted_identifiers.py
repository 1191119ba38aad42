"""Identifiers in every place of a clinic's files that can hold them, looked for in every byte that validation and review write."""

import contextlib
import io
import logging
from collections.abc import Iterator

from components.storage.workspace import Workspace
from tests.benchmarks.goals import AtMost, Plan, Row
from tests.fixtures.planted_identifiers import SECRETS, content, deliver, found, prepare


def identifiers(plan: Plan) -> Iterator[Row]:
    """How many of them show in an output, a log, a report or a quarantine file; the raw files hold them all."""
    workspace, said = Workspace(plan.work), io.StringIO()
    deliver(workspace)
    raw = b"".join(
        path.read_bytes() + str(path).encode() for path in workspace.raw.rglob("*") if path.is_file()
    ).lower()
    planted = [secret for secret in SECRETS if secret.lower().encode() in raw]
    handler = logging.StreamHandler(said)
    logging.getLogger().addHandler(handler)
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        contents = {path: content(path) for path in prepare(workspace)}
    logging.getLogger().removeHandler(handler)
    shown = {secret: found(secret, workspace, contents, said.getvalue()) for secret in planted}
    details = [f"{secret} in {', '.join(places)}" for secret, places in shown.items() if places]
    name = f"identifiers that show in {len(contents)} files or in what was said"
    yield AtMost(name=name, count=len(details), of=len(planted), limit=0, details=details)
