"""Hostile and broken DICOM files and volumes."""

import gzip
import io
import struct

import numpy as np
from PIL import Image

from tests.faults.cases import KEPT, Case, one, several
from tests.faults.hostile_pictures import code, jpeg, large_frame, picture, saved, zeros

GREYS = (np.asarray(picture(), np.int16) * 4 - 300).tobytes()


def dicom(values: bytes = GREYS, syntax: str = "1.2.840.10008.1.2.1", **tags: object) -> bytes:
    from pydicom.dataset import FileDataset, FileMetaDataset

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.3"
    ds = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    ds.SOPInstanceUID, ds.Modality, ds.PatientID, ds.BodyPartExamined = "1.2.3", "CT", "p", "CHEST"
    ds.Rows = ds.Columns = 64
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
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
    data = dicom(syntax="1.2.840.10008.1.2.1.99")
    return data[: 144 + struct.unpack_from("<I", data, 140)[0]] + zeros(1024, -15)


def _nested() -> bytes:
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    sequence = struct.pack("<HH2sHI", 0x0040, 0xA730, b"SQ", 0, 0xFFFFFFFF)
    return dicom() + (sequence + item) * 10_000


def _many_items() -> bytes:
    """A sequence of 500 000 empty items before the pixels."""
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0)
    sequence = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, 500_000 * len(item)) + item * 500_000
    data = dicom()
    at = data.index(struct.pack("<HH2s", 0x0010, 0x0020, b"LO"))
    return data[:at] + sequence + data[at:]


def _stream_in_dicom(kind: str) -> bytes:
    """A compressed image of 60 000 pixels a side under a header of 64."""
    from pydicom.encaps import encapsulate

    if kind == "JPEG2000":
        out = io.BytesIO()
        Image.new("L", (64, 64)).save(out, "JPEG2000", no_jp2=True)
        data = bytearray(out.getvalue())
        at = data.index(b"\xff\x4f\xff\x51") + 8
        for offset in (0, 4, 16, 20):
            data[at + offset : at + offset + 4] = struct.pack(">I", 60_000)
        return dicom(encapsulate([bytes(data)]), "1.2.840.10008.1.2.4.90", BitsAllocated=8, BitsStored=8, HighBit=7)
    return dicom(encapsulate([jpeg(large_frame)]), "1.2.840.10008.1.2.4.50", BitsAllocated=8, BitsStored=8, HighBit=7)


def nifti(shape: tuple[int, int, int], after: bytes = bytes(16)) -> bytes:
    import nibabel

    header = nibabel.Nifti1Image(np.zeros((2, 2, 2), np.int16), np.eye(4)).header.copy()
    header["dim"] = [3, *shape, 1, 1, 1, 1]
    return header.binaryblock + bytes(4) + after


def nrrd(sizes: str, data: bytes, *further: str) -> bytes:
    lines = ("NRRD0004", "type: short", "dimension: 3", f"sizes: {sizes}", "encoding: gzip", "endian: little")
    space = ("space: left-posterior-superior", "space directions: (1,0,0) (0,1,0) (0,0,1)", "space origin: (0,0,0)")
    return "\n".join((*lines, *space, *further)).encode() + b"\n\n" + data


def _gzip_zeros(mebibytes: int) -> bytes:
    return gzip.compress(b"")[:10] + zeros(mebibytes, -15)


SCANS: dict[str, Case] = {
    "DICOM of 100 000 frames": one("dicom", "a", lambda: dicom(NumberOfFrames=100_000), "too many frames"),
    "DICOM of 60 000 x 60 000": one("dicom", "a", lambda: dicom(Rows=60_000, Columns=60_000), "too large"),
    "DICOM, deflated 1 GiB": one("dicom", "a", _deflated, "too large"),
    "DICOM, sequences 10 000 deep": one("dicom", "a", _nested, "undecodable"),
    "DICOM, sequence of 500 000 items": one("dicom", "a", _many_items, "too large"),
    "DICOM, JPEG 2000 of 60 000 x 60 000": one("dicom", "a", lambda: _stream_in_dicom("JPEG2000"), "too large"),
    "DICOM, JPEG of 65 535 x 65 535": one("dicom", "a", lambda: _stream_in_dicom("JPEG"), "too large"),
    "DICOM, pixels cut off": one("dicom", "a", lambda: dicom(bytes(10)), "undecodable"),
    "DICOM of 0 x 0": one("dicom", "a", lambda: dicom(b"", Rows=0, Columns=0), "no pixels"),
    "pickle as DICOM": one("dicom", "a", code, "not an image"),
    "MONOCHROME1, no window, signed, 8 bits": several(
        "dicom",
        {
            "dark": lambda: dicom(PhotometricInterpretation="MONOCHROME1", SOPInstanceUID="1.1"),
            "magnetic": lambda: dicom(Modality="MR", SOPInstanceUID="1.2"),
            "eight": lambda: dicom(
                picture().tobytes(), BitsAllocated=8, BitsStored=8, HighBit=7, PixelRepresentation=0
            ),
        },
        {KEPT: 3},
    ),
    "NIfTI of 32 767 a side": one("nifti", "a.nii", lambda: nifti((32_767, 32_767, 32_767)), "too large"),
    "NIfTI, gzipped 1 GiB": one("nifti", "a.nii.gz", lambda: _gzip_zeros(1024), "undecodable"),
    "NIfTI, voxels cut off": one("nifti", "a.nii", lambda: nifti((100, 100, 100)), "undecodable"),
    "NRRD of 90 000 a side": one("nifti", "a.nrrd", lambda: nrrd("90000 90000 90000", b""), "too large"),
    "NRRD, gzipped 1 GiB": one("nifti", "a.nrrd", lambda: nrrd("10 10 10", _gzip_zeros(1024)), "undecodable"),
    "NRRD that names another file": one(
        "nifti", "a.nrrd", lambda: nrrd("10 10 10", b"", "data file: ../../etc/passwd"), "unsupported file"
    ),
    "pickle named .nii": one("nifti", "a.nii", code, "undecodable"),
}
HARMLESS_SCANS = {
    "dicom": one("dicom", "a", dicom, KEPT),
    "images": one("images", "a.png", lambda: saved(picture(), "PNG"), KEPT),
}
