"""What a rank of a world holds of a network of a hundred million weights, or of three hundred, after a step and before the
next, and at most during one.

`python -m tests.components.training.memory STORE OUT RANK SIZE NETWORK`
"""

import gc
import json
import os
import subprocess
import sys
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

import torch
import torch.distributed as dist
from torch.distributed._tools.fsdp2_mem_tracker import FSDPMemTracker
from torch.distributed._tools.mem_tracker import MemTracker
from torch.distributed.tensor import DTensor
from torch.utils.hooks import RemovableHandle

from components.recipes.shipped import read_shipped
from components.training.batches import MicroBatch
from components.training.forecast.tokens import Tokens
from components.training.loop import Learner, train_step
from components.training.optimizer import Average, make_optimizer
from components.training.sharding import fill, own, shard
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
THREE_HUNDRED_MILLION = replace(
    HUNDRED_MILLION,
    llm=replace(
        HUNDRED_MILLION.llm, hidden_size=768, num_layers=16, num_heads=12, num_kv_heads=12, intermediate_size=2048
    ),
)
NETWORKS = {"100M": HUNDRED_MILLION, "300M": THREE_HUNDRED_MILLION}
TOKENS = Tokens(text=396, labels=384, vit=128 + 4, latents=192 + 6, targets=192 + 6)
"""Of `micro_batch`: each image has two markers, which count as the plan counts them."""
MALLOC = {"MALLOC_MMAP_THRESHOLD_": "262144", "MALLOC_ARENA_MAX": "1"}
"""glibc gives large blocks back as they are freed; else what a process has says nothing of what it holds."""


def measure(folder: Path, size: int, network: str = "100M") -> dict[str, int]:
    """Bytes on the fullest rank of a world of so many: `alive` between steps, `peak` in one as torch's tracker counts it, and
    what the process has in memory, `resident` and `most_resident`, above what it had before."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.components.training.memory", str(folder / f"store-{network}-{size}")]
    files = [folder / f"{network}-{size}-{rank}.json" for rank in range(size)]
    environment = os.environ | MALLOC | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    ranks = [
        subprocess.Popen([*command, str(file), str(rank), str(size), network], cwd=SOURCE, env=environment)
        for rank, file in enumerate(files)
    ]
    assert not any(rank.wait(WAIT_SECONDS) for rank in ranks)
    found = [json.loads(file.read_text()) for file in files]
    print(f"{network}, {size} ranks: {found}", flush=True)
    return {name: max(one[name] for one in found) for name in found[0]}


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
    """A question about two images, and three drawings: TOKENS."""
    builder = SequenceBuilder(SpecialTokens(1, 2, 3, 4), config)
    builder.start_sample()
    for _ in range(2):
        builder.add_vit(torch.zeros(64, config.vit_patch_dim), (8, 8))
    builder.add_text(range(10, 10 + 383), True)
    builder.end_sample()
    for _ in range(3):
        builder.start_sample()
        builder.add_text(range(10, 11), False)
        builder.add_latent(torch.zeros(64, config.latent_dim), (8, 8), target=True)
        builder.end_sample()
    return MicroBatch(builder.build(), torch.full((192,), 0.5), torch.ones(192, config.latent_dim))


def peak(student: Learner, batch: MicroBatch) -> int:
    """Bytes alive at most during a step, by torch's own tracker."""
    model, optimizer = student.model, student.optimizer
    average = [own(value) for value in student.average.weights.values()]
    tracker = FSDPMemTracker(model, optimizer) if student.world.size > 1 else MemTracker()
    if student.world.size == 1:
        for parameter in model.parameters():
            if not parameter.requires_grad:  # the tracker hangs a hook on each
                parameter.register_hook = parameter.register_post_accumulate_grad_hook = _no_hook
        tracker.track_external(model, optimizer)
    with tracker:
        train_step(student, [batch], step=3, rate=1e-4)
    counted = tracker.get_tracker_snapshot("peak")[student.device]["Total"]
    return counted + sum(value.nbytes for value in average)  # which it does not know of


def _no_hook(hook: object) -> RemovableHandle:
    del hook
    return RemovableHandle(OrderedDict())


def alive() -> int:
    """Bytes of all tensors' memory, each block once."""
    gc.collect()
    tensors = [x for x in gc.get_objects() if issubclass(type(x), torch.Tensor) and x.device.type == "cpu"]
    local = [x.to_local() if isinstance(x, DTensor) else x for x in tensors]
    blocks = {x.untyped_storage().data_ptr(): x.untyped_storage().nbytes() for x in local}
    return sum(blocks.values())


def resident(key: str) -> int:
    """VmRSS, VmHWM: bytes of this process in memory now, and at most."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(key))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    store, out, rank, size, config = *sys.argv[1:3], int(sys.argv[3]), int(sys.argv[4]), NETWORKS[sys.argv[5]]
    if size > 1:
        dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=size)
    before = resident("VmRSS")
    student = learner(config, World(rank, size), torch.device("cpu"))
    batch = micro_batch(config)
    for step in (1, 2):
        train_step(student, [batch], step=step, rate=1e-4)
    weights = sum(p.numel() for p in student.model.parameters())
    found = {
        "weights": weights,
        "alive": alive(),
        "resident": resident("VmRSS") - before,
        "most_resident": resident("VmHWM") - before,
    }
    found["peak"] = peak(student, batch)
    Path(out).write_text(json.dumps(found))
    if size > 1:
        dist.destroy_process_group()
