"""Files of marks beside images, one an image, as Pascal VOC, YOLO and LabelMe write them: found, held to each other, read."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from components.images.limits import ImageError, LeftOutError
from components.images.raster import turn_of
from components.images.stored import StoredImage
from components.records.vocabulary import Split
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.boxes import Box
from components.sources.reading.films import Films, bare
from components.sources.reading.marks import Marked, size_of
from components.sources.reading.row_records import row_record, split_of
from components.sources.reading.rows import Row
from components.storage.keys import keyed_hash

_SLACK = 1.0
"""Pixels that an edge may lie outside of its image: annotation programs round."""
_KEEP_SIZE = (2, 3, 4)
"""Turns that leave width and height as they are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sidecar:
    """What one file says of its image."""

    images: Sequence[str]
    """Names that the image may have, below any folder of the delivery and without its suffix; the first that was
    delivered is it."""
    marks: Sequence[Row] = ()
    """As COCO has them, their names for categories: {category_id, bbox, segmentation}, in pixels."""
    size: Row = field(default_factory=dict)
    """Width and height that the marks are drawn in, where the file says them."""
    embedded: bytes = b""
    """The image itself, for where none was delivered."""
    flags: Sequence[str] = ()
    """What the file says of the image as a whole."""
    unread: Sequence[str] = ()
    """Kinds of marks that are not read."""
    is_upright: bool = False
    """Whether the program that wrote it shows images upright, whatever way they are stored."""


Parse = Callable[[str, Path], Sidecar]


@dataclass(slots=True)
class Sidecars:
    """All files of marks of one delivery."""

    delivery: Delivery
    films: Films
    parse: Parse
    """(name, path) -> what the file says. Raises ImageError."""
    splits: Mapping[str, Split] = field(default_factory=dict)
    """Name of an image without folder and suffix -> its split, where a list says it."""
    _files: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    """Image -> what its files say, by hash -> the first that says it."""

    def items(self, files: Sequence[tuple[str, Path]]) -> Iterator[Item]:
        """A record for each file's image, then an item for each kind of mark that is not read. Files that say different
        things of one image are all refused."""
        for name, path in files:
            with suppress(ImageError, OSError):
                self.delivery.check(path)
                found = self.parse(name, path)
                self._files[self._image(name, found)].setdefault(_hash(found), name)
        for name, path in files:
            yield from self.delivery.read(name, path, lambda p, n=name: self._read(n, p))

    def record(self, image: str, sidecar: Sidecar, locator: str) -> Iterator[Item]:
        """The record of an image of the folder with its marks, and what of them is left out. Raises ImageError."""
        delivery = self.delivery
        path = delivery.folder / image
        delivery.check(path)
        picture = StoredImage.of(path)
        if not sidecar.is_upright:
            _refuse_turned(path, sidecar, picture)
        yield from self._record(image, picture, sidecar, locator)

    def _read(self, name: str, path: Path) -> Iterator[Item]:
        sidecar = self.parse(name, path)
        image = self._image(name, sidecar)
        said = self._files[image]
        if len(said) > 1:
            others = ", ".join(sorted(other for other in said.values() if other != name)[:3])
            raise ImageError(
                "contradicting annotations", f"{others} says something else of {image}; keep what is right"
            )
        if (first := next(iter(said.values()), name)) != name:
            raise LeftOutError("same annotations", f"{first} says the same of {image}")
        if self.films.claim(image) == image:
            yield from self.record(image, sidecar, name)
        elif sidecar.embedded:
            yield from self._record(image, StoredImage.of(sidecar.embedded), sidecar, name)
        else:
            raise ImageError("missing image", f"{sidecar.images[0][:80]!r} was not delivered")

    def _record(self, image: str, picture: StoredImage, sidecar: Sidecar, locator: str) -> Iterator[Item]:
        size = size_of(sidecar.size, picture)
        marks = [{**mark, "bbox": _inside(mark["bbox"], size)} for mark in sidecar.marks]
        marked = Marked(
            picture=picture, size=size, things=marks, names={m["category_id"]: m["category_id"] for m in marks}
        )
        shown = "; ".join(filter(None, [marked.facts().get("description", ""), *sidecar.flags]))
        stem = bare(image)
        yield row_record(
            self.delivery,
            stem,
            [picture],
            marked.turns(),
            facts={"description": shown} if shown else None,
            targets=marked.targets(),
            file=image if self.films.claim(image) == image else locator,
            locator=locator,
            licence="unknown",
            split=self.splits.get(PurePosixPath(stem).name) or split_of(str(PurePosixPath(locator).parent)),
        )
        if lack := marked.lack():
            yield self.delivery.unreadable(f"{image}:masks", lack)
        for kind in sorted(set(sidecar.unread)):
            yield self.delivery.unreadable(
                f"{image}:{kind}", LeftOutError("not read", f"{kind} are not read from {locator}")
            )

    def _image(self, name: str, sidecar: Sidecar) -> str:
        """The name in the folder of the file's image, else the name that it would have. Raises ImageError, 'ambiguous
        image', where the file names one image and is itself called like another."""
        found = dict.fromkeys(place for image in sidecar.images if (place := self.films.claim(image)))
        named, own = next(iter(found), sidecar.images[0]), PurePosixPath(name).stem
        other = next((place for place in found if bare(PurePosixPath(place).name) == own), "")
        if other and bare(PurePosixPath(named).name) != own:
            what = f"it names {named} and is called like {other}"
            raise ImageError("ambiguous image", f"{what}; name the file and the image in it alike")
        return named


def beside(name: str, image: str, folders: tuple[str, str] = ("", "")) -> list[str]:
    """What the image of a file of marks may be called: what the file says, then the file's own name, each in its folder, in
    that of the images where `folders` (of marks, of images) are kept apart, and by itself."""
    path = PurePosixPath(name)
    of_marks, of_images = folders
    own = str(path.parent)
    apart = "/".join(of_images if part == of_marks else part for part in path.parent.parts)
    places = [folder for folder in dict.fromkeys((own, apart)) if folder]
    found = []
    for said in filter(None, dict.fromkeys((image, path.stem))):
        is_plain = ".." not in PurePosixPath(said).parts and not said.startswith("/")
        leaf = PurePosixPath(said).name
        found += [str(PurePosixPath(place) / (said if is_plain else leaf)) for place in places] + [leaf]
    return found


def hull_box(xs: Sequence[float], ys: Sequence[float]) -> list[float]:
    """x, y, width, height of the box around points."""
    return [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]


def _inside(box: Sequence[float], size: tuple[int, int]) -> list[float]:
    """The box, its edges moved into the image where they lie outside by a pixel at most."""
    left, top, width, height = box
    edges: Box = left, top, left + width, top + height
    x0, y0, x1, y1 = (
        min(max(edge, 0.0), side) if -_SLACK <= edge <= side + _SLACK else edge
        for edge, side in zip(edges, (*size, *size), strict=True)
    )
    return [x0, y0, x1 - x0, y1 - y0]


def _refuse_turned(path: Path, sidecar: Sidecar, picture: StoredImage) -> None:
    """Raise ImageError, 'turned image', where the image's own data turn it and the file's size does not tell whether it was
    annotated turned."""
    turn = turn_of(path)
    is_told = bool(sidecar.size) and turn not in _KEEP_SIZE and picture.width != picture.height
    if turn != 1 and not is_told:
        what = f"its EXIF data turn it ({turn}), and nothing says whether it was annotated so"
        raise ImageError("turned image", f"{what}; store its pixels upright, as they were annotated")


def _hash(sidecar: Sidecar) -> str:
    marks = sorted(repr(sorted(mark.items())) for mark in sidecar.marks)
    return keyed_hash(*marks, *sorted(sidecar.flags), digest_bytes=8)
