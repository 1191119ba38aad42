"""One rank of a world of two: trains the jobs it is given and leaves what each step reported, for the first rank only.

`python -m tests.components.training.two_ranks JOBS STORE RANK`; a job named `divided` shares gradients out wrongly.
"""

import pickle
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import torch
import torch.distributed as dist

from components.storage.atomic import write_json_rows
from components.training.job import StageJob
from components.training.loop import StepReport
from components.training.run import train_stage
from components.training.world import World


class Divided(World):
    """The fault that an optimizer without a scale does not show: a mean over ranks where the sum is due."""

    def sum_gradients(self, parameters: Iterable[torch.Tensor]) -> None:
        trained = list(parameters)
        super().sum_gradients(trained)
        for parameter in trained:
            if parameter.grad is not None:
                parameter.grad /= self.size


class Reports:
    """A hook that keeps what each step said."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def on_step(self, report: StepReport) -> None:
        self.rows.append(asdict(report))


def reports_file(job: StageJob) -> Path:
    return job.losses.with_name("reports.json")


def train(job: StageJob, world: World) -> list[dict[str, float]]:
    """What each step of the whole stage reported."""
    reports = Reports()
    assert train_stage(job, world, hooks=[reports], should_stop=lambda: False, say=lambda _: None)
    return reports.rows


if __name__ == "__main__":
    jobs_file, store, rank = sys.argv[1], sys.argv[2], int(sys.argv[3])
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    for name, job in pickle.loads(Path(jobs_file).read_bytes()).items():
        kind = Divided if name == "divided" else World
        rows = train(job, kind(rank=rank, size=2))
        if rank == 0:
            write_json_rows(reports_file(job), rows)
    dist.destroy_process_group()
