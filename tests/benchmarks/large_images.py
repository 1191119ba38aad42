"""What reading an image near the limit of pixels takes: `python -m tests.benchmarks.large_images`.

Images of 40 megapixels of every kind that is read in bands of rows, each by `StoredImage.of` in a process of its own:
the peak of its memory beyond what it had before, against 512 MiB, and the CPU's seconds.
"""

import argparse
import multiprocessing
import struct
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from components.images.stored import StoredImage
from tests.benchmarks.figures import Figure, plain, report, within
from tests.benchmarks.memory import peak_bytes

HEIGHT, WIDTH = 5000, 8000
BYTES_LIMIT = 512 * 2**20


def _slope(step: int) -> NDArray[np.uint8]:
    down, across = np.ogrid[:HEIGHT, :WIDTH]
    return ((down * 2 + across * step) // 160 % 256).astype(np.uint8)


def _colours() -> Image.Image:
    return Image.merge("RGB", [Image.fromarray(_slope(step)) for step in (1, 3, 5)])


def _sixteen() -> Image.Image:
    return Image.fromarray(_slope(3).astype(np.uint16) * 200)


def _turned(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    _colours().save(path, exif=exif)


def _deep(path: Path) -> None:
    """RGB of 16 bits, which Pillow does not write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    squeeze, across = zlib.compressobj(1), np.arange(3 * WIDTH)
    rows = [squeeze.compress(b"\0" + ((across + down) * 2 % 2**16).astype(">u2").tobytes()) for down in range(HEIGHT)]
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, 2, 0, 0, 0)
    packed = b"".join([*rows, squeeze.flush()])
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b""))


IMAGES: Mapping[str, tuple[str, Callable[[Path], None]]] = {
    "RGB JPEG": ("a.jpg", lambda path: _colours().save(path)),
    "RGB JPEG, turned": ("b.jpg", _turned),
    "CMYK JPEG": ("c.jpg", lambda path: _colours().convert("CMYK").save(path)),
    "RGB PNG": ("a.png", lambda path: _colours().save(path, compress_level=1)),
    "RGB PNG with alpha": ("b.png", lambda path: _colours().convert("RGBA").save(path, compress_level=1)),
    "grey PNG of 16 bits": ("c.png", lambda path: _sixteen().save(path, compress_level=1)),
    "RGB PNG of 16 bits": ("d.png", _deep),
    "RGB TIFF": ("a.tif", lambda path: _colours().save(path)),
    "grey TIFF of 16 bits": ("b.tif", lambda path: _sixteen().save(path)),
}
"""Kind -> (name of the file, what writes it)."""


def main(arguments: list[str] | None = None) -> int:
    argparse.ArgumentParser(description=__doc__).parse_args(arguments)
    return report("large_images", measured())


def measured() -> Iterator[Figure]:
    """The memory of reading each kind."""
    for kind, peak, seconds in peaks():
        note = f"{seconds:.2f} CPU s"
        yield within(f"large_images.{plain(kind)}", peak, "bytes", BYTES_LIMIT, note=note)


def peaks() -> Iterator[tuple[str, int, float]]:
    """(kind, bytes at the peak, CPU seconds) of each."""
    fork = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as folder:
        for kind, (name, write) in IMAGES.items():
            path = Path(folder) / name
            writer = fork.Process(target=write, args=(path,))  # what it leaves in memory stays out of the figure
            writer.start()
            writer.join()
            here, there = fork.Pipe(duplex=False)
            reader = fork.Process(target=_read, args=(path, there))
            reader.start()
            there.close()
            yield kind, *here.recv()
            reader.join()
            path.unlink()


def _read(path: Path, there: Connection) -> None:
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before, began = peak_bytes(), time.process_time()
    StoredImage.of(path)
    there.send((peak_bytes() - before, time.process_time() - began))


if __name__ == "__main__":
    sys.exit(main())
