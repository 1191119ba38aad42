"""A PNG or JPEG file without anything but its image: no text, no camera's or scanner's data, no second image behind it.

The image itself is not decoded: what comes out has the same pixels as what went in. Bytes that somebody hid inside the
coded image stay; what must not hold any is encoded anew (`withheld.py`).
"""

import re

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_SOI, _SOS, _EOI = b"\xff\xd8", 0xDA, 0xD9
_FRAMES = (0xC0, 0xC1, 0xC2)
"""Start of a baseline, an extended or a progressive image, Huffman-coded."""
_TABLES = (0xC4, 0xDB, 0xDD)
"""Huffman and quantisation tables, restart interval."""
_JFIF, _ADOBE = 0xE0, 0xEE
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""What ends the coded data of a pass."""


def bare_png(data: bytes) -> bytes | None:
    """The PNG's header, pixels and end; None for one that is not of 8 bits, grey or RGB, or that has a transparent colour."""
    if data[:8] != _PNG or data[12:16] != b"IHDR" or data[24] != 8 or data[25] not in (0, 2):
        return None
    if data[8:12] != b"\0\0\0\r":
        return None
    parts, at = [_PNG, data[8:33]], 33
    while at + 12 <= len(data):
        kind, end = data[at + 4 : at + 8], at + 12 + int.from_bytes(data[at : at + 4], "big")
        if kind == b"tRNS" or end > len(data):
            return None
        if kind == b"IDAT":
            parts.append(data[at:end])
        if kind == b"IEND":
            return b"".join([*parts, _PNG_END])
        at = end
    return None


def bare_jpeg(data: bytes) -> bytes | None:
    """The JPEG's tables and passes; None for one that is built in another way than cameras and archives build them."""
    if data[:2] != _SOI:
        return None
    parts, at = [_SOI], 2
    while at + 2 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == _EOI:
            return b"".join([*parts, b"\xff\xd9"])
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        segment = data[at:end]
        if marker == _SOS:
            # The coded data have no length: they go on until a marker that is none of theirs.
            found = _MARKER.search(data, end)
            if found is None:
                return None
            segment, end = data[at : found.start()], found.start()
        if kept := _kept(marker, segment):
            parts.append(kept)
        elif not 0xE0 <= marker <= 0xEF and marker != 0xFE:
            return None
        at = end
    return None


def _kept(marker: int, segment: bytes) -> bytes:
    """What is kept of a segment; how the colours are coded stands in two that otherwise hold anything."""
    if marker in (*_FRAMES, *_TABLES, _SOS):
        return segment
    if marker == _JFIF and segment[4:9] == b"JFIF\0" and len(segment) >= 18:
        return b"\xff\xe0\x00\x10" + segment[4:16] + b"\0\0"  # without its thumbnail
    if marker == _ADOBE and segment[4:9] == b"Adobe" and len(segment) >= 16:
        return b"\xff\xee\x00\x0e" + segment[4:16]
    return b""
