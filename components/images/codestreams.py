"""What a compressed image says of its own size, read before any decoder sees it: a header of 10 x 10 pixels around a
stream of 60 000 x 60 000 would cost the memory of the latter."""

from components.images.limits import ImageError, check_size

_J2K_START = b"\xff\x4f\xff\x51"
_JPEG_START = b"\xff\xd8"
_NO_FRAME_HEADER = (0xC4, 0xC8, 0xCC)
_JPEG_LS_FRAME = 0xF7
_MAX_TILES = 65_535
_MAX_COMPONENTS = 4


def check_stream(data: bytes, *, width: int, height: int) -> None:
    """Raise ImageError, 'undecodable' or 'too large', unless the stream holds an image of just this size.

    Known are the JPEG family (baseline, extended, lossless, LS) and JPEG 2000; any other stream is not judged.
    """
    if data.startswith(_JPEG_START):
        found = _jpeg_size(data)
    elif (at := data.find(_J2K_START, 0, 1024)) >= 0:
        found = _j2k_size(data, at)
    else:
        return
    check_size(*found)
    if found != (width, height):
        raise ImageError(
            "undecodable",
            f"the header speaks of {width} x {height} pixels, the compressed image of {found[0]} x {found[1]}; "
            "deliver the file again",
        )


def _jpeg_size(data: bytes) -> tuple[int, int]:
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill bytes
            at += 1
        elif (0xC0 <= marker <= 0xCF and marker not in _NO_FRAME_HEADER) or marker == _JPEG_LS_FRAME:
            _check_components(data[at + 9])
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    raise ImageError("undecodable", "the compressed image has no frame header; deliver the file again")


def _j2k_size(data: bytes, start: int) -> tuple[int, int]:
    fields = data[start + 8 : start + 42]
    if len(fields) < 34:
        raise ImageError("undecodable", "the compressed image ends inside its header; deliver the file again")
    right, bottom, left, top, across, down, tiles_left, tiles_top = (
        int.from_bytes(fields[n : n + 4], "big") for n in range(0, 32, 4)
    )
    _check_components(int.from_bytes(fields[32:34], "big"))
    width, height = right - left, bottom - top
    if across < 1 or down < 1 or width < 1 or height < 1:
        raise ImageError("undecodable", "the compressed image has no pixels or no tiles; deliver the file again")
    if -(-(right - tiles_left) // across) * -(-(bottom - tiles_top) // down) > _MAX_TILES:
        raise ImageError("too large", f"the compressed image is cut into more than {_MAX_TILES} tiles")
    return width, height


def _check_components(count: int) -> None:
    if not 1 <= count <= _MAX_COMPONENTS:
        raise ImageError("undecodable", f"the compressed image has {count} channels; write it as grey or RGB")
