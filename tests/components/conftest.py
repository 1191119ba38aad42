"""Public sets in the layouts in which they are published: written for these tests, or the published files themselves."""

import os
from pathlib import Path

import pytest

from tests.samples.published import write_published

PUBLISHED = "UNIMED_PUBLIC_SAMPLES"


@pytest.fixture(scope="session")
def public(tmp_path_factory) -> Path:
    """The folder that UNIMED_PUBLIC_SAMPLES names, else one of our own in the same layouts (tests/samples/SOURCES.md)."""
    if PUBLISHED in os.environ:
        return Path(os.environ[PUBLISHED])
    folder = tmp_path_factory.mktemp("public")
    write_published(folder)
    return folder


@pytest.fixture(scope="session")
def published() -> Path:
    """The published files themselves, for what only they can show."""
    if PUBLISHED not in os.environ:
        pytest.skip(f"{PUBLISHED} names no folder of published files, whose licences keep them out of this repository")
    return Path(os.environ[PUBLISHED])
