"""YOLO: a text file an image, a line a mark: its class's number, then a box (centre, width and height) or a polygon, in shares
of the image. `data.yaml` or `classes.txt` names the classes."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from components.images.limits import ImageError
from components.images.raster import SUFFIXES, opened
from components.records.vocabulary import Split
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.films import Films, bare
from components.sources.reading.opened import BrokenOff
from components.sources.reading.pictures import annotations
from components.sources.reading.rows import Row
from components.sources.reading.sidecars import Sidecar, Sidecars, beside, hull_box
from components.sources.reading.splits import split_of
from components.storage.yaml_files import load_yaml

_NAMES, _MAX_BYTES, _MOST_SHARE = ("classes.txt", "obj.names"), 4 * 2**20, 1.005
"""How far beyond the image rounding may put a number."""


@dataclass(frozen=True, slots=True)
class Classes:
    """The names of classes in one folder and all below it."""

    names: Mapping[int, str]
    keypoints: int = 0
    """Numbers behind each box that are places of keypoints."""


@dataclass(slots=True)
class _Yolo:
    delivery: Delivery
    films: Films
    classes: dict[str, Classes] = field(default_factory=dict)
    """Folder -> what is said there."""
    labels: list[tuple[str, Path]] = field(default_factory=list)
    splits: dict[str, Split] = field(default_factory=dict)
    listed: dict[str, str] = field(default_factory=dict)
    """Image of a list -> the list."""
    marked: set[str] = field(default_factory=set)
    """Images with a text file, a broken one too."""

    def parse(self, name: str, path: Path) -> Sidecar:
        images = beside(name, "", ("labels", "images"))
        image = next((found for found in map(self.films.claim, images) if found), "")
        if not image:
            return Sidecar(images=images)
        self.marked.add(image)
        with opened(self.delivery.folder / image) as picture:
            size = picture.size
        known = self._known(name)
        marks = [_mark(line, known, size) for line in _lines(path) if line.strip()]
        return Sidecar(images=images, marks=marks, unread=["keypoints"] if known.keypoints and marks else [])

    def _known(self, name: str) -> Classes:
        for folder in map(str, PurePosixPath(name).parents):
            if folder in self.classes:
                return self.classes[folder]
        if len(self.classes) == 1:
            return next(iter(self.classes.values()))
        raise ImageError(
            "no class names", "no data.yaml or classes.txt lies above it; deliver the one that names its classes"
        )


def read(delivery: Delivery) -> Iterator[Item]:
    """One record an image: one without a text file, or with an empty one, has nothing marked. An image of a list that was
    not delivered is missing. Raises ImageError without names of classes, or with two that differ."""
    yolo, texts = _Yolo(delivery, Films(delivery)), list[tuple[str, Path]]()
    for found in annotations(delivery, ".txt", ".yaml", ".yml", ".names"):
        if isinstance(found, tuple):
            yield from delivery.read(*found, lambda p, n=found[0]: _told(yolo, texts, n, p))
        else:
            yield found
    if texts and not yolo.classes:
        raise ImageError(
            "no class names", "the numbers of classes mean nothing alone; deliver data.yaml or classes.txt"
        )
    sidecars = Sidecars(delivery, yolo.films, yolo.parse, yolo.splits)
    yield from sidecars.items(texts)
    for image, where in yolo.listed.items():
        if not yolo.films.claim(image):
            yield delivery.unreadable(image, ImageError("missing image", f"{where} names it, and it was not delivered"))
    for name, path in delivery.files():
        if path.suffix.lower() not in SUFFIXES or name in yolo.marked:
            continue
        if (other := yolo.films.claim(name)) != name:
            error = ImageError("ambiguous image", f"{other} differs by its suffix alone; keep one of them")
            yield delivery.unreadable(name, error)
        else:
            yield from delivery.read(name, path, lambda p, n=name: sidecars.record(n, Sidecar(images=(n,)), n))


def _told(yolo: _Yolo, texts: list[tuple[str, Path]], name: str, path: Path) -> Iterator[Item]:
    """Let the file be known as names of classes, a list of images, or the marks of one. Raises BrokenOff for names that mean
    nothing: the numbers of all marks below them mean nothing then."""
    if path.name not in _NAMES and path.suffix.lower() not in (".yaml", ".yml"):
        texts += [] if _listed(yolo, name, path) else [(name, path)]
    elif found := _classes(path):
        folder = str(PurePosixPath(name).parent)
        before = yolo.classes.setdefault(folder, found)
        if before.names != found.names:
            yolo.classes.pop(folder)
            raise BrokenOff(
                "contradicting classes", "the file beside it names other classes; keep the one that is right"
            )
        yolo.classes[folder] = max(before, found, key=lambda one: one.keypoints)
    yield from ()


def _listed(yolo: _Yolo, name: str, path: Path) -> bool:
    """Whether the file is a list of images, which then are known."""
    lines = [line.strip().removeprefix("./") for line in _lines(path) if line.strip()]
    if not lines or not all(line.lower().endswith(SUFFIXES) for line in lines):
        return False
    split = split_of(PurePosixPath(name).name)
    for line in lines:
        yolo.listed[line] = name
        if split:
            yolo.splits[PurePosixPath(bare(line)).name] = split
    return True


def _classes(path: Path) -> Classes | None:
    """What a file of names says; None of YAML without any. Raises BrokenOff, reason 'bad class names'."""
    if path.suffix.lower() not in (".yaml", ".yml"):
        return Classes(dict(enumerate(line.strip() for line in _lines(path) if line.strip())))
    try:
        said = load_yaml(path)
    except ValueError as error:
        raise BrokenOff("bad class names", str(error).replace(str(path), path.name)) from None
    names = said.get("names") if isinstance(said, dict) else None
    if names is None:
        return None
    pairs = dict(names) if isinstance(names, dict) else dict(enumerate(names)) if isinstance(names, list) else {}
    if not pairs or not all(isinstance(number, int) and isinstance(name, str | int) for number, name in pairs.items()):
        raise ImageError(
            "bad class names", f"names of {path.name} are a list, or name each number; got {str(names)[:40]!r}"
        )
    if (count := said.get("nc", len(pairs))) != len(pairs):
        raise BrokenOff("bad class names", f"{path.name} says nc: {count} and names {len(pairs)} classes; mend it")
    shape = said.get("kpt_shape")
    extra = math.prod(shape) if isinstance(shape, list) and all(isinstance(side, int) for side in shape) else 0
    return Classes({number: str(name) for number, name in pairs.items()}, extra)


def _mark(line: str, known: Classes, size: tuple[int, int]) -> Row:
    try:
        number, *values = map(float, line.split())
    except ValueError:
        raise ImageError("bad row", f"{line[:40]!r} is no line of numbers") from None
    if number not in known.names:
        what = f"{line.split()[0][:20]} is no class of {len(known.names)} that are named, from {min(known.names, default=0)} on"
        raise ImageError("bad class", f"{what}; mend the line, or data.yaml and classes.txt")
    shares = values[:4] if known.keypoints else values
    if not all(1 - _MOST_SHARE <= share <= _MOST_SHARE for share in shares):
        raise ImageError("bad box", f"{line[:60]!r} is not in shares of the image, from 0 to 1")
    box, polygon = _placed(values, line, known, size)
    return {"category_id": known.names[int(number)], "bbox": box, "segmentation": polygon}


def _placed(
    values: list[float], line: str, known: Classes, size: tuple[int, int]
) -> tuple[list[float], list[list[float]] | None]:
    """(box, polygons) in pixels."""
    width, height = size
    if len(values) == 4 + known.keypoints:
        x, y, across, down = values[:4]
        return [(x - across / 2) * width, (y - down / 2) * height, across * width, down * height], None
    if len(values) == 5:
        raise ImageError(
            "bad row", f"{line[:60]!r}: a sixth number is the score of a prediction; deliver what people marked"
        )
    if len(values) < 6 or len(values) % 2 or known.keypoints:
        raise ImageError(
            "bad row", f"{line[:60]!r} holds {len(values)} numbers; a box has 4, a polygon an even number from 6"
        )
    xs, ys = [x * width for x in values[::2]], [y * height for y in values[1::2]]
    return hull_box(xs, ys), [[value for point in zip(xs, ys, strict=True) for value in point]]


def _lines(path: Path) -> list[str]:
    if path.stat().st_size > _MAX_BYTES:
        raise ImageError("too large", f"the marks of one image are not over {_MAX_BYTES} bytes")
    try:
        return path.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ImageError("not text", f"byte {error.start} is not UTF-8; save the file as UTF-8") from None
