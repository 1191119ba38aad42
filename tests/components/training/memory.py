"""What a rank of a world holds of a network of a hundred million weights, after a step and before the next.

`python -m tests.components.training.memory STORE OUT RANK SIZE`
"""

import gc
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import torch
import torch.distributed as dist

from components.recipes.shipped import read_shipped
from components.training.batches import MicroBatch
from components.training.loop import Learner, train_step
from components.training.optimizer import Average, make_optimizer
from components.training.sharding import fill, shard
from components.training.world import World
from model.config import LLMConfig, ModelConfig
from model.packed import SpecialTokens
from model.sequence_builder import SequenceBuilder
from model.tensor_files import LazyTensor
from model.unimedvl import UniMedVL
from tests.components.training.conftest import NETWORK
from tests.components.training.ranks import SOURCE, WAIT_SECONDS

HUNDRED_MILLION = replace(
    NETWORK,
    llm=LLMConfig(
        hidden_size=512, num_layers=10, num_heads=8, num_kv_heads=8, intermediate_size=1408, vocab_size=32_000
    ),
)
MALLOC = {"MALLOC_MMAP_THRESHOLD_": "262144", "MALLOC_ARENA_MAX": "1"}
"""glibc gives large blocks back as they are freed; else what a process has says nothing of what it holds."""


def measure(folder: Path, size: int) -> int:
    """Bytes alive on the fullest rank of a world of so many."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.components.training.memory", str(folder / f"store-{size}")]
    files = [folder / f"{size}-{rank}.json" for rank in range(size)]
    environment = os.environ | MALLOC | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    ranks = [
        subprocess.Popen([*command, str(file), str(rank), str(size)], cwd=SOURCE, env=environment)
        for rank, file in enumerate(files)
    ]
    assert not any(rank.wait(WAIT_SECONDS) for rank in ranks)
    found = [json.loads(file.read_text()) for file in files]
    print(f"{size} ranks: {found}", flush=True)
    return max(one["alive"] for one in found)


def learner(config: ModelConfig, world: World, device: torch.device) -> Learner:
    """A learner as a stage makes it, of weights that say nothing."""
    training = read_shipped("tiny").training
    with torch.device("meta"):
        model = UniMedVL(config)
    mesh = world.mesh(device)
    if mesh is not None:
        shard(model, mesh, "fp32")
    values = {
        name: LazyTensor(tuple(v.shape), torch.float32, lambda shape=v.shape: torch.full((1,), 0.01).expand(shape))
        for name, v in model.state_dict().items()
    }
    fill(model, values, device)
    return Learner(
        model=model.train(),
        optimizer=make_optimizer(model, training.optimizer, vit_learning_rate_scale=1.0),
        average=Average(model, training.optimizer.ema_decay),
        loss_weights=training.loss_weights,
        max_grad_norm=1.0,
        world=world,
        device=device,
    )


def micro_batch(config: ModelConfig) -> MicroBatch:
    """A question about an image, and a drawing."""
    builder = SequenceBuilder(SpecialTokens(1, 2, 3, 4), config)
    builder.start_sample()
    builder.add_vit(torch.zeros(16, config.vit_patch_dim), (4, 4))
    builder.add_text(range(10, 40), True)
    builder.end_sample()
    builder.start_sample()
    builder.add_text(range(10, 20), False)
    builder.add_latent(torch.zeros(16, config.latent_dim), (4, 4), target=True)
    builder.end_sample()
    return MicroBatch(builder.build(), torch.full((16,), 0.5), torch.ones(16, config.latent_dim))


def alive() -> int:
    """Bytes of all tensors' memory, each block once."""
    gc.collect()
    tensors = [x for x in gc.get_objects() if issubclass(type(x), torch.Tensor) and x.device.type == "cpu"]
    local = [x.to_local() if isinstance(x, torch.distributed.tensor.DTensor) else x for x in tensors]
    blocks = {x.untyped_storage().data_ptr(): x.untyped_storage().nbytes() for x in local}
    return sum(blocks.values())


def resident(key: str) -> int:
    """VmRSS, VmHWM: bytes of this process in memory now, and at most."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(key))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    store, out, rank, size = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    if size > 1:
        dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=size)
    before = resident("VmRSS")
    student = learner(HUNDRED_MILLION, World(rank, size), torch.device("cpu"))
    batch = micro_batch(HUNDRED_MILLION)
    for step in (1, 2):
        train_step(student, [batch], step=step, rate=1e-4)
    weights = sum(p.numel() for p in student.model.parameters())
    out.write_text(
        json.dumps(
            {
                "weights": weights,
                "alive": alive(),
                "resident": resident("VmRSS") - before,
                "most_resident": resident("VmHWM") - before,
            }
        )
    )
    if size > 1:
        dist.destroy_process_group()
