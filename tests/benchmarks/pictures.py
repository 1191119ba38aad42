"""Pictures to read: windows of the default corpus's photographs, turned and mirrored, every second one in grey, all different."""

from pathlib import Path

import numpy as np
from PIL import Image

from components.images.raster import read_raster
from components.sources.delivery import corpus, locate

SIDE = 512
FROM = ("fundus", "histology")


def write_pictures(folder: Path, count: int, suffix: str) -> list[Path]:
    """`count` files of SIDE x SIDE pixels with that suffix (.jpg or .png), in order."""
    folder.mkdir(parents=True)
    files = [file for source in FROM for file in corpus()[source] if file.file.endswith((".jpg", ".png"))]
    photographs = [image for file in files if min((image := read_raster(locate(file))).shape[:2]) > SIDE]
    written = []
    for number in range(count):
        photograph = photographs[number % len(photographs)]
        generator = np.random.default_rng(number)
        top, left = (int(generator.integers(0, side - SIDE)) for side in photograph.shape[:2])
        turned = np.rot90(photograph[top : top + SIDE, left : left + SIDE], generator.integers(4))
        window = Image.fromarray(np.ascontiguousarray(np.flip(turned, 1) if generator.integers(2) else turned))
        path = folder / f"{'grey' if number % 2 else 'colour'}-{number:05d}{suffix}"
        (window.convert("L") if number % 2 else window).save(path, quality=90, compress_level=6)
        written.append(path)
    return written
