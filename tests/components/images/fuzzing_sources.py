"""Small files of rows and archives for `fuzzing`, each read as a source of its own."""

import io
import json
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from components.images.limits import ImageError
from components.recipes.sources import SourceSettings
from components.records.record import Unreadable
from components.sources.table import read_source

TEXTS = (".json", ".jsonl", ".csv", ".xml", ".yaml")
_BOX = "<bndbox><xmin>2</xmin><ymin>3</ymin><xmax>9</xmax><ymax>8</ymax></bndbox>"
_BOXES = f"<annotation><filename>a.png</filename><object><name>lung</name>{_BOX}</object></annotation>"
_SHAPES = [
    {"label": "lung", "shape_type": kind, "points": [[2, 3], [9, 8], [4, 9]]}
    for kind in ("polygon", "circle", "rectangle")
]


@dataclass(frozen=True, slots=True)
class Sample:
    """A file as it should be, and what reads it."""

    name: str
    data: bytes
    read: Callable[[Path], object]


def source_samples() -> Iterator[Sample]:
    """Files of rows and archives, read as a source of their own."""
    out = io.BytesIO()
    Image.fromarray(np.arange(64 * 48, dtype=np.uint16).reshape(64, 48).astype(np.uint8)).save(out, "PNG")
    rows = [{"question": f"Is it {n}?", "answer": "No", "modality": "x-ray", "licence": "ours"} for n in range(40)]
    lines = "\n".join(map(json.dumps, rows)).encode()
    boxes = {
        "images": [{"id": n, "file_name": f"{n}.png", "width": 64, "height": 48} for n in range(9)],
        "annotations": [
            {"image_id": n, "category_id": 1, "bbox": [1, 2, 3, 4], "caption": "A film."} for n in range(9)
        ],
        "categories": [{"id": 1, "name": "lung"}],
    }
    table = "\n".join(["file_name,text", *(f'{n}.png,"A film, {n}"' for n in range(40))]).encode()
    for name, format_name, data in (
        ("rows.jsonl", "jsonl", lines),
        ("rows.json", "jsonl", json.dumps(rows, indent=1).encode()),
        ("boxes.json", "coco", json.dumps(boxes).encode()),
        ("a.xml", "voc", _BOXES.encode()),
        ("a.json", "labelme", json.dumps({"imagePath": "a.png", "shapes": _SHAPES}).encode()),
        ("data.yaml", "yolo", b"names: {0: lung, 1: heart}\nnc: 2\nkpt_shape: [2, 3]\n"),
        ("metadata.csv", "images", table),
        ("plain.parquet", "parquet", _parquet(rows, out.getvalue(), "none")),
        ("packed.parquet", "parquet", _parquet(rows, out.getvalue(), "zstd")),
        ("shard.tar", "webdataset", _tar(out.getvalue(), lines)),
        ("breastmnist.npz", "medmnist", _npz()),
    ):
        yield Sample(name, data, lambda path, f=format_name: _read_source(path, f))


def _read_source(path: Path, format_name: str) -> None:
    """Raises ImageError when nothing but unreadable items comes of the file."""
    items = list(read_source(path.parent, "s", SourceSettings(path="s", format=format_name)))
    if items and all(isinstance(item, Unreadable) for item in items):
        first = items[0]
        assert isinstance(first, Unreadable)
        if first.reason != "missing image":  # what a table of images is without them
            raise ImageError(first.reason, first.detail)


def _parquet(rows: list[dict[str, str]], png: bytes, compression: str) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    table = pa.Table.from_pylist([{**row, "image": {"bytes": png, "path": None}} for row in rows])
    pq.write_table(table, out, compression=compression, row_group_size=16)
    return out.getvalue()


def _tar(png: bytes, lines: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for number, line in enumerate(lines.splitlines()[:12]):
            for name, data in ((f"{number}.png", png), (f"{number}.json", line)):
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def _npz() -> bytes:
    out, pictures = io.BytesIO(), np.random.default_rng(0).integers(0, 255, (9, 28, 28), np.uint8)
    arrays = {f"{split}_images": pictures for split in ("train", "val", "test")}
    labels = {f"{split}_labels": np.zeros((9, 1), np.uint8) for split in ("train", "val", "test")}
    np.savez_compressed(out, **arrays, **labels)
    return out.getvalue()
