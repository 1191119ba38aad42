"""How images and texts change on their way from hand to hand. Every function takes what is changed and a generator."""
# Shapes: H, W = an image's sides; every image is (H, W) or (H, W, 3).

import io
import re
from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from components.images.png import encode_png

EXACT, NEAR = 0.99, 0.95
"""Goals: the share of exact and of near copies that is to be found."""
Pixels = NDArray[np.uint8]
Change = Callable[[Pixels, np.random.Generator], bytes]
"""Pixels -> the file that is handed on."""


def png(pixels: Pixels) -> bytes:
    return encode_png(pixels)


def same_file(pixels: Pixels, generator: np.random.Generator) -> bytes:
    return png(pixels)


def same_pixels(pixels: Pixels, generator: np.random.Generator) -> bytes:
    """Another file of the same pixels: grey as RGB, packed otherwise, or as TIFF."""
    image = Image.fromarray(pixels)
    if pixels.ndim == 2 and generator.integers(2):
        image = image.convert("RGB")
    return _file(image, ("PNG", "TIFF", "BMP")[generator.integers(3)])


def jpeg(pixels: Pixels, generator: np.random.Generator) -> bytes:
    return _file(Image.fromarray(pixels), "JPEG", quality=int(generator.integers(50, 91)))


def resized(pixels: Pixels, generator: np.random.Generator) -> bytes:
    """0.5 to 2 times the size, evenly on a logarithmic scale."""
    return _file(_scaled(Image.fromarray(pixels), generator), "PNG")


def cropped(pixels: Pixels, generator: np.random.Generator) -> bytes:
    """Up to 5 % of the picture less."""
    return _cropped(pixels, 1 - 0.95**0.5, generator)


def cropped_more(pixels: Pixels, generator: np.random.Generator) -> bytes:
    """Up to 5 % of each side less, so up to a tenth of the picture."""
    return _cropped(pixels, 0.05, generator)


def one_bit(pixels: Pixels, generator: np.random.Generator) -> bytes:
    """Any bit of any one value."""
    changed = pixels.copy()
    changed.reshape(-1)[generator.integers(changed.size)] ^= np.uint8(1 << generator.integers(8))
    return encode_png(changed)


def windowed(pixels: Pixels, generator: np.random.Generator) -> bytes:
    """Another contrast (0.7 to 1.4 about the middle), brightness (25 grey levels either way) and gamma (0.8 to 1.25)."""
    gamma = np.exp(generator.uniform(np.log(0.8), np.log(1.25)))
    values = 255 * (pixels / 255.0) ** gamma
    values = (values - 127.5) * generator.uniform(0.7, 1.4) + 127.5 + generator.uniform(-25, 25)
    return encode_png(values.round().clip(0, 255).astype(np.uint8))


def encoded_again(pixels: Pixels, generator: np.random.Generator) -> bytes:
    """Scaled, then JPEG: what a web page does."""
    return _file(_scaled(Image.fromarray(pixels), generator), "JPEG", quality=int(generator.integers(50, 91)))


def mirrored(pixels: Pixels, generator: np.random.Generator) -> bytes:
    """Left and right changed over: another image."""
    return encode_png(np.ascontiguousarray(pixels[:, ::-1]))


SYNONYMS: Mapping[str, str] = {
    **{
        "image": "picture",
        "picture": "image",
        "scan": "image",
        "shown": "displayed",
        "visible": "seen",
        "seen": "visible",
    },
    **{"shows": "displays", "show": "display", "showing": "displaying", "evidence": "signs", "located": "found"},
    **{"large": "big", "big": "large", "small": "little", "which": "what", "contains": "includes", "used": "employed"},
    **{"obtained": "acquired", "acquired": "obtained", "demonstrates": "shows", "demonstrating": "showing"},
    **{
        "several": "various",
        "also": "moreover",
        "each": "every",
        "data": "information",
        "using": "with",
        "about": "around",
    },
    **{"kind": "type", "type": "kind", "patient": "person", "depicted": "shown"},
    **{
        "provided": "given",
        "included": "contained",
        "performed": "done",
        "consists": "is made",
        "subjects": "participants",
    },
}
"""Words that say the same, or nearly."""
OTHER_STATEMENT: Mapping[str, Mapping[str, str]] = {
    "another number": {},
    "another organ or finding": {
        **{
            "lung": "liver",
            "lungs": "kidneys",
            "liver": "spleen",
            "spleen": "liver",
            "kidney": "pancreas",
            "brain": "neck",
        },
        **{"heart": "aorta", "bone": "muscle", "mass": "fracture", "tumor": "haematoma", "effusion": "pneumothorax"},
        **{
            "nodule": "cyst",
            "bleeding": "infection",
            "fluid": "air",
            "calcification": "fracture",
            "fracture": "tumour",
        },
        **{
            "lesion": "stenosis",
            "artery": "vein",
            "vein": "artery",
            "vessel": "nerve",
            "skin": "bone",
            "cyst": "abscess",
        },
    },
    "another side": {"left": "right", "right": "left", "upper": "lower", "lower": "upper", "bilateral": "left"},
    "a denial": {"is": "is not", "are": "are not", "was": "was not", "were": "were not", "shows": "never shows"},
}
"""Words that make another statement of it; a number is changed for the next but some."""


def as_text(said: str, generator: np.random.Generator) -> Iterator[tuple[str, float | None, str]]:
    """(kind, goal, text) for each way in which a text can be handed on; without a goal it is another statement."""
    yield "copied", EXACT, copied_text(said, generator)
    for words, name in ((1, "one word changed"), (2, "two words changed")):
        if changed := reworded(said, words, generator):
            yield name, NEAR, changed
    for how in OTHER_STATEMENT:
        if changed := said_otherwise(said, how, generator):
            yield f"no copy, {how}", None, changed


def reworded(said: str, words: int, generator: np.random.Generator) -> str | None:
    """The text with so many words changed for others that say the same; None where it has fewer of them."""
    return _exchanged(said, SYNONYMS, words, generator)


def said_otherwise(said: str, how: str, generator: np.random.Generator) -> str | None:
    """The text as another statement, by one word or one number; None where it has none of them."""
    if how == "another number":
        words = said.split()
        places = [at for at, word in enumerate(words) if re.fullmatch("[0-9]+", word.strip(".,;:()?"))]
        if not places:
            return None
        at = places[generator.integers(len(places))]
        number = words[at].strip(".,;:()?")
        words[at] = words[at].replace(number, str(int(number) + 1 + int(generator.integers(9))), 1)
        return " ".join(words)
    return _exchanged(said, OTHER_STATEMENT[how], 1, generator)


def copied_text(said: str, generator: np.random.Generator) -> str:
    """The text in other letters, blanks and stops: what a copy from a page brings along."""
    return (said, said.upper(), f" {said}  ", said.replace(" ", "  "), said.rstrip(".?"))[generator.integers(5)]


def run_within(said: str, before: str, after: str, run: int, generator: np.random.Generator) -> str:
    """`run` words in a row of the text, between two other texts."""
    words = said.split()
    start = int(generator.integers(0, len(words) - run + 1))
    return " ".join([before, *words[start : start + run], after])


def _cropped(pixels: Pixels, most: float, generator: np.random.Generator) -> bytes:
    """Each side without 1 % to `most` of it, shared out to its two ends at random."""
    slices = []
    for side in pixels.shape[:2]:
        less = int(side * generator.uniform(0.01, most))
        start = int(generator.integers(0, less + 1))
        slices.append(slice(start, side - less + start))
    return encode_png(np.ascontiguousarray(pixels[tuple(slices)]))


def _exchanged(said: str, words: Mapping[str, str], count: int, generator: np.random.Generator) -> str | None:
    parts = said.split(" ")
    places = [at for at, part in enumerate(parts) if part.strip(".,;:()?").lower() in words]
    if len(places) < count:
        return None
    for at in generator.permutation(places)[:count]:
        core = parts[at].strip(".,;:()?")
        parts[at] = parts[at].replace(core, words[core.lower()], 1)
    return " ".join(parts)


def _scaled(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    factor = 2 ** generator.uniform(-1, 1)
    filters = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, filters[generator.integers(3)])


def _file(image: Image.Image, form: str, **options: int) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()
