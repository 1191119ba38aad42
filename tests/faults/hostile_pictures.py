"""Hostile and broken pictures: PNG, JPEG, GIF, TIFF and WebP files that promise more than they hold, or that never end."""

import io
import pickle
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from tests.faults.cases import KEPT, Case, one, several

CANARY = Path("unimed-canary")
"""A file that appears in the current folder when a pickle was executed."""
MIB = 2**20


def picture(side: int = 64) -> Image.Image:
    """Something to see, grey, in a picture that a suite keeps."""
    across = np.arange(side, dtype=np.uint8)
    return Image.fromarray(across[:, None] * 2 + across[None, :])


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def zeros(mebibytes: int, window_bits: int = 15) -> bytes:
    """A deflate stream of that many MiB of zeros; the check sum at its end is left out."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, window_bits)
    start = squeeze.compress(bytes(MIB)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    again = squeeze.compress(bytes(MIB)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    return start + again * (mebibytes - 1)


class Canary:
    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (CANARY,))


def code() -> bytes:
    """A pickle that leaves CANARY behind when it is loaded."""
    return pickle.dumps(Canary())


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *extra: bytes, rows: bytes = b"") -> bytes:
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    rows = rows or zlib.compress(bytes((64 + 1) * 64))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def _animated_png() -> bytes:
    control = struct.pack(">IIIIIHHBB", 0, 64, 64, 0, 0, 1, 100, 0, 0)
    frame = b"".join(
        _chunk(b"fcTL", struct.pack(">I", n) + control[4:]) + _chunk(b"fdAT", struct.pack(">I", n + 1))
        for n in range(1, 200_000, 2)
    )
    start = _chunk(b"acTL", struct.pack(">II", 100_000, 0)) + _chunk(b"fcTL", control)
    whole = png(64, 64, start)
    return whole[:-12] + frame + whole[-12:]


def jpeg(change: Callable[[bytearray], bytearray], **options: object) -> bytes:
    return bytes(change(bytearray(saved(picture(), "JPEG", **options))))


def large_frame(data: bytearray) -> bytearray:
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", 65_535, 65_535)
    return data


def _many_scans(data: bytearray) -> bytearray:
    at = data.rindex(b"\xff\xda")
    return data[:at] + data[at:-2] * 5000 + data[-2:]


def _turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(picture(), "JPEG", exif=exif)


def _gif() -> bytes:
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x4c\x01\x00"
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6) + frame * 1_000_000 + b"\x3b"


def _circular_tiff() -> bytes:
    entry = struct.pack("<HHII", 256, 3, 1, 8)
    return b"II*\x00" + struct.pack("<I", 8) + struct.pack("<H", 1) + entry + struct.pack("<I", 8)


def _pages(count: int, back: bool) -> bytes:
    """A readable page and further lists of tags after it; `back` leads from the last of them to the first again."""
    data = bytearray(saved(picture(), "TIFF"))
    at = first = struct.unpack_from("<I", data, 4)[0]
    entries = struct.unpack_from("<H", data, at)[0]
    tags = bytes(data[at : at + 2 + 12 * entries])
    for _ in range(count):
        struct.pack_into("<I", data, at + len(tags), len(data))
        at = len(data)
        data += tags + bytes(4)
    struct.pack_into("<I", data, at + len(tags), first if back else 0)
    return bytes(data)


def _many_values() -> bytes:
    """A TIFF whose tag promises 4 294 967 295 values."""
    data = bytearray(saved(picture(), "TIFF"))
    at = struct.unpack_from("<I", data, 4)[0] + 2
    struct.pack_into("<HHI", data, at, 273, 4, 0xFFFFFFFF)
    return bytes(data)


def _webp() -> bytes:
    extended = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + (16_382).to_bytes(3, "little") * 2
    body = b"WEBP" + extended + b"ANIM" + struct.pack("<I", 6) + bytes(6)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _see_through() -> Image.Image:
    indexed = picture().convert("P")
    indexed.info["transparency"] = 3
    return indexed


def _sixteen() -> Image.Image:
    return Image.fromarray(np.asarray(picture(), np.uint16) * 200)


PICTURES: dict[str, Case] = {
    "PNG of 50 000 x 50 000": one("images", "a.png", lambda: png(50_000, 50_000), "too large"),
    "PNG, zTXt of 1 GiB": one(
        "images", "a.png", lambda: png(64, 64, _chunk(b"zTXt", b"k\0\0" + zeros(1024))), "undecodable"
    ),
    "PNG, iTXt of 1 GiB": one(
        "images", "a.png", lambda: png(64, 64, _chunk(b"iTXt", b"k\0\1\0\0\0" + zeros(1024))), "undecodable"
    ),
    "PNG, colour profile of 1 GiB": one(
        "images", "a.png", lambda: png(64, 64, _chunk(b"iCCP", b"k\0\0" + zeros(1024))), "undecodable"
    ),
    "PNG, 1 GiB of rows for 64": one("images", "a.png", lambda: png(64, 64, rows=zeros(1024)), "blank image"),
    "PNG of 100 000 frames": one("images", "a.png", _animated_png, "several images"),
    "GIF of 1 000 000 frames": one("images", "a.gif", _gif, "not an image"),
    "TIFF with circular IFD": one("images", "a.tif", _circular_tiff, "not an image"),
    "TIFF, page after page in a circle": one("images", "a.tif", lambda: _pages(1, True), "several images"),
    "TIFF of 100 000 pages": one("images", "a.tif", lambda: _pages(100_000, False), "several images"),
    "TIFF, tag of 4 294 967 295 values": one("images", "a.tif", _many_values, "not an image"),
    "JPEG, SOF of 65 535 x 65 535": one("images", "a.jpg", lambda: jpeg(large_frame), "too large"),
    "JPEG of 5 000 passes": one("images", "a.jpg", lambda: jpeg(_many_scans, progressive=True), "too large"),
    "WebP, canvas of 16 383 x 16 383": one("images", "a.webp", _webp, "too large"),
    "pickle named .png": one("images", "a.png", code, "not an image"),
    "truncated JPEG": one("images", "a.jpg", lambda: jpeg(lambda data: data[: len(data) // 2]), "undecodable"),
    "0 x 0": one("images", "a.png", lambda: png(0, 0), "not an image"),
    "0 bytes": one("images", "a.png", lambda: b"", "empty file"),
    "all one colour": one("images", "a.png", lambda: saved(Image.new("L", (64, 64), 77), "PNG"), "blank image"),
    "CMYK, 16 bits, palette with alpha, EXIF rotation": several(
        "images",
        {
            "cmyk.jpg": lambda: saved(picture().convert("CMYK"), "JPEG"),
            "deep.png": lambda: saved(_sixteen(), "PNG"),
            "deep-too.tif": lambda: saved(_sixteen(), "TIFF"),
            "palette.png": lambda: saved(_see_through(), "PNG"),
            "turned.jpg": _turned,
        },
        {KEPT: 5},
    ),
}
