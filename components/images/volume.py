"""NIfTI and NRRD volumes on RAS axes, and their slices as a radiologist looks at them.

Axes: x grows to the patient's right, y to the front, z to the head (RAS+). A slice is shown from the feet or from the
front: the patient's right at the left edge; axial slices have the front at the top, the others the head.
"""

import gzip
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.images.limits import MAX_VOXELS, ImageError
from components.images.raster import check_file

PLANES = ("axial", "coronal", "sagittal")
_AXIS = {"sagittal": 0, "coronal": 1, "axial": 2}
SUFFIXES = (".nii", ".nii.gz", ".nrrd")
_MAX_EXTENSION_BYTES = 16 * 2**20
_NRRD_TYPES = {
    **dict.fromkeys(("signed char", "int8", "int8_t"), "i1"),
    **dict.fromkeys(("uchar", "unsigned char", "uint8", "uint8_t"), "u1"),
    **dict.fromkeys(("short", "short int", "signed short", "int16", "int16_t"), "i2"),
    **dict.fromkeys(("ushort", "unsigned short", "uint16", "uint16_t"), "u2"),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t"), "i4"),
    **dict.fromkeys(("uint", "unsigned int", "uint32", "uint32_t"), "u4"),
    "float": "f4",
    "double": "f8",
}


@dataclass(frozen=True, slots=True)
class Volume:
    """Values on a RAS grid; `affine` (4, 4) maps voxel indices to millimetres."""

    data: NDArray
    affine: NDArray[np.float64]

    def count(self, plane: str) -> int:
        """Number of slices in the plane."""
        return self.data.shape[_AXIS[plane]]

    def position(self, plane: str, index: int) -> float:
        """Millimetres of the slice along its own axis: x for sagittal, y for coronal, z for axial."""
        axis = _AXIS[plane]
        return round(float(self.affine[axis, axis] * index + self.affine[axis, 3]), 3)

    def slice(self, plane: str, index: int) -> NDArray:
        """The slice (H, W) in display orientation."""
        axis = _AXIS[plane]
        cut = self.data[(slice(None),) * axis + (index,)]  # a view: np.take is 100 times slower on NIfTI's axis order
        # First kept axis goes across, mirrored so that right (or front, in a sagittal slice) is at the left edge.
        return np.ascontiguousarray(cut[::-1, ::-1].T)

    def spacing(self, plane: str) -> tuple[float, float]:
        """(down, across) millimetres per pixel of the plane's slices."""
        size = np.linalg.norm(self.affine[:3, :3], axis=0)
        across, down = (a for a in range(3) if a != _AXIS[plane])
        return float(size[down]), float(size[across])


def read_volume(path: Path) -> Volume:
    """The NIfTI or NRRD volume in RAS order. Raises ImageError with a reason when it cannot be read."""
    check_file(path)
    name = path.name.lower()
    try:
        if name.endswith(".nrrd"):
            return _read_nrrd(path)
        if name.endswith((".nii", ".nii.gz")):
            return _read_nifti(path)
    except ImageError:
        raise
    except (OSError, ValueError, KeyError, EOFError, TypeError, zlib.error, gzip.BadGzipFile, MemoryError) as error:
        raise ImageError("undecodable", f"{type(error).__name__}: {error}; deliver the file again") from None
    except Exception as error:
        if type(error).__module__.split(".")[0] in ("nibabel", "nrrd"):
            raise ImageError("undecodable", f"{type(error).__name__}: {error}; deliver the file again") from None
        raise
    raise ImageError("not a volume", f"a volume file ends in {', '.join(SUFFIXES)}")


def same_grid(first: Volume, second: Volume) -> bool:
    """Whether two volumes have the same shape and affine (to a hundredth of a millimetre)."""
    return first.data.shape == second.data.shape and bool(np.allclose(first.affine, second.affine, atol=1e-2))


def usable_slices(volume: Volume, mask: NDArray[np.bool_], plane: str, share: float) -> list[int]:
    """Indices of the slices in which the mask covers at least `share` of the area."""
    others = tuple(a for a in range(3) if a != _AXIS[plane])
    return [int(i) for i in np.flatnonzero(mask.mean(axis=others) >= share)]


def _read_nifti(path: Path) -> Volume:
    import nibabel

    _check_extensions(path)
    image = nibabel.load(path)  # sform before qform, as nibabel does
    shape = tuple(int(n) for n in image.shape)  # type: ignore[attr-defined]
    if len(shape) == 4 and shape[3] == 1:
        shape = shape[:3]
    _check_shape(shape)
    if image.get_data_dtype().fields is not None:  # type: ignore[attr-defined]
        raise ImageError("unsupported values", f"voxels of type {image.get_data_dtype()} are not single numbers")  # type: ignore[attr-defined]
    canonical = nibabel.as_closest_canonical(image)  # type: ignore[arg-type]
    data = np.asanyarray(canonical.dataobj).reshape(canonical.shape[:3])
    return Volume(data, np.asarray(canonical.affine, np.float64))


def _read_nrrd(path: Path) -> Volume:
    import nrrd

    with path.open("rb") as handle:
        header = nrrd.read_header(handle)
        if any(key.replace(" ", "") == "datafile" for key in header):
            raise ImageError("unsupported file", "the header points to another data file; deliver one file with both")
        shape = tuple(int(n) for n in header["sizes"])
        _check_shape(shape)
        data = _nrrd_values(handle.read(), header, shape)
    affine = np.eye(4)
    affine[:3, :3] = np.asarray(header["space directions"], np.float64).T
    affine[:3, 3] = np.asarray(header.get("space origin", np.zeros(3)), np.float64)
    space = str(header.get("space", "left-posterior-superior")).lower()
    if space in ("left-posterior-superior", "lps"):
        affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    elif space not in ("right-anterior-superior", "ras"):
        raise ImageError("unsupported space", f"axes {space!r} are neither LPS nor RAS")
    return _canonical(data, affine)


def _nrrd_values(stored: bytes, header: Mapping[str, object], shape: tuple[int, ...]) -> NDArray:
    """The voxels (x, y, z). Inflated here, under the limit that the header's sizes set, because pynrrd has none."""
    kind, encoding = str(header["type"]).lower(), str(header["encoding"]).lower()
    if kind not in _NRRD_TYPES or encoding not in ("raw", "gzip", "gz"):
        raise ImageError("unsupported values", f"voxels of type {kind!r} stored as {encoding!r}")
    dtype = np.dtype(_NRRD_TYPES[kind]).newbyteorder(">" if str(header.get("endian", "little")) == "big" else "<")
    expected = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if encoding != "raw":
        stored = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(stored, expected + 1)
    if len(stored) != expected:
        word = "less" if len(stored) < expected else "more"
        raise ImageError(
            "undecodable", f"{word} than the {expected} bytes that sizes {shape} promise; deliver it again"
        )
    return np.frombuffer(stored, dtype).reshape(shape, order="F")


def _canonical(data: NDArray, affine: NDArray[np.float64]) -> Volume:
    from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation

    orientation = io_orientation(affine)
    if np.isnan(orientation).any():
        raise ImageError("broken affine", "the directions of the volume do not span space")
    return Volume(apply_orientation(data, orientation), affine @ inv_ornt_aff(orientation, data.shape))


def _check_extensions(path: Path) -> None:
    """Refuse a NIfTI-1 header that announces extensions larger than any real one, before they are inflated."""
    with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as handle:
        start = handle.read(352)
    if len(start) < 348:
        raise ImageError("undecodable", f"only {len(start)} bytes of header, 348 are needed; deliver the file again")
    order = "<" if struct.unpack_from("<i", start)[0] in (348, 540) else ">"
    if (
        struct.unpack_from(order + "i", start)[0] == 348
        and struct.unpack_from(order + "f", start, 108)[0] > _MAX_EXTENSION_BYTES
    ):
        raise ImageError("too large", f"the header announces extensions of over {_MAX_EXTENSION_BYTES} bytes")


def _check_shape(shape: tuple[int, ...]) -> None:
    if len(shape) != 3 or min(shape, default=0) < 1:
        raise ImageError("not a volume", f"three axes are needed, the file has shape {shape}")
    if int(np.prod(shape, dtype=np.int64)) > MAX_VOXELS:
        raise ImageError("too large", f"shape {shape} is over the limit of {MAX_VOXELS} voxels")
