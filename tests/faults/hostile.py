"""Files that want to cost memory, time or control, by the folder of the format that reads them.

`python -m tests.faults.hostile FOLDER` writes them; `… FOLDER --read` reads them as `validate` does and prints one JSON
object: what came of each file, the seconds it took, and the bytes by which memory grew at its peak.
"""

import gzip
import io
import json
import pickle
import resource
import struct
import sys
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from components.records.record import Unreadable
from components.sources.settings import SourceSettings
from components.sources.table import read_source

CANARY = "canary"
"""A file of this name appears when a pickle was executed."""
_ADDRESSES = 4 * 2**30


def write_all(folder: Path) -> dict[str, str]:
    """Every hostile file, into a folder per format; `format/name` -> the reason that it must be refused for."""
    for name, (make, _) in _FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(make(folder))
    return {name: reason for name, (_, reason) in _FILES.items()}


def read_all(folder: Path) -> dict[str, object]:
    """{files: {format/name: [reason, seconds]}, growth: bytes}."""
    for format_name in ("images", "dicom", "nifti"):  # what libraries cost is not the files' fault
        list(read_source(folder / "harmless" / format_name, "s", _settings(format_name)))
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, _ADDRESSES))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    files = {}
    for format_name in ("images", "dicom", "nifti"):
        began = time.perf_counter()
        for item in read_source(folder / format_name, "s", _settings(format_name)):
            took, began = time.perf_counter() - began, time.perf_counter()
            assert isinstance(item, Unreadable), item.id
            files[f"{format_name}/{item.file}"] = [item.reason, took]
    return {"files": files, "growth": 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)}


def _settings(format_name: str) -> SourceSettings:
    options = {} if format_name == "images" else {"public": True}
    return SourceSettings(path="data/raw/s", format=format_name, options=options)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width: int, height: int, *extra: bytes) -> bytes:
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    rows = zlib.compress(bytes((64 + 1) * 64))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def _zeros(mebibytes: int, window_bits: int = 15) -> bytes:
    """A deflate stream of that many MiB of zeros; the check sum at its end is left out."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, window_bits)
    start = squeeze.compress(bytes(2**20)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    again = squeeze.compress(bytes(2**20)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    return start + again * (mebibytes - 1)


def _jpeg(change: Callable[[bytearray], bytearray], **options: object) -> bytes:
    out = io.BytesIO()
    Image.new("L", (64, 64)).save(out, "JPEG", **options)
    return bytes(change(bytearray(out.getvalue())))


def _large_frame(data: bytearray) -> bytearray:
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", 65_535, 65_535)
    return data


def _many_scans(data: bytearray) -> bytearray:
    at = data.rindex(b"\xff\xda")
    return data[:at] + data[at:-2] * 5000 + data[-2:]


def _gif() -> bytes:
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x4c\x01\x00"
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6) + frame * 1_000_000 + b"\x3b"


def _circular_tiff() -> bytes:
    entry = struct.pack("<HHII", 256, 3, 1, 8)
    return b"II*\x00" + struct.pack("<I", 8) + struct.pack("<H", 1) + entry + struct.pack("<I", 8)


def _endless_tiff() -> bytes:
    """A readable page whose list of pages leads back to itself."""
    out = io.BytesIO()
    Image.new("L", (64, 64)).save(out, "TIFF")
    data = bytearray(out.getvalue())
    at = struct.unpack_from("<I", data, 4)[0]
    entries = struct.unpack_from("<H", data, at)[0]
    struct.pack_into("<I", data, at + 2 + 12 * entries, len(data))
    return bytes(data + data[at : at + 2 + 12 * entries] + struct.pack("<I", at))


def _webp() -> bytes:
    extended = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + (16_382).to_bytes(3, "little") * 2
    body = b"WEBP" + extended + b"ANIM" + struct.pack("<I", 6) + bytes(6)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _dicom(values: bytes = bytes(32 * 32), syntax: str = "1.2.840.10008.1.2.1", **tags: object) -> bytes:
    from pydicom.dataset import FileDataset, FileMetaDataset

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.3"
    ds = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    ds.SOPInstanceUID, ds.Modality = "1.2.3", "CT"
    ds.Rows = ds.Columns = 32
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    for name, value in tags.items():
        setattr(ds, name, value)
    ds.PixelData = values
    if meta.TransferSyntaxUID.is_encapsulated:
        ds["PixelData"].VR = "OB"
        ds["PixelData"].is_undefined_length = True
    out = io.BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _deflated() -> bytes:
    data = _dicom(syntax="1.2.840.10008.1.2.1.99")
    return data[: 144 + struct.unpack_from("<I", data, 140)[0]] + _zeros(1024, -15)


def _nested() -> bytes:
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    sequence = struct.pack("<HH2sHI", 0x0040, 0xA730, b"SQ", 0, 0xFFFFFFFF)
    return _dicom() + (sequence + item) * 10_000


def _stream_in_dicom(kind: str) -> bytes:
    """A compressed image of 60 000 pixels a side under a header of 32."""
    from pydicom.encaps import encapsulate

    out = io.BytesIO()
    if kind == "JPEG2000":
        Image.new("L", (32, 32)).save(out, "JPEG2000", no_jp2=True)
        data = bytearray(out.getvalue())
        at = data.index(b"\xff\x4f\xff\x51") + 8
        for offset in (0, 4, 16, 20):
            data[at + offset : at + offset + 4] = struct.pack(">I", 60_000)
        return _dicom(encapsulate([bytes(data)]), "1.2.840.10008.1.2.4.90")
    return _dicom(encapsulate([_jpeg(_large_frame)]), "1.2.840.10008.1.2.4.50")


def _nifti(shape: tuple[int, int, int], after: bytes = bytes(16)) -> bytes:
    import nibabel

    header = nibabel.Nifti1Image(np.zeros((2, 2, 2), np.int16), np.eye(4)).header.copy()
    header["dim"] = [3, *shape, 1, 1, 1, 1]
    return header.binaryblock + bytes(4) + after


def _nrrd(sizes: str, data: bytes) -> bytes:
    lines = ("NRRD0004", "type: short", "dimension: 3", f"sizes: {sizes}", "encoding: gzip", "endian: little")
    space = ("space: left-posterior-superior", "space directions: (1,0,0) (0,1,0) (0,0,1)", "space origin: (0,0,0)")
    return "\n".join((*lines, *space)).encode() + b"\n\n" + data


def _gzip_zeros(mebibytes: int) -> bytes:
    return gzip.compress(b"")[:10] + _zeros(mebibytes, -15)


class _Canary:
    def __init__(self, folder: Path) -> None:
        self.path = folder / CANARY

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("../../canary", "out of the folder")
    return out.getvalue()


def _tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        link = tarfile.TarInfo("a.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return out.getvalue()


_FILES: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "images/side.png": (lambda _: _png(50_000, 50_000), "too large"),
    "images/nothing.png": (lambda _: _png(0, 0), "not an image"),
    "images/text.png": (lambda _: _png(64, 64, _chunk(b"zTXt", b"k\0\0" + _zeros(1024))), "undecodable"),
    "images/international.png": (
        lambda _: _png(64, 64, _chunk(b"iTXt", b"k\0\1\0\0\0" + _zeros(1024))),
        "undecodable",
    ),
    "images/frames.gif": (lambda _: _gif(), "not an image"),
    "images/circle.tif": (lambda _: _circular_tiff(), "not an image"),
    "images/endless.tif": (lambda _: _endless_tiff(), "several images"),
    "images/side.jpg": (lambda _: _jpeg(_large_frame), "too large"),
    "images/passes.jpg": (lambda _: _jpeg(_many_scans, progressive=True), "too large"),
    "images/canvas.webp": (lambda _: _webp(), "too large"),
    "images/cut.jpg": (lambda _: _jpeg(lambda data: data[: len(data) // 2]), "undecodable"),
    "images/code.png": (lambda folder: pickle.dumps(_Canary(folder)), "not an image"),
    "images/archive.png": (lambda _: _zip(), "not an image"),
    "images/archive.tar": (lambda _: _tar(), "not an image"),
    "dicom/frames": (lambda _: _dicom(NumberOfFrames=100_000), "too many frames"),
    "dicom/side": (lambda _: _dicom(Rows=60_000, Columns=60_000), "too large"),
    "dicom/deflated": (lambda _: _deflated(), "too large"),
    "dicom/nested": (lambda _: _nested(), "undecodable"),
    "dicom/wavelets": (lambda _: _stream_in_dicom("JPEG2000"), "too large"),
    "dicom/waves": (lambda _: _stream_in_dicom("JPEG"), "too large"),
    "dicom/short": (lambda _: _dicom(bytes(10)), "undecodable"),
    "dicom/code": (lambda folder: pickle.dumps(_Canary(folder)), "not an image"),
    "nifti/side.nii": (lambda _: _nifti((32_767, 32_767, 32_767)), "too large"),
    "nifti/bomb.nii.gz": (lambda _: _gzip_zeros(1024), "undecodable"),
    "nifti/short.nii": (lambda _: _nifti((100, 100, 100)), "undecodable"),
    "nifti/side.nrrd": (lambda _: _nrrd("90000 90000 90000", b""), "too large"),
    "nifti/bomb.nrrd": (lambda _: _nrrd("10 10 10", _gzip_zeros(1024)), "undecodable"),
    "nifti/code.nii": (lambda folder: pickle.dumps(_Canary(folder)), "undecodable"),
    "harmless/images/a.png": (lambda _: _png(64, 64), ""),
    "harmless/dicom/a": (lambda _: _dicom(), ""),
    "harmless/nifti/a.nii": (lambda _: _nifti((2, 2, 2)), ""),
}

if __name__ == "__main__":
    place = Path(sys.argv[1])
    print(json.dumps(read_all(place) if "--read" in sys.argv else write_all(place)))
