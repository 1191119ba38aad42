"""Images to the size they are stored and drawn at: padded to a square if asked, then scaled. Photographs bicubic,
label maps by nearest neighbour (interpolated labels would invent organs)."""

import numpy as np

from components.images.limits import check_size

_SQUARE = 1.01
"""Pixels up to so oblong count as square."""

# Shapes: H, W = rows and columns; an image is (H, W) grey or (H, W, 3) RGB, uint8.


def fit_image(image: np.ndarray, side: int, *, square: bool, labels: bool = False) -> np.ndarray:
    """The image at the stored size.

    `square`: padded to a square, centred, with its border's colour, then exactly (side, side[, 3]).
    Else the longer side is at most `side`, the aspect is kept and small images stay as they are.
    `labels`: nearest neighbour, every colour of the result occurs in the input.
    """
    if square:
        return scale_image(pad_to_square(image), side, side, labels=labels)
    height, width = image.shape[:2]
    longer = max(height, width)
    if longer <= side:
        return image
    return scale_image(
        image, max(1, round(height * side / longer)), max(1, round(width * side / longer)), labels=labels
    )


def is_fitted(width: int, height: int, side: int, *, square: bool) -> bool:
    """Whether `fit_image` leaves an image of this size as it is."""
    return width == height == side if square else max(width, height) <= side


def pad_to_square(image: np.ndarray) -> np.ndarray:
    """The image in the middle of a square of its longer side; the margin has the border's median colour."""
    height, width = image.shape[:2]
    if height == width:
        return image
    side, top, left = square_around(height, width)
    padded = np.empty((side, side, *image.shape[2:]), np.uint8)
    padded[...] = border_colour(image)
    padded[top : top + height, left : left + width] = image
    return padded


def square_around(height: int, width: int) -> tuple[int, int, int]:
    """(side of the square that `pad_to_square` makes, row and column where the image begins in it)."""
    side = max(height, width)
    return side, (side - height) // 2, (side - width) // 2


def border_colour(image: np.ndarray) -> np.ndarray:
    """The median of the outermost pixels, per channel: shape () for grey, (3,) for RGB. Occurs in the border."""
    edges = (image[0], image[-1], image[1:-1, 0], image[1:-1, -1])
    border = np.concatenate([edge.reshape(-1, *image.shape[2:]) for edge in edges])
    return np.sort(border, axis=0)[len(border) // 2]


def scale_image(image: np.ndarray, height: int, width: int, *, labels: bool = False) -> np.ndarray:
    """The image at exactly (height, width); Pillow's bicubic (antialiased when it shrinks), or nearest for labels."""
    from PIL import Image

    if image.shape[:2] == (height, width):
        return image
    method = Image.Resampling.NEAREST if labels else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(np.ascontiguousarray(image)).resize((width, height), method))


def square_size(height: int, width: int, down: float, across: float) -> tuple[int, int]:
    """(height, width) of an image with square pixels as fine as its finer side; `down` and `across` say how far its pixels
    lie apart now. A difference of a hundredth leaves it as it is."""
    finest = min(down, across)
    if max(down, across) <= _SQUARE * finest:
        return height, width
    return round(height * down / finest), round(width * across / finest)


def with_square_pixels(image: np.ndarray, down: float, across: float, *, labels: bool = False) -> np.ndarray:
    """The image in its true proportions, values in between linear, or nearest for labels. Raises ImageError, 'too large'."""
    from PIL import Image

    height, width = square_size(image.shape[0], image.shape[1], down, across)
    if image.shape[:2] == (height, width):
        return image
    check_size(width, height)
    method = Image.Resampling.NEAREST if labels else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(np.ascontiguousarray(image)).resize((width, height), method))


def degrade(image: np.ndarray, factor: int) -> np.ndarray:
    """What super-resolution starts from: bicubic down by the factor and back up (`sr4.bicubic@1`). Same shape.

    Raises ValueError when a side is shorter than the factor.
    """
    height, width = image.shape[:2]
    if min(height, width) < factor:
        raise ValueError(
            f"an image of {width}x{height} cannot be degraded {factor} times; its side must be >= {factor}"
        )
    return scale_image(scale_image(image, height // factor, width // factor), height, width)
