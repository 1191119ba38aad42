"""Identifiers in every place of a clinic's files that can hold them, looked for in every byte that validation, review and
assembly write; and names painted into pixels, whose images must not be among the kept ones."""

import contextlib
import io
import logging
from collections.abc import Iterator

from components.storage.workspace import Workspace
from tests.benchmarks.figures import Figure
from tests.benchmarks.goals import Plan, none_of
from tests.fixtures.planted_identifiers import deliver
from tests.fixtures.planted_names import SECRETS
from tests.fixtures.planted_scans import PAINTED, SIZES
from tests.fixtures.planted_search import found, kept_images, prepare


def identifiers(plan: Plan) -> Iterator[Figure]:
    """How many show in an output, a log, a report or a quarantine file, by the kind of place; the raw files hold them all."""
    workspace, said = Workspace(plan.work), io.StringIO()
    deliver(workspace)
    handler = logging.StreamHandler(said)
    logging.getLogger().addHandler(handler)
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        written = prepare(workspace)
    logging.getLogger().removeHandler(handler)
    shown = found(workspace.root, written, said.getvalue())
    for kind in dict.fromkeys(_kind(place) for place in SECRETS):
        places = [place for place in SECRETS if _kind(place) == kind]
        details = [f"{place} in {', '.join(shown[place])}" for place in places if place in shown]
        yield none_of(f"identifiers hidden: {kind}", details, len(places))
    for source in ("scans", "pictures"):
        kept = [f"kept in {source}"] * kept_images(workspace, source).count(PAINTED)
        yield none_of(f"images with painted names held: {source}", kept, len(SIZES))


def _kind(place: str) -> str:
    kind, colon, _ = place.partition(":")
    return kind if colon else "names of files and folders, dates, numbers"
