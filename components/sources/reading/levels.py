"""How high an axial slice lies in what its volume shows, where the volume shows all of it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_END_SHARE = 0.01
"""Of an end slice of the volume that may be inside the region, by noise: more of it, and the region goes on outside."""


def levels(inside: NDArray[np.bool_], indices: Sequence[int]) -> dict[int, str]:
    """Index of an axial slice -> lower, middle or upper third of the usable ones (feet to head).

    Nothing where the region reaches the volume's first or last slice: the third of a scan is not the third of a body
    part that the scan cuts off. Shape: inside (x, y, z), true where the volume shows the region.
    """
    if not indices or max(inside[:, :, 0].mean(), inside[:, :, -1].mean()) > _END_SHARE:
        return {}
    first, last = indices[0], indices[-1]
    return {index: ("lower", "middle", "upper")[(index - first) * 3 // (last - first + 1)] for index in indices}
