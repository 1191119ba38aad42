"""Nothing that names a person gets from a DICOM file, its name or its folder into a record, a reason or a warning."""

import re
import warnings

import numpy as np
import pydicom
import pytest
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

PLANTED = "Zebulon"


def planted(values: np.ndarray) -> FileDataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    meta.MediaStorageSOPInstanceUID = "1.2.3.19690720"
    meta.SourceApplicationEntityTitle = PLANTED
    ds = FileDataset("", {}, file_meta=meta, preamble=PLANTED.encode().ljust(128, b"\0"))
    ds.SOPInstanceUID, ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.3.19690720", "1.2.19690720", "1.19690720"
    ds.Modality, ds.BodyPartExamined = "CT", PLANTED.upper()
    for tag in ("PatientName", "PatientID", "PatientAddress", "InstitutionName", "StudyDescription", "OperatorsName"):
        setattr(ds, tag, PLANTED)
    ds.PatientComments = f"{PLANTED} came on 19690720"
    ds.StudyDate = ds.PatientBirthDate = "19690720"
    inner = Dataset()
    inner.PatientName = PLANTED
    ds.ReferencedPatientSequence = [inner]
    ds.private_block(0x0011, "ACME", create=True).add_new(1, "LO", PLANTED)
    ds.add_new(0x60000022, "LO", PLANTED)
    ds.Rows, ds.Columns = values.shape
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
    ds.PixelData = values.tobytes()
    return ds


@pytest.fixture
def folder(tmp_path):
    values = np.random.default_rng(0).integers(-100, 200, (50, 60)).astype(np.int16)
    place = tmp_path / PLANTED
    place.mkdir()
    planted(values).save_as(place / f"{PLANTED}_19690720.dcm", enforce_file_format=True)
    short = planted(values)
    short.PixelData = short.PixelData[:100]
    short.SOPInstanceUID = "1.2.3.4.19690720"
    short.save_as(place / f"{PLANTED}_short.dcm", enforce_file_format=True)
    whole = (place / f"{PLANTED}_19690720.dcm").read_bytes()
    (place / f"{PLANTED}_cut.dcm").write_bytes(whole[:700])
    odd = whole.replace(b"DS", b"IS", 1).replace(b"US\x02\x00", b"IS\x02\x00", 1)
    (place / f"{PLANTED}_odd.dcm").write_bytes(odd)
    return tmp_path


def test_no_planted_string_leaves_the_adapter(folder, read, caplog, capfd):
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        records, unreadable = read(folder, "clinic", "dicom")
    assert len(records) >= 1
    assert len(records) + len(unreadable) == 4
    for record in records.values():
        said = repr((record.id, record.anatomy, record.facts, record.provenance, record.licence))
        assert PLANTED.lower() not in said.lower()
        assert "19690720" not in said
        assert PLANTED.encode() not in record.image.data
    said = repr(unreadable) + caplog.text + "".join(capfd.readouterr()) + repr([str(w.message) for w in heard])
    assert PLANTED.lower() not in said.lower()
    assert "19690720" not in said


def test_what_a_curator_describes_of_a_private_delivery_is_in_no_record(folder, read):
    (folder / "labels.csv").write_text(f"file,fact,value\n*,description,{PLANTED} again\n*,tumour,yes\n")
    private, _ = read(folder, "clinic", "dicom")
    public, _ = read(folder, "clinic", "dicom", public=True)
    assert all("description" not in r.facts and r.facts["tumour"] == "yes" for r in private.values()) and private
    assert all(r.facts["description"] == f"{PLANTED} again" for r in public.values()) and public


@pytest.mark.parametrize("name", ["a", "1", "12", "f0", "clinic"])
def test_a_file_with_a_short_name_garbles_neither_ids_nor_details(tmp_path, read, name):
    values = np.random.default_rng(0).integers(-100, 200, (50, 60)).astype(np.int16)
    ids = set()
    for number in range(6):
        whole = planted(values)
        whole.SOPInstanceUID = f"1.2.3.{number}"
        (tmp_path / f"folder{number}").mkdir()
        whole.save_as(tmp_path / f"folder{number}" / name, enforce_file_format=True)
        records, _ = read(tmp_path / f"folder{number}", "clinic", "dicom")
        ids |= set(records)
        assert all(record.provenance.file.startswith("file-") for record in records.values())
    assert all(re.fullmatch(r"clinic/[0-9a-f]{16}", identity) for identity in ids), ids
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / name).write_bytes(b"no image")
    _, (item,) = read(tmp_path / "broken", "clinic", "dicom")
    assert re.fullmatch(r"clinic/file-[0-9a-f]{16}", item.id)
    assert len(name) > 1 or "file-" not in item.detail


def test_one_patients_files_share_a_subject(folder, read):
    again = pydicom.dcmread(folder / PLANTED / f"{PLANTED}_19690720.dcm")
    again.SOPInstanceUID = "1.9.9"
    again.save_as(folder / "second.dcm")
    records, _ = read(folder, "clinic", "dicom")
    subjects = {record.subject for record in records.values()}
    assert len(records) >= 2
    assert len(subjects) == 1


def written_over(values: np.ndarray, **tags) -> FileDataset:
    ds = planted(values)
    for name, value in tags.items():
        setattr(ds, name, value)
    return ds


def picture_with_name() -> np.ndarray:
    picture = Image.new("L", (300, 200), 20)
    ImageDraw.Draw(picture).text((10, 8), "MUSTERMANN 1952", fill=250, font=ImageFont.load_default(20))
    return np.asarray(picture).astype(np.int16)


def test_text_found_in_pixels_of_a_private_source_holds_the_file_unless_somebody_clears_it(tmp_path, read):
    written_over(picture_with_name(), WindowCenter=128, WindowWidth=256).save_as(tmp_path / "a")
    _, (item,) = read(tmp_path, "clinic", "dicom")
    assert item.reason == "burned-in text"
    assert "letters" in item.detail
    records, unreadable = read(tmp_path, "clinic", "dicom", burned_in="allow")
    assert len(records) == 1 and not unreadable
    records, unreadable = read(tmp_path, "clinic", "dicom", public=True)
    assert len(records) == 1 and not unreadable
    for row in ("a,burned_in,no", "a,crop,0 60 300 200"):
        (tmp_path / "labels.csv").write_text(f"file,fact,value\n{row}\n")
        records, unreadable = read(tmp_path, "clinic", "dicom")
        assert len(records) == 1 and not unreadable


@pytest.mark.parametrize(
    "tags",
    [
        {"BurnedInAnnotation": "YES"},
        {"Modality": "US"},
        {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"},
        {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7.4"},
        {"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]},
    ],
)
def test_kinds_of_files_that_carry_names_are_held_until_somebody_looked(tmp_path, read, tags):
    written_over(np.random.default_rng(0).integers(-100, 200, (50, 60)).astype(np.int16), **tags).save_as(
        tmp_path / "a"
    )
    _, (item,) = read(tmp_path, "clinic", "dicom")
    assert item.reason == "burned-in risk"
    records, unreadable = read(tmp_path, "clinic", "dicom", burned_in="allow")
    assert len(records) == 1 and not unreadable
