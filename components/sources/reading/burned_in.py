"""Text burned into pixels: held until a person who looked, or the recipe, lets it pass."""

import numpy as np
from numpy.typing import NDArray

from components.images.burned_text import text_rows
from components.images.limits import ImageError
from components.sources.delivery_folder import Delivery


def is_cleared(delivery: Delivery, name: str) -> bool:
    """Whether a person who looked, or the recipe, says that the file's pixels name nobody."""
    allowed = delivery.settings.options.get("burned_in", "hold") == "allow"
    return allowed or delivery.labels.of(name).get("burned_in") == "no"


def refuse_text(pixels: NDArray[np.uint8], where: str) -> None:
    """Raise ImageError, reason 'burned-in text', where rows of letters are found; `where` names the image."""
    if rows := text_rows(pixels):
        raise ImageError(
            "burned-in text",
            f"{where} shows {sum(row.glyphs for row in rows)} letters in {len(rows)} rows, the first at "
            f"{rows[0].box}; look at it, then say `burned_in,no` or give `crop` in labels.csv",
        )
