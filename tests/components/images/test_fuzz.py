"""No broken file gets anything out of a decoder but an image or an ImageError."""

import os
import subprocess
import sys

import pytest


def fuzz(seconds: float, start: int) -> str:
    command = [
        sys.executable,
        "-m",
        "tests.components.images.fuzzing",
        "--seconds",
        str(seconds),
        "--start",
        str(start),
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", env=environment, timeout=600)
    assert done.returncode == 0, f"{done.stdout.splitlines()[-1:]}\n{done.stderr[-3000:]}"
    return done.stdout.splitlines()[-1]


def test_broken_files_give_an_image_or_an_image_error():
    said = fuzz(seconds=20, start=0)
    assert "'an image'" in said
    assert "'undecodable'" in said


@pytest.mark.slow
def test_many_broken_files_give_an_image_or_an_image_error():
    fuzz(seconds=60, start=1_000_000)
