"""What a checkpoint is asked: items with their identity, of a data set's validation side or of the exam."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from components.assembly.dataset import Dataset
from components.records.benchmark import BenchmarkItem


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """Items that are predicted and scored together."""

    dataset_id: str
    """Of the data set whose judge, mean images and facts score them."""
    benchmark_id: str
    benchmarks: Mapping[str, str]
    """Benchmark/split -> hash of its sorted items."""
    items: Sequence[BenchmarkItem]

    @classmethod
    def validation(cls, data: Dataset) -> "Asked":
        """The data set's benchmark: what choices are made on."""
        described = data.manifest["benchmark"]
        return cls(
            dataset_id=data.dataset_id,
            benchmark_id=described["id"],
            benchmarks=described["parts"],
            items=data.benchmark(),
        )
