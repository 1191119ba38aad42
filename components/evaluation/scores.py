"""One row per (prediction, scorer): what every metric, table and comparison is computed from."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from components.records.vocabulary import WITHIN
from components.sources.starts import SCORES
from components.storage.atomic import atomic_path

FILE = SCORES


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """What a scorer says of one prediction. `correct` is 0 or 1; `value` is a number such as dB; one of them is set."""

    item_id: str
    variant: str
    seed: int
    scorer_id: str
    benchmark: str
    split: str
    question_type: str
    answer_type: str
    modality: str
    anatomy: str
    patient_key: str
    record_id: str
    reference: str
    site: str = ""
    """Hospital, where the record says so."""
    parsed: str | None = None
    status: str = "ok"
    correct: int | None = None
    value: float | None = None

    @property
    def number(self) -> float:
        """The value, or 0 / 1."""
        if self.value is not None:
            return self.value
        return float(self.correct or 0)

    @property
    def is_within(self) -> bool:
        """Whether it is about a slice of a subject whose other slices train."""
        return self.split in WITHIN

    @property
    def cluster(self) -> str:
        """What is resampled: the patient; within one subject, the image."""
        return self.record_id if self.is_within else self.patient_key


_NUMBERS = {"seed": pa.int64(), "correct": pa.int8(), "value": pa.float64()}
SCORE_SCHEMA = pa.schema([(field.name, _NUMBERS.get(field.name, pa.string())) for field in fields(Score)])

_COPIED = (
    *("item_id", "variant", "seed", "benchmark", "split", "question_type", "answer_type", "modality", "anatomy"),
    *("patient_key", "record_id", "reference"),
)


def is_decoded_alike(one: Mapping[str, str] | None, other: Mapping[str, str] | None) -> bool:
    """Whether two sides of one benchmark answered in the same way, kind by kind; a kind that one side's release did not know
    is none of the benchmark's."""
    mine, theirs = one or {}, other or {}
    return bool(mine) == bool(theirs) and all(mine[kind] == theirs[kind] for kind in mine.keys() & theirs.keys())


def score_of(row: Mapping[str, Any], scorer_id: str, **found: Any) -> Score:
    """The score of a prediction row; `found` may also name another variant."""
    return Score(**{**{name: row[name] for name in _COPIED}, "scorer_id": scorer_id, **found})


def write_scores(folder: Path, scores: Iterable[Score], protocol: Mapping[str, Any]) -> Path:
    """The written file, rows sorted by key; `protocol` (benchmarks, decoding, weights) stands in its metadata."""
    ordered = sorted(scores, key=lambda s: (s.item_id, s.variant, s.seed, s.scorer_id))
    schema = SCORE_SCHEMA.with_metadata({"unimed_scores": json.dumps(dict(protocol), sort_keys=True, default=dict)})
    table = pa.Table.from_pylist([asdict(score) for score in ordered], schema=schema)
    with atomic_path(folder / FILE) as temporary:
        pq.write_table(table, temporary, compression="zstd")
    return folder / FILE


def read_scores(path: Path) -> tuple[dict[str, Any], list[Score]]:
    """(protocol, scores) of a scores file or of the folder that holds it; raises ValueError when it is missing."""
    file = path / FILE if path.is_dir() else path
    if not file.is_file():
        raise ValueError(f"{file} is missing; the stage `evaluate` makes it")
    table = pq.read_table(file)
    protocol = json.loads((table.schema.metadata or {}).get(b"unimed_scores", b"{}"))
    return protocol, [Score(**row) for row in table.to_pylist()]
