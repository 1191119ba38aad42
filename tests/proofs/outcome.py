"""How a proof ends, and the line that stands under a table of them."""

PASSED, FAILED, NOT_TRIED = 0, 1, 77
"""Exit statuses of a proof; any other one is a failure too. Not tried: this machine lacks what it takes."""


def last_line(passed: int, failed: int, not_tried: int) -> str:
    return f"{passed} passed, {failed} failed, {not_tried} not tried"
