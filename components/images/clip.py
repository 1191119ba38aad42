"""Frames of a video clip through PyAV."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.images.limits import MAX_FRAMES, ImageError, check_size
from components.images.raster import check_file

SUFFIXES = (".mp4", ".avi", ".mov", ".mkv")


def read_frames(path: Path, *, step: int, still_below: float = 0.0) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """(index, (H, W, 3) uint8) of every `step`-th frame.

    A frame that differs from the last one given by less than `still_below` grey levels on average is a frozen clip's
    repetition and is not given again. Raises ImageError when the clip cannot be decoded or is over the limits.
    """
    import av

    check_file(path)
    last: NDArray[np.int16] | None = None
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise ImageError("no frames", "the file holds no video stream")
            stream = container.streams.video[0]
            if stream.codec_context is None:
                raise ImageError("undecodable", "no decoder knows the clip's codec; deliver it as H.264 or MPEG-4")
            check_size(stream.width, stream.height)
            for index, frame in enumerate(container.decode(stream)):
                if index >= MAX_FRAMES:
                    raise ImageError("too many frames", f"over the limit of {MAX_FRAMES} frames")
                if index % step:
                    continue
                check_size(frame.width, frame.height)
                image = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
                grey = image.mean(axis=2).astype(np.int16)
                if last is None or last.shape != grey.shape or float(np.abs(grey - last).mean()) >= still_below:
                    last = grey
                    yield index, image
    except (av.FFmpegError, UnicodeDecodeError) as error:  # the latter for metadata that are no text
        raise ImageError("undecodable", f"{error}; deliver the clip again") from None
    if last is None:
        raise ImageError("no frames", "the clip holds no frame")
