"""The Parquet form of records, samples and benchmark items: one schema each, versioned in its metadata."""

from collections.abc import Iterable

import pyarrow as pa

from components.images.stored import stored_size
from components.records.benchmark import BenchmarkItem
from components.records.origins import origins
from components.records.record import Provenance, Record, Turn
from components.records.sample import Clinical, Image, Piece, Sample, Text
from components.records.vocabulary import ImageRole, Modality, Split, TaskGroup, TurnKind

SCHEMA_VERSION = "3"
_META = {"unimed_schema": SCHEMA_VERSION}
_PROVENANCE = pa.struct(
    [("file", pa.string()), ("locator", pa.string()), ("sha256", pa.string()), ("method", pa.string())]
)

_TURN = pa.struct(
    [
        *((name, pa.string()) for name in ("prompt", "answer", "kind")),
        ("options", pa.list_(pa.string())),
        ("images_at", pa.list_(pa.int32())),
    ]
)

_SEEN = pa.struct([("pixels", pa.string()), ("look", pa.binary())])
RECORD_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("patient_key", pa.string()),
        ("modality", pa.string()),
        ("anatomy", pa.string()),
        ("image", pa.binary()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("more_images", pa.list_(pa.binary())),
        ("seen", pa.list_(_SEEN)),
        ("facts", pa.map_(pa.string(), pa.string())),
        ("origins", pa.map_(pa.string(), pa.string())),
        ("targets", pa.map_(pa.string(), pa.binary())),
        ("turns", pa.list_(_TURN)),
        ("language", pa.string()),
        ("delivered_split", pa.string()),
        ("position", pa.float64()),
        ("licence", pa.string()),
        ("provenance", _PROVENANCE),
    ],
    metadata=_META,
)

_PIECE = pa.struct(
    [
        ("kind", pa.string()),
        ("text", pa.string()),
        ("supervised", pa.bool_()),
        ("fields", pa.map_(pa.string(), pa.string())),
        ("role", pa.string()),
        ("image", pa.binary()),
        ("sha256", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
    ]
)
SAMPLE_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("group", pa.string()),
        ("task", pa.string()),
        ("modality", pa.string()),
        ("anatomy", pa.string()),
        ("patient_key", pa.string()),
        ("split", pa.string()),
        ("pieces", pa.list_(_PIECE)),
        ("licence", pa.string()),
        ("provenance", _PROVENANCE),
    ],
    metadata=_META,
)

BENCHMARK_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("item_id", "benchmark", "split", "task", "question_type", "answer_type")]
    + [("options", pa.list_(pa.string()))]
    + [
        (n, pa.string())
        for n in ("modality", "anatomy", "patient_key", "record_id", "prompt_id", "prompt", "reference")
    ]
    + [("image", pa.binary()), ("reference_image", pa.binary()), ("more_images", pa.list_(pa.binary()))],
    metadata=_META,
)


def record_row(record: Record, *, patient_key: str) -> dict[str, object]:
    """The row that stands for a record; the readable subject stays behind. `seen` is what is known of its images, in order."""
    image = record.image
    return {
        "id": record.id,
        "source": record.source,
        "patient_key": patient_key,
        "modality": record.modality.value,
        "anatomy": record.anatomy,
        "image": image.data if image else b"",
        "width": image.width if image else 0,
        "height": image.height if image else 0,
        "more_images": [other.data for other in record.more_images],
        "seen": [{"pixels": shown.pixels, "look": shown.look.data} for shown in record.images],
        "facts": sorted(record.facts.items()),
        "origins": sorted(origins(record.facts, record.origins).items()),
        "targets": sorted(record.targets.items()),
        "turns": [_turn_row(turn) for turn in record.turns],
        "language": record.language,
        "delivered_split": record.delivered_split.value if record.delivered_split else None,
        "position": record.position,
        "licence": record.licence,
        "provenance": _provenance_row(record.provenance),
    }


def sample_row(sample: Sample) -> dict[str, object]:
    """The row that stands for a sample."""
    return {
        "id": sample.id,
        "source": sample.source,
        "group": sample.group.value,
        "task": sample.task,
        "modality": sample.modality.value,
        "anatomy": sample.anatomy,
        "patient_key": sample.patient_key,
        "split": sample.split.value,
        "pieces": [_piece_row(piece) for piece in sample.pieces],
        "licence": sample.licence,
        "provenance": _provenance_row(sample.provenance),
    }


def sample_from_row(row: dict) -> Sample:
    """The sample that a row of a shard stands for."""
    return Sample(
        id=row["id"],
        source=row["source"],
        group=TaskGroup(row["group"]),
        task=row["task"],
        modality=Modality(row["modality"]),
        anatomy=row["anatomy"],
        patient_key=row["patient_key"],
        split=Split(row["split"]),
        pieces=tuple(_piece_from_row(piece) for piece in row["pieces"]),
        licence=row["licence"],
        provenance=Provenance(**row["provenance"]),
    )


def benchmark_row(item: BenchmarkItem) -> dict[str, object]:
    """The row that stands for a benchmark item."""
    values = ((name, getattr(item, name)) for name in BENCHMARK_SCHEMA.names)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values}


def benchmark_from_row(row: dict) -> BenchmarkItem:
    """The benchmark item that a row stands for."""
    typed = {"split": Split(row["split"]), "modality": Modality(row["modality"]), "options": tuple(row["options"])}
    # A benchmark that was made when an item showed one image lacks the column.
    typed["more_images"] = tuple(row.get("more_images") or ())
    return BenchmarkItem(**{**row, **typed})


def record_table(rows: Iterable[dict[str, object]]) -> pa.Table:
    """A table of record rows."""
    return pa.Table.from_pylist(list(rows), schema=RECORD_SCHEMA)


def turn_from_row(row: dict) -> Turn:
    """The turn that an entry of a record's row stands for."""
    typed = {"kind": TurnKind(row["kind"]), "options": tuple(row["options"]), "images_at": tuple(row["images_at"])}
    return Turn(**{**row, **typed})


def _turn_row(turn: Turn) -> dict[str, object]:
    said = {"prompt": turn.prompt, "answer": turn.answer, "kind": turn.kind.value}
    return {**said, "options": list(turn.options), "images_at": list(turn.images_at)}


def _provenance_row(p: Provenance) -> dict[str, str]:
    return {"file": p.file, "locator": p.locator, "sha256": p.sha256, "method": p.method}


def _piece_row(piece: Piece) -> dict[str, object]:
    empty: dict[str, object] = {field.name: None for field in _PIECE}
    match piece:
        case Text():
            return empty | {"kind": "text", "text": piece.text, "supervised": piece.supervised}
        case Clinical():
            return empty | {"kind": "clinical", "fields": list(piece.fields.items())}
        case Image():
            width, height = stored_size(piece.data)
            size: dict[str, object] = {"width": width, "height": height}
            return (
                empty | {"kind": "image", "role": piece.role.value, "image": piece.data, "sha256": piece.sha256} | size
            )


def _piece_from_row(row: dict) -> Piece:
    match row["kind"]:
        case "text":
            return Text(text=row["text"], supervised=row["supervised"])
        case "clinical":
            return Clinical(fields=dict(row["fields"]))
        case "image":
            return Image(role=ImageRole(row["role"]), data=row["image"], sha256=row["sha256"])
    raise ValueError(f"a piece of kind {row['kind']!r} is not known; known: text, clinical, image")
