import gzip
import struct

import nibabel
import nrrd
import numpy as np
import pytest

from components.images.limits import ImageError
from components.images.volume import read_volume, same_grid, usable_slices

# A marked voxel in a 4 x 5 x 6 (x, y, z) grid: right, front, low.
SHAPE = (4, 5, 6)
RIGHT_FRONT_LOW = (3, 4, 0)


def marked() -> np.ndarray:
    data = np.zeros(SHAPE, np.int16)
    data[RIGHT_FRONT_LOW] = 100
    return data


def affine(spacing=(1.0, 2.0, 3.0), origin=(-10.0, -20.0, -30.0)) -> np.ndarray:
    matrix = np.diag([*spacing, 1.0])
    matrix[:3, 3] = origin
    return matrix


@pytest.fixture
def nifti(tmp_path):
    path = tmp_path / "a.nii.gz"
    nibabel.save(nibabel.Nifti1Image(marked(), affine()), path)
    return path


def test_slices_show_the_patients_right_at_the_left_and_front_or_head_at_the_top(nifti):
    volume = read_volume(nifti)
    axial = volume.slice("axial", 0)
    assert axial.shape == (5, 4)
    assert axial[0, 0] == 100
    coronal = volume.slice("coronal", 4)
    assert coronal.shape == (6, 4)
    assert coronal[5, 0] == 100
    sagittal = volume.slice("sagittal", 3)
    assert sagittal.shape == (6, 5)
    assert sagittal[5, 0] == 100


def test_positions_are_millimetres_along_the_planes_axis(nifti):
    volume = read_volume(nifti)
    assert volume.position("sagittal", 1) == -9.0
    assert volume.position("coronal", 1) == -18.0
    assert volume.position("axial", 1) == -27.0
    assert volume.spacing("axial") == (2.0, 1.0)
    assert volume.spacing("sagittal") == (3.0, 2.0)


def test_axes_stored_in_another_order_show_the_same_picture(tmp_path, nifti):
    # The same head stored left-posterior-superior, flipped on two axes.
    flipped = marked()[::-1, ::-1, :]
    matrix = affine() @ np.array([[-1, 0, 0, 3], [0, -1, 0, 4], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    path = tmp_path / "b.nii"
    nibabel.save(nibabel.Nifti1Image(flipped, matrix), path)
    first, second = read_volume(nifti), read_volume(path)
    assert same_grid(first, second)
    assert (first.data == second.data).all()


@pytest.mark.parametrize("encoding", ["gzip", "raw"])
def test_nrrd_in_lps_is_the_same_head_as_nifti_in_ras(tmp_path, nifti, encoding):
    path = tmp_path / "a.nrrd"
    lps = np.diag([-1.0, -1.0, 1.0])
    header = {
        "space": "left-posterior-superior",
        "space directions": (lps @ affine()[:3, :3]).T,
        "space origin": lps @ affine()[:3, 3],
        "encoding": encoding,
    }
    nrrd.write(str(path), marked(), header)
    first, second = read_volume(nifti), read_volume(path)
    assert same_grid(first, second)
    assert (first.data == second.data).all()


def test_usable_slices_are_those_with_enough_mask():
    data = np.zeros(SHAPE, bool)
    data[:, :, 2] = True
    data[0, 0, 3] = True
    from components.images.volume import Volume

    assert usable_slices(Volume(data, np.eye(4)), data, "axial", 0.5) == [2]


def test_colour_voxels_and_four_axes_are_refused(tmp_path):
    kind = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
    colour = tmp_path / "colour.nii"
    nibabel.save(nibabel.Nifti1Image(np.zeros(SHAPE, kind), np.eye(4)), colour)
    with pytest.raises(ImageError) as caught:
        read_volume(colour)
    assert caught.value.reason == "unsupported values"
    four = tmp_path / "four.nii"
    nibabel.save(nibabel.Nifti1Image(np.zeros((*SHAPE, 2), np.int16), np.eye(4)), four)
    with pytest.raises(ImageError) as caught:
        read_volume(four)
    assert caught.value.reason == "not a volume"


def test_truncated_volumes_are_undecodable(tmp_path, nifti):
    noise = np.random.default_rng(0).integers(0, 1000, (20, 20, 20)).astype(np.int16)
    whole = tmp_path / "whole.nii.gz"
    nibabel.save(nibabel.Nifti1Image(noise, np.eye(4)), whole)
    for keep in (10, 200, whole.stat().st_size // 2):
        path = tmp_path / f"cut{keep}.nii.gz"
        path.write_bytes(whole.read_bytes()[:keep])
        with pytest.raises(ImageError):
            read_volume(path)


def test_header_that_promises_too_much_is_refused_before_reading(tmp_path):
    header = nibabel.Nifti1Header()
    header.set_data_shape((4000, 4000, 4000))
    header.set_data_dtype(np.int16)
    path = tmp_path / "huge.nii"
    path.write_bytes(header.binaryblock + bytes(8))
    with pytest.raises(ImageError) as caught:
        read_volume(path)
    assert caught.value.reason == "too large"


def test_huge_extension_is_refused(tmp_path, nifti):
    raw = bytearray(gzip.decompress(nifti.read_bytes()))
    struct.pack_into("<f", raw, 108, 1e9)
    path = tmp_path / "extension.nii.gz"
    path.write_bytes(gzip.compress(bytes(raw)))
    with pytest.raises(ImageError) as caught:
        read_volume(path)
    assert caught.value.reason == "too large"


def nrrd_text(extra: str = "", data: bytes = b"") -> bytes:
    lines = (
        "NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 2 3 4\n"
        "space directions: (1,0,0) (0,1,0) (0,0,1)\nendian: little\n"
    )
    return (lines + extra + "\n").encode() + data


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (nrrd_text("encoding: raw\ndata file: ../../secret.raw\n"), "unsupported file"),
        (nrrd_text("encoding: raw\n", bytes(10)), "undecodable"),
        (nrrd_text("encoding: gzip\n", gzip.compress(bytes(100 * 2**20))), "undecodable"),
        (nrrd_text("encoding: txt\n", b"1 2 3"), "unsupported values"),
        (b"NRRD0004\nnonsense", "undecodable"),
    ],
)
def test_hostile_nrrd_has_a_reason(tmp_path, content, reason):
    path = tmp_path / "a.nrrd"
    path.write_bytes(content)
    with pytest.raises(ImageError) as caught:
        read_volume(path)
    assert caught.value.reason == reason
