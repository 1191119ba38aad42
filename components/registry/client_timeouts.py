"""How long MLflow's client may try."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

BRIEF = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
"""Whoever only watches asks once, and later again; MLflow by itself would try for minutes."""


@contextmanager
def briefly(*, unless_told: bool = False) -> Iterator[None]:
    """Within the block MLflow's client gives up after seconds; unless_told: what a person set stands."""
    before: Mapping[str, str | None] = {name: os.environ.get(name) for name in BRIEF}
    os.environ.update({name: value for name, value in BRIEF.items() if not (unless_told and before[name])})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
