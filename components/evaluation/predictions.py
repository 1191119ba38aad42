"""Predictions as they are stored: raw, one row per (item, variant, seed), before anything is parsed."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from components.records.benchmark import BenchmarkItem
from components.storage.atomic import atomic_path
from components.storage.keys import sha256_bytes

FILE = "predictions-00000.parquet"
START = "start"
"""Folder of what the start of a run was predicted and scored to, beside the run's own."""
PLAIN, GREY, SHUFFLED, SHUFFLED_IN_MODALITY = (
    "plain",
    "control:grey",
    "control:shuffled",
    "control:shuffled-in-modality",
)
RECONSTRUCTION, ONE_STEP = "control:reconstruction", "one-step"

_TEXT = (
    *("benchmark", "split", "task", "question_type", "answer_type", "modality", "anatomy", "sex", "age_band"),
    *("patient_key", "record_id", "prompt_id", "prompt", "reference"),
)

PREDICTION_SCHEMA = pa.schema(
    [("item_id", pa.string()), ("variant", pa.string()), ("seed", pa.int64())]
    + [(name, pa.string()) for name in _TEXT]
    + [("options", pa.list_(pa.string()))]
    + [("image_sha256", pa.list_(pa.string())), ("condition_sha256", pa.list_(pa.string()))]
    + [("reference_sha256", pa.string()), ("response_raw", pa.string()), ("response_image", pa.binary())]
    + [("n_tokens", pa.int32()), ("finish_reason", pa.string()), ("answer_logprob", pa.float64())]
    + [("choice_logprobs", pa.list_(pa.float64())), ("weights_sha256", pa.string())]
)


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictionHeader:
    """What all rows of a predictions file share; it stands in the file's metadata."""

    dataset_id: str
    benchmark_id: str
    benchmarks: Mapping[str, str]
    """Benchmark/split -> hash of its sorted items: id, prompt, options, reference, image hashes."""
    decoding: Mapping[str, str]
    """Benchmark -> how its answers were made, in one line."""
    weights_sha256: str
    checkpoint: str
    """Recipe and stage as the checkpoint names them."""


def prediction_row(
    item: BenchmarkItem, *, variant: str, seed: int, image: bytes | None, more: Sequence[bytes] = (), **response: Any
) -> dict:
    """The row of one response. `image` and `more` are what the model was shown: of a control, not the item's own."""
    shown = [sha256_bytes(data) for data in (image, *more) if data is not None]
    is_edit = item.answer_type == "image"
    return {
        **{name: getattr(item, name, None) for name in _TEXT},
        "item_id": item.item_id,
        "variant": variant,
        "seed": seed,
        "split": item.split.value,
        "modality": item.modality.value,
        "options": list(item.options),
        "image_sha256": [] if is_edit else shown,
        "condition_sha256": shown if is_edit else [],
        "reference_sha256": sha256_bytes(item.reference_image) if item.reference_image is not None else None,
        **dict.fromkeys(("response_raw", "response_image", "n_tokens", "finish_reason", "answer_logprob")),
        "choice_logprobs": [],
        **response,
    }


def write_predictions(folder: Path, rows: Iterable[Mapping[str, Any]], header: PredictionHeader) -> Path:
    """The written file; rows are sorted by key, so that equal predictions are equal bytes. Raises on a key used twice."""
    ordered = sorted(rows, key=row_key)
    for one, other in pairwise(ordered):
        if row_key(one) == row_key(other):
            raise ValueError(f"two predictions have the key {row_key(one)}; a key is (item, variant, seed)")
    values = {name: getattr(header, name) for name in PredictionHeader.__dataclass_fields__}
    schema = PREDICTION_SCHEMA.with_metadata({"unimed_predictions": json.dumps(values, sort_keys=True, default=dict)})
    table = pa.Table.from_pylist([dict(row) for row in ordered], schema=schema)
    with atomic_path(folder / FILE) as temporary:
        pq.write_table(table, temporary, compression="zstd", row_group_size=1024)
    return folder / FILE


def read_predictions(folder: Path) -> tuple[PredictionHeader, list[dict[str, Any]]]:
    """Header and rows, in key order; raises ValueError when the file is missing or not one of ours."""
    path = folder / FILE
    if not path.is_file():
        raise ValueError(f"{path} is missing; the stage `predict` makes it")
    table = pq.read_table(path)
    stored = (table.schema.metadata or {}).get(b"unimed_predictions")
    if stored is None:
        raise ValueError(f"{path} carries no prediction header; run the stage `predict` again")
    return PredictionHeader(**json.loads(stored)), table.to_pylist()


def row_key(row: Mapping[str, Any]) -> tuple[str, str, int]:
    """(item id, variant, seed)."""
    return row["item_id"], row["variant"], row["seed"]
