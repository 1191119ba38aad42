import av
import numpy as np
import pytest

from components.images.clip import read_frames
from components.images.limits import ImageError


@pytest.fixture
def clip(tmp_path):
    def write(levels):
        path = tmp_path / "clip.mp4"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("mpeg4", rate=10)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            for level in levels:
                frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), level, np.uint8), format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return write


def test_every_nth_frame_comes_with_its_index(clip):
    frames = list(read_frames(clip(range(0, 200, 20)), step=3))
    assert [index for index, _ in frames] == [0, 3, 6, 9]
    assert frames[1][1].shape == (48, 64, 3)
    assert abs(int(frames[1][1].mean()) - 60) < 6


def test_frozen_clip_is_one_frame(clip):
    assert len(list(read_frames(clip([90] * 10), step=2, still_below=0.5))) == 1
    assert len(list(read_frames(clip([90] * 10), step=2))) == 5


@pytest.mark.parametrize("content", [b"", b"not a clip at all" * 20])
def test_broken_clip_has_a_reason(tmp_path, content):
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with pytest.raises(ImageError):
        list(read_frames(path, step=1))
