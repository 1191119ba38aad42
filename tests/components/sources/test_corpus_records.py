"""What the default corpus gives: enough, from enough modalities, with facts that hold."""

from collections import Counter

import numpy as np
import pytest

from components.images.png import pixels_sha256
from components.images.stored import decode_stored
from components.recipes.shipped import read_shipped
from components.records.vocabulary import Modality


def test_two_thousand_records_of_seven_modalities_with_unique_ids(corpus_records):
    records = [record for source in corpus_records.values() for record in source.values()]
    assert len(records) >= 2000
    assert len({record.modality for record in records}) == 7
    assert len({record.id for record in records}) == len(records)
    assert all(record.licence and record.provenance.file for record in records)


def test_held_out_subjects_and_slabs_of_the_recipe_exist(corpus_records):
    splits = read_shipped("tiny").assembly.splits
    for source, subjects in (*splits.test.items(), *splits.val.items()):
        assert set(subjects) <= {record.subject for record in corpus_records[source].values()}
    for slab in splits.slabs:
        positions = [
            record.position
            for record in corpus_records[slab.source].values()
            if record.subject == slab.subject and record.facts.get("plane", "tile") == slab.plane
        ]
        # What is chosen on takes fewer slices from training than what decides.
        least = 5 if slab.split == "within-val" else 10
        assert sum(slab.low <= position <= slab.high for position in positions) >= least


def test_the_recorded_pixel_hash_is_that_of_the_stored_image(corpus_records):
    for source in corpus_records.values():
        record = next(iter(source.values()))
        assert record.provenance.sha256 == pixels_sha256(record.image.decode())


def test_t1_slices_carry_the_other_contrasts_of_the_same_place(corpus_records):
    records = corpus_records["nilearn-mni"]
    t1 = [record for record in records.values() if record.facts.get("contrast") == "T1"]
    assert Counter(record.facts["plane"] for record in t1) == {"sagittal": 119, "coronal": 145, "axial": 113}
    for record in t1[::50]:
        for key, name in (("gm", "grey_matter"), ("wm", "white_matter")):
            partner = records[record.id.replace("t1-", f"{key}-")]
            assert record.targets[name] == partner.image.data
            assert record.position == partner.position
            assert not partner.targets and "contrast" not in partner.facts, "a tissue map is no contrast"
            assert (record.facts["map"], partner.facts["map"]) == ("none", name.replace("_", " "))


def test_mni_positions_are_millimetres_of_the_atlas(corpus_records):
    record = corpus_records["nilearn-mni"]["nilearn-mni/t1-axial-072"]
    assert record.position == 0.0
    image = record.image.decode()
    # Symmetric head: mirrored it is nearly itself; turned upside down it is not (front is narrower than back).
    assert np.abs(image.astype(int) - image[:, ::-1]).mean() < 12


def test_liver_lies_at_the_left_edge_and_spine_at_the_bottom_of_axial_slices(corpus_records):
    red, bone = (200, 40, 40), (235, 235, 215)
    checked = 0
    for record in corpus_records["totalsegmentator"].values():
        organs = record.facts.get("organs", "").split(";")
        if record.facts.get("plane") != "axial" or not {"liver", "spine"} <= set(organs):
            continue
        colours = decode_stored(record.targets["organ_map"])
        liver = np.argwhere((colours == red).all(axis=2)).mean(axis=0)
        spine = np.argwhere((colours == bone).all(axis=2)).mean(axis=0)
        assert liver[1] < spine[1], record.id
        assert liver[0] < spine[0], record.id
        assert colours.shape[:2] == record.image.decode().shape[:2]
        checked += 1
    assert checked >= 30
    subjects = {"ct-abdomen", "ct-dicom", "mr-abdomen"}
    assert subjects <= {r.subject for r in corpus_records["totalsegmentator"].values() if r.targets}


def test_organ_map_of_the_dicom_series_lies_on_the_body(corpus_records):
    for record in corpus_records["totalsegmentator"].values():
        if record.subject != "ct-dicom":
            continue
        image, colours = record.image.decode(), decode_stored(record.targets["organ_map"])
        liver = (colours == (200, 40, 40)).all(axis=2)
        # Soft tissue in the window -160..240 HU is middle grey; air would be black.
        assert 100 < np.median(image[liver]) < 200, record.id
        assert "liver" in record.facts["organs"].split(";")


def test_bladder_slices_are_called_pelvis(corpus_records):
    for record in corpus_records["totalsegmentator"].values():
        if "urinary bladder" in record.facts.get("organs", "").split(";") and record.facts["plane"] == "axial":
            assert record.anatomy == "pelvis"


def test_a_structure_cut_by_a_few_pixels_is_neither_shown_nor_missing(corpus_records):
    unclear = 0
    for record in corpus_records["totalsegmentator"].values():
        shown, doubtful = (set(record.facts.get(n, "").split(";")) - {""} for n in ("organs", "unclear_organs"))
        assert not shown & doubtful
        unclear += len(doubtful)
    assert unclear > 500


def test_a_slice_without_an_organ_of_the_belly_has_no_region(corpus_records):
    slices = [r for r in corpus_records["totalsegmentator"].values() if r.subject == "ct-abdomen"]
    assert any(r.anatomy == "unknown" for r in slices if r.facts["plane"] == "sagittal"), "through an arm"
    belly = {"liver", "left kidney", "right kidney", "colon", "small bowel", "stomach"}
    for record in slices:
        seen = set(record.facts["organs"].split(";"))
        assert record.anatomy != "abdomen" or seen & (
            belly | {"spleen", "pancreas", "duodenum", "gallbladder"} | {"left adrenal gland", "right adrenal gland"}
        )
        assert record.anatomy != "unknown" or not seen & belly


def test_a_level_is_told_where_the_volume_holds_both_ends_of_the_region(corpus_records):
    told = {r.subject for s in corpus_records.values() for r in s.values() if "level" in r.facts}
    assert "mni152" in told and "ct-abdomen" not in told, "an abdomen scan ends inside the body"


def test_tumours_are_claimed_only_where_the_mask_says_so(corpus_records):
    tumours = Counter((r.subject, r.facts.get("tumour")) for r in corpus_records["pyradiomics"].values())
    assert tumours[("brain1", "yes")] >= 5
    assert tumours[("brain1", "no")] >= 10
    sides = {r.facts["laterality"] for r in corpus_records["pyradiomics"].values() if "laterality" in r.facts}
    assert sides <= {"left", "right"}
    for record in corpus_records["pyradiomics"].values():
        assert ("nodule" in record.facts) <= (record.anatomy == "chest")
        assert ("laterality" in record.facts) <= (record.facts.get("tumour") == "yes")


def test_retinopathy_is_claimed_of_whole_eyes_only(corpus_records):
    facts = {r.id: r.facts for r in corpus_records["fundus"].values()}
    assert facts["fundus/hrf-07-whole"]["retinopathy"] == "yes"
    assert facts["fundus/hrf-04-whole"]["retinopathy"] == "no"
    assert facts["fundus/chase-12r-whole"]["laterality"] == "right"
    assert not any("retinopathy" in f or "laterality" in f for name, f in facts.items() if "window" in name)


def test_colour_is_what_the_pixels_show(corpus_records):
    for source, expected in (("histology", {"yes"}), ("fundus", {"yes"}), ("nilearn-mni", {"no"})):
        assert {r.facts["colour"] for r in corpus_records[source].values()} == expected
    ultrasound = {r.subject: r.facts["colour"] for r in corpus_records["ultrasound"].values()}
    assert ultrasound["us-lymph"] == ultrasound["us-tee"] == "yes"
    assert ultrasound["us-sonosite"] == ultrasound["eye1"] == "no"


def test_burned_in_text_is_cut_away(corpus_records):
    for record in corpus_records["ultrasound"].values():
        if record.subject == "us-lymph":
            assert record.image.decode().shape[:2] == (228, 640)
        if record.subject == "us-aloka":
            assert record.image.decode().shape[1] < 310


def test_nothing_of_a_dicom_header_is_in_an_id(corpus_records):
    for source in ("dicom", "ultrasound"):
        for record in corpus_records[source].values():
            assert "1.2." not in record.id
            assert "NAME" not in record.id


@pytest.mark.parametrize("subject", ["chest", "tibia"])
def test_x_rays_show_bones_bright(corpus_records, subject):
    (record,) = (r for r in corpus_records["dicom"].values() if r.subject == subject)
    assert record.modality is Modality.XRAY
    image = record.image.decode()
    height, width = image.shape
    if subject == "chest":  # the mediastinum is brighter than the lung beside it
        lung = image[height // 3 : height // 2, width // 5 : width // 3]
        assert image[height // 3 : height // 2, width * 9 // 20 : width * 11 // 20].mean() > lung.mean()
    else:
        assert image[height // 4, width * 2 // 5 : width * 3 // 5].max() > 120
