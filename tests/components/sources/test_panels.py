"""Panels as captions of articles name them."""

import pytest

from components.sources.reading.panels import panels


@pytest.mark.parametrize(
    ("caption", "named"),
    [
        ("(A) CT. (B) MRI.", "ab"),
        ("A: before. B: after.", "ab"),
        ("Sagittal (A, C) and axial MRI (B\u2013D).", "abcd"),
        ("a) Axial CT. b) Coronal CT.", "ab"),
        ("a) axial, b) coronal", "ab"),
        ("A, axial; B, coronal", "ab"),
        ("MRI of the knee. A. Axial B. Coronal C. Sagittal", "abc"),
        ("Panel A shows the CT, panel B the MRI.", "ab"),
        ("Axial (panels a and b) and coronal images (panel c).", "abc"),
    ],
)
def test_letters_are_read_in_the_ways_that_captions_write_them(caption, named):
    assert panels(caption) == list(named)


def test_roman_numbers_and_places_are_panels_too():
    assert panels("(i) CT. (ii) MRI. (iii) PET.") == ["i", "ii", "iii"]
    assert panels("Left: CT. Right: MRI.") == ["left", "right"]
    assert panels("The top panel shows the axial view, the bottom panel the coronal one.") == ["top", "bottom"]


@pytest.mark.parametrize(
    "caption",
    [
        "Vitamin A deficiency (grade B).",
        "Axial CT (arrow).",
        "Vitamin A: low. Hepatitis B: negative.",
        "A patient with influenza A, hepatitis B, and a fever.",
        "Blood group A, B or AB.",
        "The right lung is clear. Left: none.",
        "A chest X-ray. The left side shows a nodule.",
        "B, coronal view.",
    ],
)
def test_letters_of_another_meaning_are_no_panels(caption):
    assert panels(caption) == []
