"""Broken variants of real small files of every format, read one after another. `python -m tests.components.images.fuzzing --seconds 20`
ends with 0 when each gave an image, a record or an ImageError; anything else, a crash and a hang included, ends it at once, and the
last line printed names the case, which `--case N` tries again.
"""

import argparse
import faulthandler
import io
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
from PIL import Image

from components.images.clip import read_frames
from components.images.dicom import open_dicom
from components.images.limits import ImageError
from components.images.raster import read_raster
from components.images.slide import read_slide
from components.images.volume import read_volume
from tests.components.images.fuzzing_sources import TEXTS, Sample, source_samples

MEMORY = 3 * 2**30
"""Bytes of address space: libraries and threads take one of them before anything is read."""
HANG_SECONDS = 20.0
_EXTREME = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_SEVEN_BITS = bytes(n & 0x7F for n in range(256))
_DICOM = (
    "MR_small.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_implicit.dcm",
    "MR_small_RLE.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
    "SC_rgb_jpeg_gdcm.dcm",
    "SC_rgb_gdcm_KY.dcm",
    "SC_rgb_rle_2frame.dcm",
    "SC_rgb_small_odd_jpeg.dcm",
    "JPGExtended.dcm",
    "JPEGLSNearLossless_16.dcm",
    "image_dfl.dcm",
)


def samples() -> list[Sample]:
    """Each decoder's and each format's files, a few kilobytes to a few hundred."""
    return [*_dicom(), *_rasters(), *_volumes(), *_slides(), *_clips(), *source_samples()]


def broken(files: list[Sample], case: int) -> tuple[Sample, bytes]:
    """The case's file with one to three changes; the same case gives the same bytes."""
    rng = np.random.default_rng(case)
    file = files[int(rng.integers(len(files)))]
    data = bytearray(file.data)
    for _ in range(int(rng.integers(1, 4))):
        change = (_flip, _cut, _set, _set, _splice, _repeat)[int(rng.integers(6))]
        data = change(data, rng, files)
    if file.name.endswith(TEXTS) and case % 2:
        data = data.translate(_SEVEN_BITS)  # or else it is seldom text
    return file, bytes(data)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--case", type=int)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    files = [file for file in samples() if arguments.only in file.name]
    for file in files:
        _ask(file, file.data, whole=True)
    outcomes: Counter[str] = Counter()
    ends = time.monotonic() + arguments.seconds
    case = arguments.start if arguments.case is None else arguments.case
    while time.monotonic() < ends:
        file, data = broken(files, case)
        print(f"case {case} {file.name}", end="\r", flush=True)
        outcomes[_ask(file, data)] += 1
        case += 1
        if arguments.case is not None:
            break
    print(f"{sum(outcomes.values())} broken files: {dict(outcomes.most_common())}")
    return 0


def _ask(file: Sample, data: bytes, *, whole: bool = False) -> str:
    """The reason why the file was refused, or 'an image'."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / file.name
        path.write_bytes(data)
        faulthandler.dump_traceback_later(HANG_SECONDS, exit=True)
        try:
            file.read(path)
        except ImageError as error:
            if whole:
                raise
            return error.reason
        finally:
            faulthandler.cancel_dump_traceback_later()
    return "an image"


def _flip(data: bytearray, rng: np.random.Generator, files: list[Sample]) -> bytearray:
    for _ in range(int(rng.integers(1, 33))):
        if data:
            data[_place(data, rng)] ^= 1 << int(rng.integers(8))
    return data


def _cut(data: bytearray, rng: np.random.Generator, files: list[Sample]) -> bytearray:
    return data[: int(rng.integers(len(data) + 1))]


def _set(data: bytearray, rng: np.random.Generator, files: list[Sample]) -> bytearray:
    """Numbers of one, two or four bytes at their ends or just over them."""
    for _ in range(int(rng.integers(1, 5))):
        width = (1, 2, 4)[int(rng.integers(3))]
        value = _EXTREME[int(rng.integers(len(_EXTREME)))] % 256**width
        at = _place(data, rng)
        data[at : at + width] = value.to_bytes(width, ("little", "big")[int(rng.integers(2))])
    return data


def _splice(data: bytearray, rng: np.random.Generator, files: list[Sample]) -> bytearray:
    """A piece of any file, put over or between."""
    other = files[int(rng.integers(len(files)))].data
    start, length = int(rng.integers(len(other))), int(rng.integers(1, 2000))
    at = _place(data, rng)
    data[at : at + (length if rng.integers(2) else 0)] = other[start : start + length]
    return data


def _repeat(data: bytearray, rng: np.random.Generator, files: list[Sample]) -> bytearray:
    at, length = _place(data, rng), int(rng.integers(1, 200))
    return data[:at] + data[at : at + length] * int(rng.integers(2, 50)) + data[at:]


def _place(data: bytearray, rng: np.random.Generator) -> int:
    """Anywhere, the first kilobyte as likely as all the rest."""
    return int(rng.integers(max(1, min(len(data), 1024) if rng.integers(2) else len(data))))


def _dicom() -> Iterator[Sample]:
    package = distribution("pydicom")
    for name in _DICOM:
        path = Path(str(package.locate_file(f"pydicom/data/test_files/{name}")))
        yield Sample(name, path.read_bytes(), lambda path: _frames(path))


def _frames(path: Path) -> None:
    image = open_dicom(path)
    for index in range(min(image.frames, 3)):
        image.frame(index)


def _rasters() -> Iterator[Sample]:
    import tifffile

    eye = Image.open(str(distribution("scikit-image").locate_file("skimage/data/retina.jpg"))).resize((96, 80))
    deep = Image.fromarray(np.asarray(eye.convert("L"), np.uint16) * 200)
    for name, image, options in (
        ("grey.png", eye.convert("L"), {}),
        ("deep.png", deep, {}),
        ("palette.png", eye.quantize(16), {"transparency": 0}),
        ("colour.jpg", eye, {}),
        ("progressive.jpg", eye, {"progressive": True}),
        ("ink.jpg", eye.convert("CMYK"), {}),
        ("raw.tif", eye, {}),
        ("deep.tif", deep, {"compression": "tiff_lzw"}),
        ("deflated.tif", eye, {"compression": "tiff_adobe_deflate"}),
        ("jpeg.tif", eye, {"compression": "jpeg"}),
        ("fax.tif", eye.convert("1"), {"compression": "group4"}),
        ("colour.webp", eye, {}),
        ("colour.bmp", eye, {}),
    ):
        out = io.BytesIO()
        image.save(out, {"jpg": "JPEG", "tif": "TIFF"}.get(name[-3:], Path(name).suffix[1:].upper()), **options)
        yield Sample(name, out.getvalue(), read_raster)
    for compression in (None, "zlib"):
        out = io.BytesIO()
        tifffile.imwrite(out, np.asarray(eye, np.uint16) * 16, photometric="rgb", compression=compression)
        yield Sample(f"deep-colour-{compression}.tif", out.getvalue(), read_raster)


def _volumes() -> Iterator[Sample]:
    import nibabel
    import nrrd

    from components.sources.delivery import corpus, locate

    whole = next(file for file in corpus()["pyradiomics"] if file.file == "breast1_image.nrrd")
    data = np.asarray(read_volume(locate(whole)).data)[::2, ::4, ::2]
    with tempfile.TemporaryDirectory() as folder:
        for name in ("volume.nii", "volume.nii.gz", "volume.nrrd"):
            path = Path(folder) / name
            if name.endswith(".nrrd"):
                header = {"space": "left-posterior-superior", "space directions": np.eye(3), "encoding": "gzip"}
                nrrd.write(str(path), data, header)
            else:
                nibabel.save(nibabel.Nifti1Image(data, np.eye(4)), path)
            yield Sample(name, path.read_bytes(), read_volume)


def _slides() -> Iterator[Sample]:
    import tifffile

    eye = np.asarray(
        Image.open(str(distribution("scikit-image").locate_file("skimage/data/retina.jpg"))).resize((300, 280))
    )
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        for step in (1, 2):
            writer.write(
                eye[::step, ::step], tile=(64, 64), compression="zlib", photometric="rgb", subfiletype=step - 1
            )
    yield Sample("slide.svs", out.getvalue(), read_slide)


def _clips() -> Iterator[Sample]:
    import av

    eye = Image.open(str(distribution("scikit-image").locate_file("skimage/data/retina.jpg"))).resize((64, 48))
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for turn in range(8):
            frame = av.VideoFrame.from_ndarray(np.asarray(eye.rotate(10 * turn)), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    yield Sample("clip.mp4", out.getvalue(), lambda path: list(read_frames(path, step=3)))


if __name__ == "__main__":
    sys.exit(main())
