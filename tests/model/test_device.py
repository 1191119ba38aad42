"""One reader of the device. There is no CUDA where these run: what it would answer is put in its place."""

import re
from pathlib import Path

import pytest
import torch

from model import device


@pytest.fixture(autouse=True)
def _restored():
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    threads = torch.get_num_threads()
    yield
    torch.use_deterministic_algorithms(before[0], warn_only=before[1])
    torch.set_num_threads(threads)


@pytest.mark.parametrize(("has_gpu", "name"), [(True, "cuda"), (False, "cpu")])
def test_a_gpu_is_taken_where_there_is_one(monkeypatch, has_gpu, name):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_gpu)
    assert device.this_device().type == name


@pytest.mark.parametrize(("has_gpu", "only_warns"), [(True, True), (False, False)])
def test_a_cpu_refuses_what_has_no_order_and_a_gpu_warns(monkeypatch, has_gpu, only_warns):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_gpu)
    assert device.take_device(1).type == ("cuda" if has_gpu else "cpu")
    assert torch.get_num_threads() == 1 and torch.are_deterministic_algorithms_enabled()
    assert torch.is_deterministic_algorithms_warn_only_enabled() == only_warns


def test_nobody_else_asks_for_a_gpu():
    root = Path(device.__file__).parents[1]
    sources = [path for layer in ("components", "flows", "model") for path in (root / layer).rglob("*.py")]
    asking = [path for path in sources if re.search(r"cuda\.is_available", path.read_text())]
    assert [str(path.relative_to(root)) for path in asking] == ["model/device.py"]
