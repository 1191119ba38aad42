"""The search box of a page of many records."""

from pathlib import Path

_PART = Path(__file__).parent / "find.html"


def search_box() -> str:
    """HTML of a box that leaves on its page the records, rows and listed items that hold every word of what is typed."""
    return _PART.read_text()
