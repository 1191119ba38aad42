"""Pascal VOC: an XML file an image, with a box for each object; pixels count from 1, and the box's last ones are inside."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from components.images.limits import ImageError, LeftOutError
from components.records.vocabulary import Split
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.boxes import edges
from components.sources.reading.films import Films
from components.sources.reading.pictures import annotations
from components.sources.reading.rows import Row
from components.sources.reading.sidecars import Sidecar, Sidecars, beside
from components.sources.reading.splits import SPLITS
from components.sources.reading.xml_documents import xml_root

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_LISTS = "ImageSets"
_MOST_IN_LIST = 64 * 2**20


def read(delivery: Delivery) -> Iterator[Item]:
    """One record an XML file; one without objects says that nothing is marked. The lists of `ImageSets/` tell the splits."""
    files: list[tuple[str, Path]] = []
    splits: dict[str, Split] = {}
    for found in annotations(delivery, ".xml", ".txt"):
        if not isinstance(found, tuple):
            yield found
        elif found[1].suffix.lower() == ".xml":
            files.append(found)
        elif _LISTS not in PurePosixPath(found[0]).parts:
            yield delivery.unknown(found[0], "this format reads XML files and images")
        elif (split := SPLITS.get(found[1].stem.lower())) is None:
            error = LeftOutError("not read", "a list of no split: the images of a class are told by their own files")
            yield delivery.unreadable(found[0], error)
        else:
            yield from delivery.read(*found, lambda p, s=split: _list(splits, s, p))
    films = Films(delivery)
    yield from Sidecars(delivery, films, _parse, splits).items(files)
    yield from films.unnamed(lambda name: True)


def _list(splits: dict[str, Split], split: Split, path: Path) -> Iterator[Item]:
    """Fill in the split of each image that the list names."""
    if path.stat().st_size > _MOST_IN_LIST:
        raise ImageError("too large", f"a list of images is not over {_MOST_IN_LIST} bytes")
    splits.update((line.split()[0], split) for line in path.read_text("utf-8", "replace").splitlines() if line.strip())
    yield from ()


def _parse(name: str, path: Path) -> Sidecar:
    root = xml_root(path)
    if root.tag != "annotation":
        raise ImageError("not VOC", f"the file's root is {root.tag[:40]!r}, not annotation; take it out")
    said = root.find("size")
    sides = {} if said is None else {side: _number(said, side) for side in ("width", "height")}
    things = root.findall("object")
    return Sidecar(
        images=beside(name, (root.findtext("filename") or "").strip(), ("Annotations", "JPEGImages")),
        marks=[_mark(thing) for thing in things],
        size={side: number for side, number in sides.items() if number},
        unread=["parts"] if any(thing.find("part") is not None for thing in things) else [],
    )


def _mark(thing: "Element") -> Row:
    name, box = (thing.findtext("name") or "").strip(), thing.find("bndbox")
    if not name or box is None:
        raise ImageError("bad box", f"the object {name[:40]!r} has no name or no bndbox; name both or take it out")
    left, top, right, bottom = edges(*(box.findtext(edge) for edge in ("xmin", "ymin", "xmax", "ymax")))
    # Programs that count from 0 write one: its edge is the image's.
    left, top = max(left - 1, 0.0) if left >= 0 else left, max(top - 1, 0.0) if top >= 0 else top
    return {"category_id": name, "bbox": [left, top, right - left, bottom - top], "segmentation": None}


def _number(said: "Element", side: str) -> int:
    try:
        return int(float(said.findtext(side) or 0))
    except (ValueError, OverflowError):
        raise ImageError("bad size", f"the {side} {said.findtext(side)!r} is no number") from None
