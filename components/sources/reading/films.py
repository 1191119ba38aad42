"""The images of a set of X-rays by the names that its tables use, whatever folder and file type they were delivered in."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from components.images.dicom import is_dicom, open_dicom
from components.images.limits import ImageError, LeftOutError
from components.images.raster import SUFFIXES, opened
from components.images.stored import StoredImage
from components.sources.delivery_folder import Delivery, Item
from components.sources.reading.pictures import annotations

IMAGES = (*SUFFIXES, ".dcm", ".dicom")
_DEEPEST, _FOLDERS = 4, 64
"""Levels of folders that paths may begin below, and how many on a level: more are patients."""


@dataclass(frozen=True, slots=True)
class Film:
    """One decoded X-ray."""

    picture: StoredImage
    patient: str = ""
    """Of the DICOM header; empty for other files."""
    is_dicom: bool = False


@dataclass(slots=True)
class Films:
    """An index of the delivered images. DICOM is read without asking: only for sets that were de-identified."""

    delivery: Delivery
    _paths: dict[str, str] = field(default_factory=dict)
    """Path in the folder without suffix -> path in the folder."""
    _alone: dict[str, str] = field(default_factory=dict)
    """File name without suffix -> path in the folder; empty where several have it."""
    _roots: tuple[str, ...] = ("",)
    """Folders that the paths of tables may begin in."""
    _unnamed: dict[str, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        folders: list[set[str]] = [set() for _ in range(_DEEPEST)]
        for name, path in self.delivery.files():
            if path.suffix.lower() not in IMAGES:
                continue
            self._unnamed[name] = None
            if bare(name) in self._paths:  # the same image in two file types
                continue
            self._paths[bare(name)] = name
            alone = bare(path.name)
            self._alone[alone] = "" if alone in self._alone else name
            parts = name.split("/")[:-1]
            for depth, found in enumerate(folders[: len(parts)]):
                if len(found) <= _FOLDERS:
                    found.add("/".join(parts[: depth + 1]) + "/")
        few = [found for found in folders if len(found) <= _FOLDERS]
        self._roots = ("", *sorted(set().union(*few)))

    def get(self, name: str) -> Film:
        """The image that a row names: its path below any of the delivery's first folders, or its file name alone where
        one image has it; the suffix does not matter.

        Raises ImageError: 'missing image', or what is wrong with it.
        """
        found = self.claim(name)
        if not found:
            raise ImageError("missing image", f"{name[:120]!r} was not delivered")
        path = self.delivery.folder / found
        self.delivery.check(path)
        return _film(path)

    def size(self, name: str) -> tuple[int, int] | None:
        """(width, height) from the header of a raster file; None for DICOM and for what is missing or broken."""
        path = self.delivery.folder / self._find(name)
        if path.suffix.lower() not in SUFFIXES:
            return None
        try:
            self.delivery.check(path)
            with opened(path) as image:
                return image.size
        except (ImageError, OSError):
            return None

    def claim(self, name: str) -> str:
        """Where the image lies in the folder, which from now on counts as named; empty when it was not delivered."""
        found = self._find(name)
        self._unnamed.pop(found, None)
        return found

    def tables(self, *suffixes: str) -> Iterator[tuple[str, Path] | Item]:
        """(name, path) of each table; what is neither that nor an image is unreadable."""
        yield from annotations(self.delivery, *suffixes, images=IMAGES)

    def unnamed(self, unlabelled: Callable[[str], bool] = lambda name: False) -> Iterator[Item]:
        """An item for each image that nothing asked for: left out where the set has no labels for it, by its name."""
        for name in self._unnamed:
            if unlabelled(name):
                error: ImageError = LeftOutError("no labels", "the set has images without labels, this is one of them")
            else:
                error = ImageError("unnamed image", "no row of the tables names it; deliver its table or remove it")
            yield self.delivery.unreadable(name, error)

    def _find(self, name: str) -> str:
        parts = PurePosixPath(bare(name)).parts
        if len(parts) == 1:
            return self._paths.get(parts[0]) or self._alone.get(parts[0], "")
        # Never a part of the path alone: every study of CheXpert has a view1_frontal.jpg.
        places = (root + "/".join(parts) for root in self._roots)
        return next((self._paths[place] for place in places if place in self._paths), "")


def bare(name: str) -> str:
    """The name without the suffix of an image; DICOM ids have dots of their own."""
    suffix = next((suffix for suffix in IMAGES if name.lower().endswith(suffix)), "")
    return name.removesuffix(name[len(name) - len(suffix) :]) if suffix else name


def _film(path: Path) -> Film:
    try:
        is_header = path.stat().st_size >= 132 and is_dicom(path)
    except OSError as error:
        raise ImageError("undecodable", f"{error.strerror or error}; check the file's rights") from None
    if is_header:
        image = open_dicom(path)
        return Film(StoredImage.of_pixels(image.frame(0)), patient=image.patient, is_dicom=True)
    return Film(StoredImage.of(path))
