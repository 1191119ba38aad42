"""Pictures in the layouts in which sets of images are published, cut from photographs of the default corpus."""

import csv
import json
from pathlib import Path

import numpy as np
from PIL import Image

from components.sources.published.kvasir_classes import CLASSES

SHIPPED = Path(__file__).parents[2] / "components" / "sources" / "shipped"
_TABLE_NAMES = {
    "cecum": "normal-cecum",
    "esophagitis-a": "oesophagitis-a",
    "esophagitis-b-d": "oesophagitis-b-d",
    "hemorrhoids": "hemorroids",
    "polyps": "polyp",
    "pylorus": "normal-pylorus",
    "barretts-short-segment": "short-segment-barretts",
    "z-line": "normal-z-line",
}
"""HyperKvasir's folders -> what its table of folds calls them, where that differs."""


def tissue(width: int) -> Image.Image:
    """The photograph of stained tissue, so wide."""
    whole = Image.open(SHIPPED / "histology" / "histo.jpg").convert("RGB")
    return whole.resize((width, round(width * whole.height / whole.width)))


def eye(width: int) -> Image.Image:
    """The photograph of a retina, so wide; it shows another thing at every place."""
    whole = Image.open(SHIPPED / "fundus" / "HRF_07_dr.jpg").convert("RGB")
    return whole.resize((width, round(width * whole.height / whole.width)))


def deepliif(folder: Path) -> None:
    """Six panels of 512 pixels side by side; images to predict on repeat the first one."""
    whole = np.asarray(tissue(1000))
    for number, name in enumerate(("train/Bladder1", "train/Lung1", "test/22_2", "test/799_2")):
        first = whole[20 * number : 20 * number + 512, 60 * number : 60 * number + 512]
        path = folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.concatenate(_panels(first) if name.startswith("train") else [first] * 6, axis=1)).save(path)


def _panels(first: np.ndarray) -> list[np.ndarray]:
    grey = first.mean(axis=2).astype(np.uint8)
    stains = [np.repeat(plane[..., None], 3, axis=2) for plane in (255 - grey, 255 - first[..., 0], grey // 2)]
    cells = np.zeros_like(first)
    cells[grey < 150] = (0, 0, 255)
    cells[grey < 110] = (255, 0, 0)
    cells[np.diff(grey < 130, axis=0, prepend=False)] = (0, 255, 0)
    # A few pixels lie beside the four exact colours, as in published files.
    cells[:2, :4] = (3, 1, 2)
    return [first, np.ascontiguousarray(first[..., ::-1]), *stains, cells]


def tbx11k(folder: Path) -> None:
    """COCO with boxes to a fraction of a pixel; the healthy image has none."""
    names = ("tb/tb0005", "tb/tb0007", "health/h0001")
    images = [
        {"id": n, "file_name": f"{name}.png", "width": 512, "height": 512}
        for n, name in zip((1, 2, 601), names, strict=True)
    ]
    boxes = (
        (1, 1, [380.25, 120.5, 41.75, 44.125]),
        (2, 2, [300.5, 60.25, 130.5, 140.75]),
        (2, 2, [140.125, 50.5, 120.25, 110.5]),
    )
    kinds = ("ActiveTuberculosis", "ObsoletePulmonaryTuberculosis", "PulmonaryTuberculosis")
    whole = {
        "categories": [{"id": n, "name": name, "supercategory": "Tuberculosis"} for n, name in enumerate(kinds, 1)],
        "images": images,
        "annotations": [
            {"id": n, "image_id": image, "category_id": kind, "iscrowd": 0, "area": box[2] * box[3], "bbox": box}
            for n, (image, kind, box) in enumerate(boxes, 1)
        ],
    }
    table = folder / "annotations" / "json" / "TBX11K_train.json"
    table.parent.mkdir(parents=True, exist_ok=True)
    table.write_text(json.dumps(whole))
    photograph = eye(900).convert("L")
    for number, name in enumerate(names):
        path = folder / "imgs" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        photograph.crop((100 * number, 20 * number, 100 * number + 512, 20 * number + 512)).save(path)


def hyper_kvasir(folder: Path) -> None:
    """The table of folds, semicolons between its columns, and that of the videos."""
    labels = [_TABLE_NAMES.get(name, name) for name in sorted(CLASSES)]
    rows = [
        (f"{100 * number + n:08x}-made-here.jpg", label, n % 2) for number, label in enumerate(labels) for n in range(4)
    ]
    _table(folder / "official_splits" / "2_fold_split.csv", ("file-name", "class-name", "split-index"), rows)
    head = ("file-name", "finding", "width", "height", "number-of-frames", "fps", "length", "kilobytes")
    videos = [(f"{n:08x}.avi", "polyp", 720, 576, 250 * n, 25, 10 * n, 900 * n) for n in range(1, 4)]
    _table(folder / "hyper-kvasir-video-metadata.csv", head, videos)


def _table(path: Path, head: tuple[str, ...], rows: list[tuple]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as handle:
        csv.writer(handle, delimiter=";", lineterminator="\n").writerows([head, *rows])
