import json
from pathlib import Path

import numpy as np
import pytest

from components.sources.reading.structures import (
    CT_STRUCTURES,
    MR_STRUCTURES,
    ORGANS,
    english,
    palette,
    visible_and_unclear,
)

_LABELS = Path(__file__).parents[2] / "samples" / "totalsegmentator" / "labels.json"


def test_label_numbers_are_those_of_totalsegmentator():
    tables = json.loads(_LABELS.read_text())
    ct, mr = tables["example_seg_fast_force_split.nii.gz, example_seg_dicom.nii.gz"], tables["example_seg_mr.nii.gz"]
    assert {str(n): name for n, name in enumerate(CT_STRUCTURES, start=1)} == ct
    assert {str(n): name for n, name in enumerate(MR_STRUCTURES, start=1)} == mr


@pytest.mark.parametrize(
    ("structure", "name"),
    [
        ("liver", "liver"),
        ("kidney_right", "right kidney"),
        ("lung_upper_lobe_left", "left lung"),
        ("vertebrae_L3", "spine"),
        ("rib_left_11", "ribs"),
        ("gluteus_minimus_right", "gluteal muscles"),
        ("iliac_vena_left", "iliac veins"),
        ("hip_right", "right hip bone"),
    ],
)
def test_names_are_plain_english(structure, name):
    assert english(structure) == name
    assert name in ORGANS


def test_no_underscore_reaches_a_name():
    assert not any("_" in name for name in ORGANS)


def test_visible_adds_up_the_parts_of_an_organ():
    labels = np.zeros((10, 10), np.uint8)
    labels[0, :6] = CT_STRUCTURES.index("lung_upper_lobe_left") + 1
    labels[1, :6] = CT_STRUCTURES.index("lung_lower_lobe_left") + 1
    labels[2, :6] = CT_STRUCTURES.index("liver") + 1
    assert visible_and_unclear(labels, CT_STRUCTURES, pixels=10) == (["left lung"], ["liver"])
    assert visible_and_unclear(labels, CT_STRUCTURES, pixels=6) == (["left lung", "liver"], [])


def test_background_is_black_and_every_structure_is_not():
    table = palette(CT_STRUCTURES)
    assert table[0].tolist() == [0, 0, 0]
    assert (table[1 : len(CT_STRUCTURES) + 1].sum(axis=1) > 0).all()
