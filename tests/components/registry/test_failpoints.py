"""Killed before any of its writes and called again, a promotion ends as if nobody had killed it.

`make prove ONLY=registry_kills` does so with registrations, withdrawals and rollbacks too, on SQLite and PostgreSQL.
"""

import shutil

import pytest

from components.registry.moving import settle_here
from components.storage.workspace import Workspace
from tests.fixtures.failpoints import Bench, killed_and_again, saved_files, writes

WRITES = [
    "commit unimed_decisions",
    "commit model_version_tags",
    "commit model_version_tags",
    "commit registered_model_aliases",
    *["commit model_version_tags"] * 4,
    "open .unimed/mlflow-artifacts/*/artifacts/decisions",
    "rename .unimed/mlflow-artifacts/*/artifacts/decisions",
    "commit model_version_tags",
    "open .unimed/*registration.json",
    "rename .unimed/*registration.json",
    "remove .unimed/*registration.json",
]
"""Of a promotion, in order. A new one is added here on purpose, and is then killed at as all others are."""


@pytest.fixture
def bench(three_made, tmp_path):
    """Versions 1, 2 and 3, of which 1 is champion."""
    root = tmp_path / "bench"
    shutil.copytree(three_made.with_name("as made"), root, symlinks=True)
    settle_here(Workspace(root))
    with saved_files(root, tmp_path / "saved") as restore:
        yield Bench(root, restore, {"UNIMED_WORKSPACE": str(root)})


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_promotion_killed_before_any_of_its_writes_ends_as_if_nobody_had_killed_it(bench):
    names, expected = writes(bench, "promote")
    assert names == WRITES
    for at, name in enumerate(names, start=1):
        said, found = killed_and_again(bench, "promote", at, by_signal=False)
        assert found == expected, f"killed before write {at}, {name}, then told {said!r}"
