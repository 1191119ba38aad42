"""A colour is shown as its file means it."""

import io
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from components.images.colour import in_srgb
from components.images.dicom import open_dicom
from components.images.raster import read_bare
from tests.fixtures.dicom_files import dicom_dataset

COLOURS = np.random.default_rng(0).integers(0, 255, (40, 50, 3), np.uint8)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def swapped() -> bytes:
    """sRGB with the names of red and blue exchanged: what is stored as red is meant blue."""
    profile = bytearray(SRGB)
    tags = {
        bytes(profile[at : at + 4]): at for at in range(132, 132 + 12 * int.from_bytes(profile[128:132], "big"), 12)
    }
    red, blue = tags[b"rXYZ"], tags[b"bXYZ"]
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile)


@pytest.fixture(params=["PNG", "JPEG", "TIFF"])
def written(request):
    def write(profile):
        handle = io.BytesIO()
        Image.fromarray(COLOURS).save(handle, request.param, icc_profile=profile, quality=100, subsampling=0)
        return handle.getvalue()

    return write


def test_colours_of_another_profile_are_converted_and_their_file_is_not_kept(written):
    plain, _ = read_bare(written(None))
    pixels, bare = read_bare(written(swapped()))
    assert bare is None
    assert np.abs(pixels.astype(int) - plain[..., ::-1]).max() <= 4


def test_srgb_by_any_name_changes_nothing(written):
    plain, bare = read_bare(written(None))
    pixels, kept = read_bare(written(SRGB))
    assert (pixels == plain).all()
    assert (kept is None) == (bare is None)


@pytest.mark.parametrize(
    "profile", [b"", b"nonsense", SRGB[:200], ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()]
)
def test_a_profile_that_says_nothing_sound_changes_nothing(profile):
    assert in_srgb(COLOURS, profile) is COLOURS


def test_grey_levels_stay_what_they_are():
    handle = io.BytesIO()
    Image.fromarray(COLOURS[..., 0]).save(handle, "PNG", icc_profile=swapped())
    assert (read_bare(handle.getvalue())[0] == COLOURS[..., 0]).all()


def test_the_profile_of_a_dicom_image_is_heard(tmp_path):
    ds = dicom_dataset(COLOURS, Modality="XC", ICCProfile=swapped() + b"\0" * (len(SRGB) % 2))
    ds.save_as(tmp_path / "a", enforce_file_format=True)
    assert np.abs(open_dicom(tmp_path / "a").frame(0).astype(int) - COLOURS[..., ::-1]).max() <= 4


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    """COLOURS as PNG with further chunks before its pixels."""
    handle = io.BytesIO()
    Image.fromarray(COLOURS).save(handle, "PNG")
    data = handle.getvalue()
    more = b"".join(
        len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big") for name, body in chunks
    )
    return data[:33] + more + data[33:]


def numbers(*values: float) -> bytes:
    return b"".join(round(value * 100_000).to_bytes(4, "big") for value in values)


def test_the_gamma_and_the_primaries_of_a_png_are_heard() -> None:
    linear, bare = read_bare(png((b"gAMA", numbers(1.0))))
    light = COLOURS / 255
    wanted = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055) * 255
    assert np.abs(linear - wanted).max() < 3 and bare is None
    wide = (0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)  # Adobe RGB
    shown = read_bare(png((b"gAMA", numbers(0.4547)), (b"cHRM", numbers(*wide))))[0]
    assert np.abs(shown.astype(int) - COLOURS).max() > 20
    assert (
        np.abs(
            read_bare(png((b"gAMA", numbers(0.4547)), (b"cHRM", numbers(*wide)), (b"sRGB", b"\0")))[0] - COLOURS
        ).max()
        == 0
    )


def test_the_gamma_that_programs_write_for_srgb_changes_nothing() -> None:
    usual = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
    for chunks in ([(b"gAMA", numbers(0.45455))], [(b"gAMA", numbers(0.45455)), (b"cHRM", numbers(*usual))]):
        pixels, bare = read_bare(png(*chunks))
        assert np.array_equal(pixels, COLOURS) and bare is not None
    for none in ((0.3, 0.3) * 4, (0.3127, 0.00001, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06), (0.0,) * 8):
        read_bare(png((b"gAMA", numbers(0.45455)), (b"cHRM", numbers(*none))))
    assert np.array_equal(read_bare(png((b"gAMA", numbers(0.0))))[0], COLOURS)
