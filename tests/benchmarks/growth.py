"""What assembly's decisions cost as a corpus grows: CPU seconds and memory of reading, binning, planning and describing.

`python -m tests.benchmarks.growth [RECORDS …]` measures each size in a process of its own and says what a further record
costs against the one before; a million takes about half an hour. The records have tiny images, all different, so that what
grows is what assembly knows of records and not the work on their pixels.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

from tests.benchmarks.figures import Figure, report, say, within
from tests.benchmarks.memory import peak_bytes
from tests.benchmarks.tiny_records import SOURCES, write_tiny_records

SIZES = (10_000, 100_000)
PLANNED_RECORDS = 5_600_000
"""What the published first stage trains on."""
MILLION_BYTES_LIMIT = 8 * 2**30


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """One corpus size. Bytes are above what the imports took."""

    records: int
    seconds: dict[str, float]
    """Step -> CPU seconds: corpus, select, plan, manifest."""
    peak_bytes: int

    def __str__(self) -> str:
        steps = ", ".join(f"{name} {took:.1f} s" for name, took in self.seconds.items())
        return f"{self.records} records: {steps}; {self.peak_bytes / 2**20:.0f} MiB at the peak"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", type=int, nargs="*", default=SIZES, help="sizes, each larger than the one before")
    return report("growth", growing(parser.parse_args(arguments).records))


def growing(records: Sequence[int]) -> Iterator[Figure]:
    """The memory of each size; then what a further record costs against the one before."""
    sizes = []
    for count in records:
        sizes.append(measured(count))
        say(f"  {sizes[-1]}")
        limit = MILLION_BYTES_LIMIT * max(1, count / 1e6)
        yield within(f"growth.memory_{count}", sizes[-1].peak_bytes, "bytes", limit, of="eight gigabytes a million")
    for small, large in pairwise(sizes):
        # Up to a quarter more a record passes for linear: dictionaries grow in steps. The others hardly depend on it.
        for step in ("corpus", "select"):
            took, before = (1000 * size.seconds[step] / size.records for size in (large, small))
            beside = f"a quarter over that at {small.records}"
            yield within(f"growth.{step}_ms_a_record_{large.records}", took, "CPU ms", 1.25 * before, of=beside)
        further = (large.peak_bytes - small.peak_bytes) / (large.records - small.records)
        limit = MILLION_BYTES_LIMIT / 1e6
        yield within(f"growth.further_record_{large.records}", further, "bytes", limit, of="eight gigabytes a million")
        say(f"  that is {PLANNED_RECORDS * further / 2**30:.1f} GiB for {PLANNED_RECORDS} records")


def measured(records: int) -> Size:
    """That size, measured in a process of its own, whose records another process writes."""
    new = get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        for work in (write_tiny_records, _measure):
            with ProcessPoolExecutor(1, mp_context=new) as process:
                size = process.submit(work, Path(folder), records).result()
    assert isinstance(size, Size)
    return size


def _measure(validated: Path, records: int) -> Size:
    from components.assembly.conversations.plan import plan_samples
    from components.assembly.corpus import Corpus
    from components.assembly.description.manifest import account_sources
    from components.assembly.selection.bins import select
    from components.assembly.selection.splits import SplitPlan
    from components.recipes.shipped import read_shipped
    from components.records.vocabulary import Bin, Split
    from components.sources.patients import Patients

    settings = read_shipped("unimedvl-14b").assembly
    seconds: dict[str, float] = {}
    before = peak_bytes()
    corpus = _timed(seconds, "corpus", lambda: Corpus(validated, SOURCES))
    decisions = _timed(seconds, "select", lambda: select(corpus.entries, settings))
    used = [d.entry for d in decisions if d.bin is Bin.KEPT and d.entry.split is Split.TRAIN]
    _timed(seconds, "plan", lambda: plan_samples(used, settings, 1, 1.0))

    def describe() -> None:
        SplitPlan.from_settings(settings.splits, Patients()).absent(corpus.entries)
        account_sources(validated, SOURCES, decisions)

    _timed(seconds, "manifest", describe)
    return Size(records=records, seconds=seconds, peak_bytes=peak_bytes() - before)


def _timed(seconds: dict[str, float], step: str, work):
    begun = time.process_time()
    made = work()
    seconds[step] = time.process_time() - begun
    return made


if __name__ == "__main__":
    sys.exit(main())
