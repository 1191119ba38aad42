"""Names painted into frames as a machine writes them over an image, and frames in which nothing is written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import distribution
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tests.benchmarks.figures import say
from tests.benchmarks.originals import originals

Pixels = NDArray[np.uint8]
Box = tuple[int, int, int, int]
"""x0, y0, x1, y1."""

NAMES = (
    "Smith, John", "Li Wei", "Kim, Min-ji", "Eva Roth", "Ng, A.", "Hill, Tim", "GARCIA LOPEZ", "WANG^LEI", "St. Mary Hospital",
    "Ali Hatipoglu", "MUSTERMANN 1952", "Doe^Jane", "O'Neill, Sean", "Anna Schmidt", "J. Fischer", "MRN 4471203",
    "12.03.1961", "Dr. Iyer",
)  # fmt: skip
SIZES = (10, 12, 14, 18, 24, 36)
CONTRASTS = (40, 75, 125)
"""Grey levels between the letters and the 80th percentile of what lies under them; below the 20th for dark letters."""
FAINT = (20, 30)
"""… of letters that are asked for without a goal."""
FILM_SIZES = (16, 18, 20, 24, 30, 36, 48, 60)
SIDES = (512, 768, 1024, 1536, 2048, 3000)
FAMILIES = {
    "DejaVu Sans": "DejaVuSans.ttf",
    "Liberation Sans": "LiberationSans-Regular.ttf",
    "Liberation Serif": "LiberationSerif-Regular.ttf",
    "Liberation Mono": "LiberationMono-Regular.ttf",
    "Pillow's own": "",
}
_FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".fonts")
_A_FRAME = 12
"""Names on one frame: each is looked for by its place."""
_OF_A_SOURCE = 80
_OF_A_SOURCE_BETWEEN = 75
_TRIES = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Planted:
    """A text on a frame."""

    text: str
    family: str
    size: int
    contrast: int
    upright: bool
    """False where it is written from below to above."""
    box: Box

    def __str__(self) -> str:
        turned = "" if self.upright else ", turned"
        return f"{self.text!r} in {self.family} of {self.size} px at {self.contrast} grey levels{turned}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """A picture, and what is written on it."""

    pixels: Pixels
    planted: Sequence[Planted] = ()
    kind: str = ""


def fonts() -> dict[str, Path | None]:
    """Family -> its file, None for the one that Pillow carries; families that this machine lacks are named and left out."""
    found: dict[str, Path | None] = {}
    for family, name in FAMILIES.items():
        path = next((path for folder in _FONT_FOLDERS for path in sorted(folder.rglob(name))), None) if name else None
        if family == "DejaVu Sans" and path is None:
            path = Path(str(distribution("matplotlib").locate_file(f"matplotlib/mpl-data/fonts/ttf/{name}")))
        if path or not name:
            found[family] = path
        else:
            say(
                f"no {name} on this machine: nothing is measured in {family} (Debian: apt-get install fonts-liberation)"
            )
    return found


def painted(
    contrasts: Sequence[int], *, every: int, sides: Sequence[int] = SIDES, seed: int = 0, between: bool = False
) -> Iterator[Frame]:
    """Frames with the names in each font, size, contrast and direction, or every so manieth of these; turn by turn on real
    frames of each of these sides, or of those `between` them. Raises ValueError where a text finds no place."""
    rng = np.random.default_rng(seed)
    grid = list(product(fonts().items(), SIZES, contrasts, NAMES, (True, False)))
    order = [grid[at] for at in rng.permutation(len(grid))[: len(grid) // every]]
    under = grounds(between=between)
    waiting = list(order)
    number = 0
    while waiting:
        ground = enlarged(under[number % len(under)], sides[number % len(sides)], rng)
        frame, left = _painted(ground, waiting[:_A_FRAME], rng)
        waiting = left + waiting[_A_FRAME:]
        if frame.planted:
            yield frame
        number += 1
        if number > 10 * (len(order) + 1):
            raise ValueError(f"{len(waiting)} texts find no place on any frame; the grounds are too bright for them")


def _painted(ground: Pixels, asked: Sequence, rng: np.random.Generator) -> tuple[Frame, list]:
    """The frame with those texts that find a place, and those that do not."""
    picture, taken, planted, left = Image.fromarray(ground), [], [], []
    grey = np.asarray(picture.convert("L"))
    for entry in asked:
        (family, file), size, contrast, text, upright = entry
        stencil = _stencil(text, file, size, upright)
        box = _place(grey, stencil.size, contrast, taken, rng)
        if box is None:
            left.append(entry)
            continue
        x0, y0, x1, y1 = box
        level = _level(grey[y0:y1, x0:x1], contrast)
        picture.paste((level,) * len(picture.getbands()) if picture.mode == "RGB" else level, box, stencil)
        taken.append(box)
        planted.append(Planted(text=text, family=family, size=size, contrast=contrast, upright=upright, box=box))
    return Frame(pixels=np.asarray(picture), planted=planted, kind=f"{max(ground.shape)} px"), left


def _stencil(text: str, file: Path | None, size: int, upright: bool) -> Image.Image:
    """Where its ink is, as a grey image that the ink just fits into."""
    font = ImageFont.truetype(str(file), size) if file else ImageFont.load_default(size)
    x0, y0, x1, y1 = map(int, font.getbbox(text))
    stencil = Image.new("L", (x1 - x0 + 2, y1 - y0 + 2))
    ImageDraw.Draw(stencil).text((1 - x0, 1 - y0), text, fill=255, font=font)
    return stencil if upright else stencil.transpose(Image.Transpose.ROTATE_90)


def _place(
    grey: Pixels, shape: tuple[int, int], contrast: int, taken: Sequence[Box], rng: np.random.Generator
) -> Box | None:
    """Somewhere at random where nothing is written yet and that is not too bright for the contrast."""
    width, height = shape
    if width + 8 >= grey.shape[1] or height + 8 >= grey.shape[0]:
        return None
    for _ in range(_TRIES):
        x0, y0 = int(rng.integers(4, grey.shape[1] - width - 4)), int(rng.integers(4, grey.shape[0] - height - 4))
        box = x0, y0, x0 + width, y0 + height
        if any(x0 < b[2] + 60 and b[0] < box[2] + 60 and y0 < b[3] + 60 and b[1] < box[3] + 60 for b in taken):
            continue
        if 0 <= _level(grey[y0 : box[3], x0 : box[2]], contrast) <= 255:
            return box
    return None


def _level(under: Pixels, contrast: int) -> int:
    """The ink's: brighter than four fifths of what lies under it, or darker."""
    return int(np.percentile(under, 80 if contrast > 0 else 20)) + contrast


def noisy_films(*, written: bool, seed: int = 0) -> Iterator[Frame]:
    """Grey films under detector noise, with and without a black bar above; with a name in the bar where it is written."""
    text = "TESTPATIENT ANNA 01.02.1950"
    for side, noise, size in product((700, 1024, 1400, 2048, 3000), (5, 6, 8, 10, 15, 20, 25, 30), FILM_SIZES):
        rng = np.random.default_rng([seed, side, noise, size])
        values = np.clip(rng.normal(110, noise, (side, side)), 0, 255).astype(np.uint8)
        if written or size % 4:
            values[: 2 * size + 10] = 0
        picture = Image.fromarray(values)
        stencil = _stencil(text, None, size, True)
        if not written:
            yield Frame(pixels=values, kind=f"noise {noise}, {side} px")
        elif stencil.width + 10 < side:
            box = 10, 8, 10 + stencil.width, 8 + stencil.height
            picture.paste(255, box, stencil)
            spot = Planted(text=text, family="Pillow's own", size=size, contrast=255, upright=True, box=box)
            yield Frame(pixels=np.asarray(picture), planted=[spot], kind=f"noise {noise}, {side} px")


@lru_cache
def grounds(*, between: bool = False) -> list[Pixels]:
    """Real frames outside ultrasound, some of each source of the default corpus; or others that lie between them."""
    by_source: dict[str, list[Pixels]] = {}
    for one in originals(1, side=3000):
        source = one.patient.split()[0]
        if source not in ("photograph", "ultrasound"):
            by_source.setdefault(source, []).append(one.pixels)
    return [
        images[at]
        for images in (images[between::2] for images in by_source.values())
        for at in sorted(
            {round(k) for k in np.linspace(0, len(images) - 1, _OF_A_SOURCE_BETWEEN if between else _OF_A_SOURCE)}
        )
    ]


def enlarged(pixels: Pixels, side: int, rng: np.random.Generator) -> Pixels:
    """As a frame of so many pixels on its longer side, with the grain that a detector of this size has."""
    factor = side / max(pixels.shape[:2])
    size = round(pixels.shape[1] * factor), round(pixels.shape[0] * factor)
    large = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC), np.float32)
    return np.clip(large + rng.normal(0, 3, large.shape[:2] + (1,) * (large.ndim - 2)), 0, 255).astype(np.uint8)
