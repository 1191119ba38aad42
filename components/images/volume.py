"""NIfTI and NRRD volumes on RAS axes, and their slices as a radiologist looks at them.

Axes: x grows to the patient's right, y to the front, z to the head (RAS+). A slice is shown from the feet or from the
front: the patient's right at the left edge; axial slices have the front at the top, the others the head.
"""

import gzip
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.images.limits import MAX_VOXELS, ImageError
from components.images.raster import check_file

PLANES = ("axial", "coronal", "sagittal")
_AXIS = {"sagittal": 0, "coronal": 1, "axial": 2}
_SAME_DIRECTION = 0.9
"""Cosine from which a slice counts as lying in one of the three planes."""
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
    is_placed: bool = True
    """Whether the file says how the volume lies in the patient; else its axes have no names."""

    @property
    def planes(self) -> tuple[str, ...]:
        """The planes that its slices lie in, to within 26 degrees; none where nothing says how it lies."""
        if not self.is_placed:
            return ()
        return tuple(plane for plane in PLANES if self._normal(plane)[_AXIS[plane]] >= _SAME_DIRECTION)

    @property
    def thickest(self) -> str:
        """The plane whose slices are the thickest, as they were taken; axial where all are equal."""
        return max(PLANES, key=lambda plane: round(self.thickness(plane), 2))

    def count(self, plane: str) -> int:
        """Number of slices in the plane."""
        return self.data.shape[_AXIS[plane]]

    def position(self, plane: str, index: int) -> float:
        """Millimetres of the slice along its own normal, which is x for sagittal, y for coronal, z for axial."""
        at = self.affine[:3, _AXIS[plane]] * index + self.affine[:3, 3]
        return round(float(self._normal(plane) @ at), 3)

    def thickness(self, plane: str) -> float:
        """Millimetres from one slice of the plane to the next."""
        return float(np.linalg.norm(self.affine[:3, _AXIS[plane]]))

    def _normal(self, plane: str) -> NDArray[np.float64]:
        axis = _AXIS[plane]
        first, second = (self.affine[:3, a] for a in range(3) if a != axis)
        normal = np.cross(first, second)
        normal = normal / np.linalg.norm(normal)
        return normal if normal[axis] >= 0 else -normal

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


def read_volume(path: Path, channel: int | None = None) -> Volume:
    """The NIfTI or NRRD volume in RAS order; of a NIfTI of four axes the one of that number along the last. Raises ImageError
    with a reason when it cannot be read, and for four axes without a number."""
    with _reasons(path):
        return _read_nrrd(path) if path.name.lower().endswith(".nrrd") else _read_nifti(path, channel)


def channels(path: Path) -> int:
    """How many volumes a file holds along its fourth axis; 1 without one. Raises ImageError."""
    with _reasons(path):
        if path.name.lower().endswith(".nrrd"):
            return 1
        shape = _nifti(path)[1]
        return shape[3] if len(shape) == 4 else 1


@contextmanager
def _reasons(path: Path) -> Iterator[None]:
    """Raises ImageError for what the libraries raise, and for a file that is no volume by its name."""
    check_file(path)
    if not path.name.lower().endswith(SUFFIXES):
        raise ImageError(
            "not a volume",
            f"a volume file ends in {', '.join(SUFFIXES)}; convert it (nibabel and SimpleITK do), or remove it",
        )
    try:
        yield
    except ImageError:
        raise
    except KeyError as error:
        raise ImageError("undecodable", f"the header lacks its field {error}; write the volume with it") from None
    except (OSError, ValueError, EOFError, TypeError, zlib.error, gzip.BadGzipFile, MemoryError) as error:
        raise ImageError("undecodable", f"{type(error).__name__}: {error}; deliver the file again") from None
    except Exception as error:
        if type(error).__module__.split(".")[0] in ("nibabel", "nrrd"):
            raise ImageError("undecodable", f"{type(error).__name__}: {error}; deliver the file again") from None
        raise


def same_grid(first: Volume, second: Volume) -> bool:
    """Whether two volumes have the same shape and affine (to a hundredth of a millimetre)."""
    return first.data.shape == second.data.shape and bool(np.allclose(first.affine, second.affine, atol=1e-2))


def usable_slices(volume: Volume, mask: NDArray[np.bool_], plane: str, share: float) -> list[int]:
    """Indices of the slices in which the mask covers at least `share` of the area."""
    others = tuple(a for a in range(3) if a != _AXIS[plane])
    return [int(i) for i in np.flatnonzero(mask.mean(axis=others) >= share)]


def _nifti(path: Path) -> tuple[Any, tuple[int, ...]]:
    """(the image, its shape of three or four axes), with nothing of its voxels read."""
    import nibabel

    _check_extensions(path)
    image: Any = nibabel.load(path)  # sform before qform, as nibabel does
    shape = tuple(int(n) for n in image.shape)
    _check_shape(shape[:3] if len(shape) == 4 else shape)
    if image.get_data_dtype().kind == "c":
        raise ImageError("unsupported values", "its voxels are complex numbers; deliver their magnitude as a volume")
    if image.get_data_dtype().fields is not None:
        raise ImageError(
            "unsupported values", f"voxels of type {image.get_data_dtype()} are not single numbers; deliver grey values"
        )
    return image, shape


def _read_nifti(path: Path, channel: int | None) -> Volume:
    import nibabel

    image, shape = _nifti(path)
    if len(shape) == 4 and shape[3] > 1:
        if channel is None:
            raise ImageError(
                "not a volume", f"three axes are needed, the file has shape {shape}; deliver flat ones as images"
            )
        image = image.slicer[..., channel : channel + 1]
    canonical = nibabel.as_closest_canonical(image)
    data = np.asanyarray(canonical.dataobj).reshape(canonical.shape[:3])
    return Volume(data, np.asarray(canonical.affine, np.float64), _is_placed(image))


def _is_placed(image: Any) -> bool:
    """Whether the header says how the volume lies: by one of its two transforms, or by both alike."""
    from nibabel.orientations import io_orientation

    header = image.header
    if "sform_code" not in header:
        return True
    sform, qform = int(header["sform_code"]) > 0, int(header["qform_code"]) > 0
    if not (sform and qform):
        return sform or qform
    return bool(np.array_equal(io_orientation(header.get_sform()), io_orientation(header.get_qform())))


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
    return replace(canonical(data, affine), is_placed="space" in header)


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


def canonical(data: NDArray, affine: NDArray[np.float64]) -> Volume:
    """The volume of data (i, j, k) whose affine maps indices to RAS millimetres, on RAS axes: turned, never resampled. Raises
    ImageError, 'broken affine'."""
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
        raise ImageError(
            "not a volume", f"three axes are needed, the file has shape {shape}; deliver flat ones as images"
        )
    if int(np.prod(shape, dtype=np.int64)) > MAX_VOXELS:
        raise ImageError("too large", f"shape {shape} is over the limit of {MAX_VOXELS} voxels")
