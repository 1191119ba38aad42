"""Images that rows of an annotation file point to or hold: found safely, decoded once for rows that follow each other."""

import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from components.images.limits import ImageError
from components.images.raster import SUFFIXES
from components.images.stored import StoredImage
from components.sources.delivery_folder import Delivery, Item

_KEPT = 32
"""Images in memory."""
_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+:")
_CODE = (".pkl", ".pickle", ".pt", ".pth", ".bin", ".ckpt", ".npy", ".joblib", ".py")
_ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".7z", ".rar")


@dataclass(slots=True)
class Pictures:
    """The images of one delivery by the names that rows use."""

    delivery: Delivery
    folders: Sequence[str] = ("",)
    """Where in the source's folder names may be relative to, in this order."""
    _kept: OrderedDict[str, StoredImage] = field(default_factory=OrderedDict)

    def of(self, value: object) -> StoredImage:
        """The picture that a cell gives: a path, or Hugging Face's {bytes, path} of which either may be missing."""
        match value:
            case str():
                return self.get(value)
            case {"bytes": bytes() as data} if data:
                return StoredImage.of(data)
            case {"path": str() as name} if name:
                return self.get(name)
            case bytes() if value:
                return StoredImage.of(value)
        raise ImageError("missing image", "the row holds neither bytes nor a path of an image")

    def get(self, name: str) -> StoredImage:
        """The picture that a row names.

        Raises ImageError: 'bad path' for a URL or a path that leads out, 'missing image', or what is wrong with it.
        """
        if name in self._kept:
            self._kept.move_to_end(name)
            return self._kept[name]
        picture = StoredImage.of(self.find(name))
        self._kept[name] = picture
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return picture

    def find(self, name: str) -> Path:
        """The file that a row names, inside the source's folder."""
        shown = name[:80]
        if not name or "\0" in name or "\\" in name or _SCHEME.match(name):
            raise ImageError("bad path", f"{shown!r} is not a path inside the folder; deliver the file and name it")
        parts = Path(name).parts
        if Path(name).is_absolute() or ".." in parts:
            raise ImageError("bad path", f"{shown!r} leads out of the source's folder")
        for folder in self.folders:
            path = self.delivery.folder / folder / name
            try:
                if path.is_symlink() or path.exists():
                    self.delivery.check(path)
                    return path
            except OSError as error:
                raise ImageError("bad path", f"{shown!r}: {error.strerror}") from None
        raise ImageError("missing image", f"{shown!r} was not delivered")


def annotations(
    delivery: Delivery, *suffixes: str, images: tuple[str, ...] = SUFFIXES
) -> Iterator[tuple[str, Path] | Item]:
    """(name, path) of each file with one of the suffixes. What is neither that nor an image is unreadable: code that
    unpickling would run, archives that nobody unpacked, and what the format has no place for."""
    for name, path in delivery.files():
        suffix = path.suffix.lower()
        if suffix in suffixes:
            yield name, path
        elif suffix in _CODE:
            yield delivery.unreadable(
                name, ImageError("pickle refused", "reading it could run code; deliver Parquet, JSON or CSV")
            )
        elif suffix in _ARCHIVES:
            yield delivery.unreadable(name, ImageError("not unpacked", "unpack the archive into the folder"))
        elif suffix not in images:
            yield delivery.unknown(name, f"this format reads {', '.join(suffixes)} and images")
