"""The tests that need a GPU, which no ordinary run of the tests has."""

import subprocess
import sys

import torch

from tests.proofs.outcome import FAILED, NOT_TRIED, PASSED


def main() -> int:
    if not torch.cuda.is_available():
        print("there is no GPU here")
        return NOT_TRIED
    done = subprocess.run([sys.executable, "-m", "pytest", "-m", "gpu"])
    return FAILED if done.returncode else PASSED


if __name__ == "__main__":
    sys.exit(main())
