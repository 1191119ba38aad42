"""How high an axial slice lies among its volume's slices."""

from collections.abc import Sequence


def level(index: int, indices: Sequence[int]) -> str:
    """lower, middle or upper third between the first and the last usable slice (feet to head)."""
    first, last = indices[0], indices[-1]
    third = (index - first) * 3 // max(last - first + 1, 1)
    return ("lower", "middle", "upper")[third]
