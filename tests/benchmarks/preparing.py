"""From delivered files to sealed shards, step by step as `validate` and `assemble` do it, with the seconds of each."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from components.assembly.conversations.samples import fit_pictures, heldout_sample
from components.assembly.corpus import Corpus
from components.assembly.selection.bins import select
from components.recipes.shipped import read_shipped
from components.recipes.sources import SourceSettings
from components.records.schema import SAMPLE_SCHEMA, sample_row
from components.records.shards import write_shards
from components.sources.table import read_source
from components.storage.atomic import write_text
from components.validation.judging import judge
from components.validation.stage import write_judged

SOURCE = "bench"


@dataclass(slots=True)
class Preparing:
    """One delivery in `raw`, prepared into `work` as often as asked; both folders are the caller's."""

    raw: Path
    work: Path
    seconds: dict[str, float] = field(default_factory=dict)
    """CPU seconds of each step, the last time."""

    def label(self) -> None:
        """What a curator would say of the files: every one is endoscopy, which may be grey or in colour."""
        write_text(
            self.raw / "labels.csv", "file,fact,value\n*,modality,endoscopy\n*,anatomy,colon\n*,licence,CC0-1.0\n"
        )

    def run(self) -> int:
        """All of it; how many records ended in shards."""
        recipe = read_shipped("small")
        shutil.rmtree(self.work, ignore_errors=True)
        shards = self.work / "shards"
        shards.mkdir(parents=True)
        with self._step("read"):
            settings = SourceSettings(path="bench", format="images")
            items = list(read_source(self.raw, SOURCE, settings))
        with self._step("validate"):
            judged = judge(SOURCE, items, recipe.validation, decisions={}, accepted={})
            write_judged(self.work / SOURCE, judged)
        with self._step("corpus"):
            corpus = Corpus(self.work, [SOURCE])
        with self._step("select"):
            decisions = select(corpus.entries, recipe.assembly)
        with self._step("shard"):
            fitted = ((d.entry, fit_pictures(*corpus.images(d.entry), recipe.assembly)) for d in decisions)
            rows = (sample_row(heldout_sample(entry, pictures)) for entry, pictures in fitted)
            write_shards(rows, SAMPLE_SCHEMA, shards, "train", recipe.assembly.max_shard_bytes)
        return len(decisions)

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        begun = time.process_time()
        yield
        self.seconds[name] = time.process_time() - begun
