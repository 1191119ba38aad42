"""What holds for every test: torch's waiting threads sleep, what CI may skip is listed, and a stage's variables and folder stay in the test that ran it."""

import os
from pathlib import Path

import pytest

from tests.skips import pytest_sessionfinish, pytest_terminal_summary

__all__ = ["pytest_sessionfinish", "pytest_terminal_summary"]

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before any test imports torch: two workers share two cores well


ADDRESSES = ("MLFLOW_TRACKING_URI", "PREFECT_API_URL", "UNIMED_WORKSPACE", "UNIMED_PARENT_RUN", "UNIMED_DATABASE_URL")
"""Whoever opens a workspace in this process leaves them behind, MLflow too; a fixture of many tests does so for all of them."""
BEFORE = {name: os.environ.get(name) for name in ADDRESSES}


@pytest.fixture(autouse=True)
def same_process_as_before():
    """A stage and a command set variables and the folder of their process (components/stage.py): both are set back."""
    for name, value in BEFORE.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    variables, folder = dict(os.environ), Path.cwd()
    yield
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(folder)


STRAY = [Path(__file__).parents[1] / name for name in ("mlflow.db", "mlruns")]
"""What MLflow makes in the folder of whoever asks it without saying which store."""


@pytest.fixture(autouse=True)
def no_store_in_the_repository():
    """A test whose code, or whose server, asks MLflow without an address fails: the next user's decisions would go there."""
    before = [path for path in STRAY if path.exists()]
    yield
    assert [path for path in STRAY if path.exists()] == before


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest chain of tests begins first, so that the other core is not idle at the end."""
    items.sort(key=lambda item: item.path.name != "test_way_through.py")
