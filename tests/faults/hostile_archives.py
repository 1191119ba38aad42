"""Hostile archives: tar, zip, npz and Parquet with names that lead out, links, bombs and entries without end."""

import io
import pickle
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

from tests.faults.cases import KEPT, Case, one, several
from tests.faults.hostile_pictures import MIB, code, picture, saved

ENTRIES = 1_000_000
_BLOCK = 512
_ENDS = bytes(2 * _BLOCK)


def _whole() -> bytes:
    return saved(picture(), "PNG")


def _tar(*members: tuple[str, bytes | tarfile.TarInfo]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in members:
            if isinstance(content, tarfile.TarInfo):
                content.name = name
                archive.addfile(content)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def _special(kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo()
    info.type, info.linkname = kind, target
    return info


def _header(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


def _endless(path: Path, name: str, kind: bytes = tarfile.REGTYPE) -> None:
    """A million members without content."""
    block = b"".join(_header(name.format(number), 0, kind) for number in range(10_000))
    with path.open("wb") as handle:
        for _ in range(ENTRIES // 10_000):
            handle.write(block)
        handle.write(_ENDS)


def _sparse(path: Path, header: bytes, size: int) -> None:
    """A header, so many bytes of nothing that take no room on disk, and the end."""
    with path.open("wb") as handle:
        handle.write(header)
        handle.truncate(len(header) + size)
        handle.seek(0, 2)
        handle.write(_header("a.png", 0) + _ENDS)


def _holes() -> bytes:
    """A GNU sparse member: no bytes stored, 250 MiB to be read."""
    data = bytearray(_header("a.png", 0, tarfile.GNUTYPE_SPARSE))
    data[386:398] = data[398:410] = b"%011o\0" % 0
    data[483:495] = b"%011o\0" % (250 * MIB)
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data)
    return bytes(data) + _ENDS


def _zip(entries: Iterable[tuple[str, bytes]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return out.getvalue()


def _zip_in_zip() -> bytes:
    data = _zip([("0.dll", bytes(MIB))])
    for _ in range(5):
        data = _zip((f"lib {n}.zip", data) for n in range(16))
    return data


def _many_entries() -> bytes:
    """A zip whose directory lists a million entries."""
    local = struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, 0, 0, 0, 0, 0, 0, 0, 5, 0) + b"a.npy"
    fixed = struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0)
    listed = b"".join(fixed + b"%07d" % n for n in range(10_000)) * (ENTRIES // 10_000)
    wide = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, ENTRIES, ENTRIES, len(listed), len(local))
    place = struct.pack("<4sIQI", b"PK\6\7", 0, len(local) + len(listed), 1)
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return local + listed + wide + place + end


def _array(shape: tuple[int, ...], kind: str = "|u1") -> bytes:
    text = repr({"descr": kind, "fortran_order": False, "shape": shape}).encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text


def _npz(images: bytes, **further: bytes) -> bytes:
    arrays = {f"{split}_{what}.npy": b"" for split in ("train", "val", "test") for what in ("images", "labels")}
    arrays = {name: _array((0, 28, 28) if "images" in name else (0, 1)) for name in arrays}
    return _zip(
        (arrays | {"train_images.npy": images} | {f"{name}.npy": data for name, data in further.items()}).items()
    )


def _million_pictures() -> bytes:
    """A million pictures of 28 x 28 zeros, with their labels, in less than a megabyte."""
    return _npz(
        _array((ENTRIES, 28, 28)) + bytes(28 * 28 * ENTRIES), train_labels=_array((ENTRIES, 1)) + bytes(ENTRIES)
    )


def _pickled() -> bytes:
    """An array of objects, which numpy would load by running them."""
    return _npz(_array((1,), "|O") + code())


def _parquet(value: bytes, count: int = 1, **metadata: bytes) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    table = pa.table({"image": pa.array([value] * count), "caption": ["A chest X-ray."] * count})
    pq.write_table(
        table.replace_schema_metadata(metadata or None),
        out,
        compression="zstd",
        use_dictionary=count > 1,
        write_statistics=False,
    )
    return out.getvalue()


ARCHIVES: dict[str, Case] = {
    "tar: ../, absolute, links, a device, a pipe": several(
        "webdataset",
        {
            "s.tar": lambda: _tar(
                ("good.png", _whole()),
                ("../out.png", _whole()),
                ("/tmp/absolute.png", _whole()),
                ("soft.png", _special(tarfile.SYMTYPE, "/etc/passwd")),
                ("hard.png", _special(tarfile.LNKTYPE, "/etc/passwd")),
                ("device.png", _special(tarfile.CHRTYPE)),
                ("pipe.png", _special(tarfile.FIFOTYPE)),
                ("last.png", _whole()),
            )
        },
        {KEPT: 2, "bad path": 2, "not a file": 4},
    ),
    "tar: names that are none": several(
        "webdataset",
        {"s.tar": lambda: _tar((".", _whole()), ("..", _whole()), ("/", _whole()), ("a.png", _whole()))},
        {KEPT: 1, "missing image": 3},
    ),
    "tar: duplicate names, names that differ in case": several(
        "webdataset",
        {"s.tar": lambda: _tar(*((name, _whole()) for name in ("a.png", "a.png", "b.png", "B.png", "c.png", "b.png")))},
        {KEPT: 3, "duplicate key": 2},
    ),
    "tar of 1 000 000 entries": Case(
        format="webdataset",
        files={"s.tar": lambda path: _endless(path, "{:07d}.png")},
        outcome={"empty file": 1000, "too many errors": 1},
    ),
    "tar of 1 000 000 folders": Case(
        format="webdataset",
        files={"s.tar": lambda path: _endless(path, "{:07d}", tarfile.DIRTYPE)},
        outcome={"too many errors": 1},
    ),
    "tar, a name of 1 GiB": Case(
        format="webdataset",
        files={"s.tar": lambda path: _sparse(path, _header("n", 2**30, tarfile.GNUTYPE_LONGNAME), 2**30)},
        outcome={"too large": 1},
    ),
    "tar, a PAX header of 1 GiB": Case(
        format="webdataset",
        files={"s.tar": lambda path: _sparse(path, _header("n", 2**30, tarfile.XHDTYPE), 2**30)},
        outcome={"too large": 1},
    ),
    "tar, an image of 1 GiB": Case(
        format="webdataset",
        files={"s.tar": lambda path: _sparse(path, _header("b.png", 2**30), 2**30)},
        outcome={"too large": 1, "empty file": 1},
    ),
    "tar, 250 MiB of holes": one("webdataset", "s.tar", _holes, "not an image"),
    "tar cut off": several("webdataset", {"s.tar": lambda: _tar(("a.png", _whole()))[:700]}, {"not a tar": 1}),
    "zip with ../, zip in zip in zip (42.zip)": several(
        "webdataset",
        {"out.zip": lambda: _zip([("../../out.png", _whole())]), "42.zip": _zip_in_zip},
        {"not unpacked": 2},
    ),
    "zip and tar named .png": several(
        "images",
        {"42.png": _zip_in_zip, "tar.png": lambda: _tar(("a.png", _whole()))},
        {"not an image": 2},
    ),
    "npz of 1 000 000 entries": one("medmnist", "chestmnist.npz", _many_entries, "too large"),
    "npz of 1 000 000 pictures in 1 MB": one("medmnist", "breastmnist.npz", _million_pictures, "too large"),
    "npz, a row of 1 TiB": one("medmnist", "breastmnist.npz", lambda: _npz(_array((0, 2**20, 2**20))), "too large"),
    "npz of Python objects": one("medmnist", "breastmnist.npz", _pickled, "pickle refused"),
    "Parquet, a value of 1 GiB": one("parquet", "a.parquet", lambda: _parquet(bytes(2**30)), "too large"),
    "Parquet, 2 000 values of 1 MiB in one": one(
        "parquet", "a.parquet", lambda: _parquet(bytes(MIB), 2000), "too large"
    ),
    "Parquet, pickle in its metadata": one("parquet", "a.parquet", lambda: _parquet(_whole(), pandas=code()), KEPT),
    "Parquet cut off": one("parquet", "a.parquet", lambda: _parquet(_whole())[:-9], "not Parquet"),
    "pickles": several(
        "parquet",
        {"a.pkl": code, "b.pt": code, "c.bin": lambda: pickle.dumps({}) + zlib.compress(code())},
        {"pickle refused": 3},
    ),
}
