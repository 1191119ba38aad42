"""A checkpoint of some 2 GB comes in with little more memory than the network itself takes."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from components.weights.tokenizer import save_tokenizer
from model.autoencoder import Autoencoder
from model.config import LLMConfig
from model.tensor_files import LazyTensor, lazy
from model.unimedvl import UniMedVL
from model.weights import Checkpoint, write_checkpoint
from tests.components.weights.conftest import PUBLISHED_FORM

ROOT = Path(__file__).parents[3]
WIDE = replace(
    PUBLISHED_FORM,
    llm=LLMConfig(
        hidden_size=2048, num_layers=5, num_heads=16, num_kv_heads=4, intermediate_size=5632, vocab_size=32000
    ),
)


@pytest.fixture(scope="module")
def wide(tmp_path_factory, tokenizer) -> Path:
    """Random tensors, bfloat16 and float32 by turns, written one at a time into shards of 500 MB."""
    folder = tmp_path_factory.mktemp("wide")
    with torch.device("meta"):
        shapes = {name: tuple(value.shape) for name, value in UniMedVL(WIDE).state_dict().items()}

    def drawn(number: int, shape: tuple[int, ...]) -> LazyTensor:
        dtype = (torch.bfloat16, torch.float32)[number % 2]
        generator = torch.Generator().manual_seed(number)
        return LazyTensor(
            shape, dtype, lambda: torch.empty(shape, dtype=dtype).uniform_(-0.1, 0.1, generator=generator)
        )

    network = {name: drawn(number, shape) for number, (name, shape) in enumerate(shapes.items())}
    autoencoder = Autoencoder(WIDE.vae).published_state()
    checkpoint = Checkpoint(config=WIDE, network=network, autoencoder=lazy(autoencoder))
    write_checkpoint(folder, checkpoint, {}, max_shard_bytes=500_000_000)
    save_tokenizer(tokenizer, folder)
    return folder


def peaks(way: str, folder: Path, target: Path) -> dict[str, int]:
    command = [sys.executable, "-m", "tests.components.weights.memory_probe", way, str(folder), str(target)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=500)
    found = json.loads(result.stdout.splitlines()[-1])
    print(way, {name: f"{value / found['size']:.3f} of {found['size'] / 1e9:.2f} GB" for name, value in found.items()})
    return found


@pytest.mark.slow
def test_loading_takes_little_more_than_the_network(wide, tmp_path):
    stored = sum(file.stat().st_size for file in wide.glob("model-*.safetensors"))
    assert 1.7e9 < stored < 2.5e9 and len(list(wide.glob("model-*.safetensors"))) > 3
    found = peaks("load", wide, tmp_path)
    assert found["size"] > 2e9
    assert found["RssAnon"] < 1.1 * found["size"], "own memory"
    assert found["VmHWM"] < 1.25 * found["size"], "with the mapped pages of the file"


@pytest.mark.slow
def test_importing_takes_a_few_tensors(wide, tmp_path):
    (tmp_path / "ours").mkdir()
    found = peaks("import", wide, tmp_path / "ours")
    assert (tmp_path / "ours" / "ema.safetensors").stat().st_size > found["size"]
    assert found["RssAnon"] < 0.25 * found["size"]
    assert found["VmHWM"] < 0.35 * found["size"]
