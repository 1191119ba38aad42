import shutil

import numpy as np
import pytest
from PIL import Image

from components.recipes.sources import SourceSettings
from components.records.record import LeftOut
from components.records.vocabulary import Modality
from components.sources.formats import CORPUS, GENERAL, PUBLIC
from components.sources.private import is_private
from components.sources.table import MODULES, adapter, read_source


@pytest.fixture
def fundus(raw, tmp_path):
    folder = tmp_path / "fundus"
    folder.mkdir()
    shutil.copy(raw / "fundus" / "HRF_07_dr.jpg", folder)
    return folder


def test_unknown_format_gets_a_suggestion():
    with pytest.raises(ValueError, match="unknown format 'dicm'; did you mean 'dicom'"):
        adapter("dicm")


def test_unknown_option_and_missing_folder_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"format 'dicom' has no option 'framestep'.*frame_step"):
        read_source(tmp_path, "a", SourceSettings(path="a", format="dicom", options={"framestep": 2}))
    with pytest.raises(ValueError, match="is missing; deliver"):
        read_source(tmp_path / "no", "a", SourceSettings(path="a", format="dicom"))


def test_each_stray_file_is_one_unreadable_record_with_its_reason(fundus, read):
    (fundus / "empty.jpg").touch()
    (fundus / "notes.docx").write_bytes(b"PK\x03\x04 something")
    (fundus / "sub").mkdir()
    (fundus / "sub" / "cut.jpg").write_bytes((fundus / "HRF_07_dr.jpg").read_bytes()[:5000])
    (fundus / "LICENSE.txt").write_text("ours")
    (fundus / ".gitignore").write_text("*")
    records, unreadable = read(fundus, "fundus")
    assert len(records) == 10
    assert {item.file: item.reason for item in unreadable} == {
        "empty.jpg": "empty file",
        "notes.docx": "not an image",
        "sub/cut.jpg": "undecodable",
    }
    assert all(item.detail for item in unreadable)


def test_links_out_of_the_folder_are_not_followed(fundus, read, tmp_path):
    secret = tmp_path / "secret.png"
    Image.fromarray(np.zeros((50, 50, 3), np.uint8)).save(secret)
    (fundus / "link.png").symlink_to(secret)
    (fundus / "broken.png").symlink_to(fundus / "nowhere.png")
    (tmp_path / "outside").mkdir()
    shutil.copy(secret, tmp_path / "outside" / "b.png")
    (fundus / "folder").symlink_to(tmp_path / "outside")
    _, unreadable = read(fundus, "fundus")
    assert {item.file: item.reason for item in unreadable} == {
        "link.png": "outside the folder",
        "broken.png": "not a file",
        "folder": "outside the folder",
    }


@pytest.mark.parametrize("source", ["nilearn-mni", "totalsegmentator", "pyradiomics"])
def test_sources_of_known_files_name_a_stranger(read, source, tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"x")
    records, (stranger,) = read(tmp_path, source)
    assert not records
    assert stranger.reason == "unknown file"


def test_empty_folder_is_no_record_in_any_format(read, tmp_path):
    for name in MODULES:
        assert read(tmp_path, "a", name) == ({}, [])


def test_broken_volume_and_broken_mask_are_counted_and_the_rest_goes_on(raw, read, tmp_path):
    folder = tmp_path / "pyradiomics"
    folder.mkdir()
    for name in ("brain1_image.nrrd", "brain1_label.nrrd", "lung1_image.nrrd"):
        shutil.copy(raw / "pyradiomics" / name, folder)
    (folder / "brain1_label.nrrd").write_bytes((folder / "brain1_label.nrrd").read_bytes()[:500])
    (folder / "lung1_image.nrrd").write_bytes(b"NRRD0004\n")
    records, unreadable = read(folder, "pyradiomics")
    assert {item.file for item in unreadable} == {"brain1_label.nrrd", "lung1_image.nrrd"}
    assert len(records) == 25
    assert not any("tumour" in record.facts for record in records.values())


def test_label_map_on_another_grid_is_refused(raw, read, tmp_path):
    folder = tmp_path / "totalsegmentator"
    folder.mkdir()
    shutil.copy(raw / "totalsegmentator" / "example_mr_sm.nii.gz", folder)
    shutil.copy(raw / "totalsegmentator" / "example_seg_dicom.nii.gz", folder / "example_seg_mr.nii.gz")
    records, (item,) = read(folder, "totalsegmentator")
    assert item.reason == "grids differ"
    assert records
    assert not any(record.targets for record in records.values())


def test_phantoms_are_refused_by_name(read, tmp_path):
    (tmp_path / "clarius-ocular-short.mp4").write_bytes(b"x")
    _, (item,) = read(tmp_path, "ultrasound")
    assert isinstance(item, LeftOut) and item.reason == "phantom"


def test_ultrasound_still_needs_a_person_who_looked(read, tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 80), dtype=np.uint8)).save(tmp_path / "a.png")
    _, (item,) = read(tmp_path, "ultrasound")
    assert item.reason == "burned-in risk"
    (tmp_path / "labels.csv").write_text("file,fact,value\na.png,crop,10 20 70 55\na.png,anatomy,neck\n")
    records, unreadable = read(tmp_path, "ultrasound")
    assert not unreadable
    (record,) = records.values()
    assert record.anatomy == "neck"
    assert "crop" not in record.facts


def test_folder_of_images_with_labels(read, tmp_path):
    for name in ("a/one.png", "a/two.png", "b/one.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 80), dtype=np.uint8)).save(tmp_path / name)
    _, unreadable = read(tmp_path, "mine", "images")
    assert {item.reason for item in unreadable} == {"unknown modality"}
    (tmp_path / "labels.csv").write_text(
        "file,fact,value\n*,modality,X-ray\n*,licence,CC0\na/,subject,ann\na/,anatomy,chest\na/two.png,anatomy,hand\n"
    )
    records, unreadable = read(tmp_path, "mine", "images")
    assert not unreadable
    assert {(r.id, r.subject, r.anatomy) for r in records.values()} == {
        ("mine/a/one", "ann", "chest"),
        ("mine/a/two", "ann", "hand"),
        ("mine/b/one", "b/one.png", "unknown"),
    }
    assert {r.modality for r in records.values()} == {Modality.XRAY}
    assert {r.licence for r in records.values()} == {"CC0"}


def test_volumes_with_oblong_voxels_give_only_the_planes_that_look_right(raw, read, tmp_path):
    shutil.copy(raw / "pyradiomics" / "brain1_image.nrrd", tmp_path / "Doe_John.nrrd")
    (tmp_path / "labels.csv").write_text("file,fact,value\n*,modality,MRI\n*,anatomy,brain\n*,defaced,yes\n")
    records, unreadable = read(tmp_path, "clinic", "nifti")
    assert not unreadable
    assert {r.facts["plane"] for r in records.values()} == {"axial"}
    assert not any("Doe" in r.id + r.provenance.file for r in records.values())


def test_names_of_a_clinics_files_are_masked_unless_public(raw, read, tmp_path):
    shutil.copy(raw / "dicom" / "RG3_J2KI.dcm", tmp_path / "Doe_John")
    (tmp_path / "Doe_Jane.txt").write_text("a letter")
    records, (item,) = read(tmp_path, "clinic", "dicom")
    (record,) = records.values()
    assert "Doe" not in repr(item)
    assert "Doe" not in record.id + record.provenance.file
    assert record.anatomy == "leg"
    _, (public,) = read(tmp_path, "clinic", "dicom", public=True)
    assert public.file == "Doe_Jane.txt"
    assert not is_private("dicom", SourceSettings(path="data/raw/dicom", format="dicom"))


def test_reading_twice_gives_equal_records_in_equal_order(raw, tmp_path):
    shutil.copy(raw / "pyradiomics" / "breast1_image.nrrd", tmp_path)
    settings = SourceSettings(path="data/raw/p", format="pyradiomics")
    first, second = (list(read_source(tmp_path, "p", settings)) for _ in range(2))
    assert len(first) == 21
    assert first == second


def test_broken_labels_and_labels_of_nothing_are_counted(fundus, read):
    (fundus / "labels.csv").write_text("file,fact\n")
    records, (item,) = read(fundus, "fundus")
    assert (len(records), item.reason, item.file) == (10, "bad labels", "labels.csv")
    (fundus / "labels.csv").write_text("file,fact,value\ngone.jpg,retinopathy,yes\n")
    records, (item,) = read(fundus, "fundus")
    assert (len(records), item.reason) == (10, "label without file")


def test_unknown_modality_quarantines_every_record_of_the_file(fundus, read):
    (fundus / "labels.csv").write_text("file,fact,value\nHRF_07_dr.jpg,modality,funduscopy\n")
    records, unreadable = read(fundus, "fundus")
    assert not records
    assert [item.reason for item in unreadable] == ["mislabelled"] * 10


def test_the_help_names_every_format_there_is():
    assert sorted((*GENERAL, *PUBLIC, *CORPUS)) == sorted(MODULES)


def test_a_broken_labels_table_or_one_that_others_are_read_by_stops_the_source(read, draw, tmp_path):
    draw(tmp_path / "images" / "CXR1" / "0.png")
    (tmp_path / "labels.csv").write_text('file,fact,value\n*,crop,"0 0 5 5\n')
    _, unreadable = read(tmp_path, "mine", "images")
    assert [item.reason for item in unreadable if item.is_rest] == ["bad labels"]
    (tmp_path / "labels.csv").unlink()
    (tmp_path / "train_qa.json").write_text("[]")
    (tmp_path / "id_to_img_mapping_frontal_reports.json").write_text("{")
    _, unreadable = read(tmp_path, "rad-restruct")
    assert "not JSON" in [item.reason for item in unreadable if item.is_rest]
