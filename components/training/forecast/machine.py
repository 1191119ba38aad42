"""What memory there is for the ranks of a training: this machine's RAM or its GPUs; a named cluster's is not known here."""

import shutil
import subprocess
from pathlib import Path

import psutil
import torch

from components.cluster import has_cluster
from components.training.forecast.found import Machine
from model.device import this_device

CGROUP = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where the kernel keeps a container's limit."""
_SECONDS = 20


def this_machine() -> Machine:
    """The cluster that was named, else this machine."""
    if has_cluster():
        return Machine(kind="cluster", ram_bytes=0)
    ram = min([psutil.virtual_memory().total, *_limits()])
    if this_device().type == "cpu":
        return Machine(kind="cpu", ram_bytes=ram)
    return Machine(kind="gpu", ram_bytes=ram, gpus=torch.cuda.device_count(), gpu_bytes=_gpu_bytes())


def _limits() -> list[int]:
    found = [path.read_text().strip() for path in CGROUP if path.is_file()]
    return [int(text) for text in found if text.isdigit()]


def _gpu_bytes() -> int:
    """Of the smallest card. The driver's own program is asked: torch would open each card, and keep some of it."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return min(torch.cuda.get_device_properties(n).total_memory for n in range(torch.cuda.device_count()))
    words = [program, "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    answer = subprocess.run(words, capture_output=True, text=True, check=True, timeout=_SECONDS)
    return min(int(line) for line in answer.stdout.split()) * 2**20
