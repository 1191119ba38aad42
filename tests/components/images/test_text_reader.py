"""What the reader of text in pixels leaves behind."""

import os
import subprocess
import sys

import pytest

from components.images.text_reader import reader_version

READ = """
import numpy as np
from components.images.text_reader import read_line
read_line(np.zeros((48, 200), np.uint8))
"""


@pytest.mark.skipif(not reader_version(), reason="the extra unimed[ocr] is not installed")
def test_reading_leaves_nothing_in_the_home_and_so_no_id_to_report(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    command = [sys.executable, "-c", READ]
    subprocess.run(command, env=environment | {"HOME": str(tmp_path), "XDG_CACHE_HOME": ""}, check=True, timeout=120)
    assert list(tmp_path.rglob("*")) == []
