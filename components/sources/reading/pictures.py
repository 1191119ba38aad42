"""Images that rows of an annotation file point to or hold: found safely, decoded once for rows that follow each other."""

import base64
import binascii
import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from filecmp import cmp
from pathlib import Path, PurePosixPath

from components.images.limits import ImageError, LeftOutError
from components.images.raster import SUFFIXES
from components.images.stored import StoredImage
from components.sources.delivery_folder import Delivery, Item, plain_name
from components.sources.labels import composed
from components.sources.reading.splits import split_of

UNNAMED = "images without a row"
"""What stands for the images of a folder that no row of its tables names."""
_KEPT = 32
"""Images in memory."""
_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+:")
_DRIVE = re.compile(r"^(?:[A-Za-z]:)?[/\\]")
_DATA = re.compile(r"data:image/[a-z0-9.+-]+;base64,")
_CODED = re.compile(r"(?:iVBORw0KGgo|/9j/|UklGR|SUkq|TU0A|Qk)[A-Za-z0-9+/=\s]{250}")
"""How PNG, JPEG, WebP, TIFF and BMP begin in base64; no name of a file is as long."""
_LISTED = 64
"""Folders whose names are in memory."""
_CODE = (".pkl", ".pickle", ".pt", ".pth", ".bin", ".ckpt", ".npy", ".joblib", ".py")
ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".7z", ".rar")
NOT_UNPACKED = ImageError("not unpacked", "unpack the archive into the folder")


@dataclass(slots=True)
class Pictures:
    """The images of one delivery by the names that rows use."""

    delivery: Delivery
    folders: Sequence[str] = ("",)
    """Where in the source's folder names may be relative to."""
    _kept: OrderedDict[Path, StoredImage] = field(default_factory=OrderedDict)
    _named: set[Path] = field(default_factory=set)
    _composed: dict[str, Path] | None = None
    """Files whose names have other letters than ASCII, by the name with its accents composed."""
    _listed: OrderedDict[Path, dict[str, list[str]]] = field(default_factory=OrderedDict)
    """Folder -> what lies in it, by its name without capitals, with and without its suffix."""

    def of(self, value: object, table: str = "") -> StoredImage:
        """The picture that a cell gives: as it is, as a path, in base64, or as Hugging Face's {bytes, path} of which either
        may be missing."""
        match value:
            case StoredImage():
                return value
            case str() if coded := _coded(value):
                return StoredImage.of(coded)
            case str():
                return self.get(value, table)
            case {"bytes": bytes() as data} if data:
                return StoredImage.of(data)
            case {"path": str() as name} if name:
                return self.get(name, table)
            case bytes() if value:
                return StoredImage.of(value)
        raise ImageError("missing image", f"neither bytes nor a path of an image, but {str(value)[:40]!r}")

    def get(self, name: str, table: str = "") -> StoredImage:
        """The picture that a row of the table names.

        Raises ImageError: 'bad path' for a URL or a path that leads out, 'missing image', 'ambiguous image', or what is
        wrong with it.
        """
        path = self.find(name, table)
        self._named.add(path)
        if path in self._kept:
            self._kept.move_to_end(path)
            return self._kept[path]
        picture = StoredImage.of(path)
        self._kept[path] = picture
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return picture

    def claim(self, row: Mapping[str, object], table: str) -> None:
        """Let the images that a row names count as named, though nothing came of the row."""
        for value in row.values():
            for name in value if isinstance(value, list) else [value]:
                if isinstance(name, str) and is_image(Path(name)):
                    with suppress(ImageError):
                        self._named.add(self.find(name, table))

    def unnamed(self) -> Iterator[Item]:
        """One item, filtered, that counts the images of the folder which no row named; none where there are none."""
        others = [name for name, path in self.delivery.files() if is_image(path) and path not in self._named]
        if others:
            what = f"{len(others)} images are named by no row that was read, {others[0]} the first of them"
            error = LeftOutError("unnamed image", f"{what}; deliver the rows that name them, or remove them")
            yield self.delivery.unreadable(UNNAMED, error)

    def name_of(self, name: str, table: str = "") -> str:
        """The name inside the source's folder of the file that a row names; the name itself where there is none."""
        try:
            return plain_name(self.find(name, table).relative_to(self.delivery.folder))
        except ImageError:
            return name

    def find(self, name: str, table: str = "") -> Path:
        """The file that a row names, inside the source's folder: the one beside its table, else the only one of that path
        below `folders`. Of several, of which no two are alike, the one whose folder the table's name tells."""
        shown = name[:80]
        if not name or "\0" in name or _SCHEME.match(name):
            raise ImageError("bad path", f"{shown!r} is not a path inside the folder; deliver the file and name it")
        if _DRIVE.match(name) or ".." in re.split(r"[/\\]", name):
            raise ImageError(
                "bad path", f"{shown!r} leads out of the source's folder; name it from there on, as images/a.png"
            )
        if "\\" in name:
            name = str(PurePosixPath(name.replace("\\", "/")))
        beside = str(PurePosixPath(table).parent).removeprefix(".")
        if table and (path := self._existing(beside, name)):
            return path
        places = dict.fromkeys([*self.folders, *(f"{beside}/{folder}" for folder in self.folders if beside and folder)])
        found = {folder: path for folder in places if (path := self._existing(folder, name))}
        found = found or {folder: path for folder in [beside, *places] if (path := self._meant(folder, name.strip()))}
        own = {folder: path for folder, path in found.items() if not _is_other_split(folder, table)}
        if len(own) > 1 and not _are_alike(own.values()):
            told = {folder: path for folder, path in own.items() if _is_told(folder, table)}
            own = told if len(told) == 1 else own
            if len(own) > 1:
                where = " and ".join(sorted(folder or "the source's folder" for folder in own)[:3])
                raise ImageError("ambiguous image", f"{shown!r} lies in {where}; write the folder into the table")
        if own:
            return next(iter(own.values()))
        other = f"; one of that name lies in {next(iter(found))}, of another split" if found else ""
        raise ImageError("missing image", f"{shown!r} was not delivered{other}")

    def _existing(self, folder: str, name: str) -> Path | None:
        """The file of that path below the folder, in whatever way its accents are written. Raises ImageError, 'bad path' or
        what `Delivery.check` raises."""
        path = self.delivery.folder / folder / name
        try:
            if path.is_symlink() or path.exists():
                self.delivery.check(path)
                return path
        except OSError as error:
            raise ImageError("bad path", f"{name[:80]!r}: {error.strerror}") from None
        if name.isascii() and folder.isascii():
            return None
        if self._composed is None:
            files = (path for _, path in self.delivery.files() if not str(path).isascii())
            self._composed = {composed(str(file)): file for file in files}
        return self._composed.get(composed(str(path)))

    def _meant(self, folder: str, name: str) -> Path | None:
        """The one file below the folder whose path differs in capitals or in its suffix being left out. Raises ImageError,
        'ambiguous image', for several."""
        path = self.delivery.folder / folder
        for part in PurePosixPath(name).parts:
            there = self._names(path).get(_folded(part), [])
            if len(there) > 1:
                raise ImageError(
                    "ambiguous image", f"{name[:80]!r} may be {' or '.join(there[:3])}; write it as it lies there"
                )
            if not there:
                return None
            path = path / there[0]
        if not path.is_file() or path.suffix.lower() not in SUFFIXES:
            return None
        self.delivery.check(path)
        return path

    def _names(self, folder: Path) -> dict[str, list[str]]:
        if folder not in self._listed:
            names: dict[str, list[str]] = {}
            for path in sorted(folder.iterdir()) if folder.is_dir() else ():
                bare = path.name.removesuffix(path.suffix) if path.suffix.lower() in SUFFIXES else path.name
                for key in {_folded(path.name), _folded(bare)}:
                    names.setdefault(key, []).append(path.name)
            self._listed[folder] = names
            if len(self._listed) > _LISTED:
                self._listed.popitem(last=False)
        return self._listed[folder]


def _folded(name: str) -> str:
    return composed(name).casefold()


def _coded(value: str) -> bytes | None:
    """The bytes of a picture that is written in base64, None for a name. Raises ImageError, 'undecodable'."""
    marked = _DATA.match(value)
    if not (marked or _CODED.match(value)):
        return None
    try:
        return base64.b64decode(value[marked.end() :] if marked else value)
    except binascii.Error as error:
        raise ImageError("undecodable", f"an image in base64: {error}; write it whole") from None


def is_image(path: Path) -> bool:
    """Whether the file is called as images are."""
    return path.suffix.lower() in SUFFIXES


def _is_other_split(folder: str, table: str) -> bool:
    """Whether the folder's name is of one split and the table's of another."""
    here, there = split_of(folder), split_of(table)
    return here is not None and there is not None and here is not there


def _is_told(folder: str, table: str) -> bool:
    """Whether the table's name holds that of the folder, or both are of one split."""
    last = PurePosixPath(folder).name
    return bool(last) and (last in PurePosixPath(table).stem or split_of(folder) is split_of(table) is not None)


def _are_alike(paths: Iterable[Path]) -> bool:
    """Whether the files hold the same bytes."""
    first, *others = paths
    return all(cmp(first, other, shallow=False) for other in others)


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
        elif suffix in ARCHIVES:
            yield delivery.unreadable(name, NOT_UNPACKED)
        elif suffix not in images:
            yield delivery.unknown(name, f"this format reads {', '.join(suffixes)} and images")
