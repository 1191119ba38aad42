"""What assembly's decisions cost as a corpus grows: CPU seconds and peak memory of reading, binning, planning and describing.

`python -m tests.benchmarks.growth COUNT` measures one size in this process and prints a JSON object. The records have
tiny images, all different, so that what grows is what assembly knows of records and not the work on their pixels.
"""

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.benchmarks.tiny_records import SOURCES


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


def measured(records: int) -> Size:
    """That size, measured in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.growth", str(records)]
    return Size(**json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def _measure(records: int) -> Size:
    from components.assembly.conversations.plan import plan_samples
    from components.assembly.corpus import Corpus
    from components.assembly.description.manifest import account_sources
    from components.assembly.selection.bins import select
    from components.assembly.selection.splits import SplitPlan
    from components.recipes.recipe import read_recipe, shipped_recipe
    from components.records.vocabulary import Bin, Split

    settings = read_recipe(shipped_recipe("unimedvl-14b")).assembly
    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        validated = Path(folder)
        subprocess.run([sys.executable, "-m", "tests.benchmarks.tiny_records", folder, str(records)], check=True)
        before = _peak()
        corpus = _timed(seconds, "corpus", lambda: Corpus(validated, SOURCES))
        decisions = _timed(seconds, "select", lambda: select(corpus.entries, settings))
        used = [d.entry for d in decisions if d.bin is Bin.KEPT and d.entry.split is Split.TRAIN]
        _timed(seconds, "plan", lambda: plan_samples(used, settings, 1, 1.0))

        def describe() -> None:
            SplitPlan.from_settings(settings.splits).absent(corpus.entries)
            account_sources(validated, SOURCES, decisions)

        _timed(seconds, "manifest", describe)
    return Size(records=records, seconds=seconds, peak_bytes=_peak() - before)


def _timed(seconds: dict[str, float], step: str, work):
    begun = time.process_time()
    made = work()
    seconds[step] = time.process_time() - begun
    return made


def _peak() -> int:
    # Not getrusage: its peak is also that of the process which started this one.
    status = Path("/proc/self/status").read_text()
    return 1024 * int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


if __name__ == "__main__":
    print(json.dumps(asdict(_measure(int(sys.argv[1])))))
