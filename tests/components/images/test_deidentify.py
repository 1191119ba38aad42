import io
from datetime import date

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset

from components.images import deidentify as module
from components.images.deidentify import date_shift, deidentify, keyed_uid
from components.images.limits import ImageError

SECRET = b"one secret of a workspace"


def visit(patient: str = "P-1", day: str = "20240229", study: str = "1.2.3.4") -> FileDataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", study + ".5"
    meta.SourceApplicationEntityTitle = "WARD7"
    ds = FileDataset("", {}, file_meta=meta, preamble=b"WARD7".ljust(128))
    ds.PatientID, ds.PatientName, ds.PatientBirthDate = patient, "Doe^Jane", "19500101"
    ds.StudyInstanceUID, ds.SOPInstanceUID, ds.StudyDate = study, study + ".5", day
    ds.AcquisitionDateTime = day + "101112.5"
    ds.Modality, ds.BodyPartExamined = "US", "HEART"
    ds.Rows, ds.Columns, ds.BitsAllocated, ds.BitsStored, ds.HighBit = 2, 3, 8, 8, 7
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, "MONOCHROME2", 0
    ds.PixelData = bytes(range(6))
    return ds


def written(ds: FileDataset) -> bytes:
    out = io.BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def test_a_cleaned_file_says_that_it_was_cleaned_and_how():
    ds = visit()
    deidentify(ds, secret=SECRET)
    assert ds.PatientIdentityRemoved == "YES"
    assert "PS3.15" in ds.DeidentificationMethod
    assert [item.CodeValue for item in ds.DeidentificationMethodCodeSequence] == ["113100", "113107"]
    assert ds.LongitudinalTemporalInformationModified == "MODIFIED"


def test_what_decoding_needs_stays():
    ds = visit()
    deidentify(ds, secret=SECRET)
    again = pydicom.dcmread(io.BytesIO(written(ds)))
    assert (again.pixel_array == np.arange(6).reshape(2, 3)).all()
    assert (again.Modality, again.BodyPartExamined) == ("US", "HEART")


def test_dates_of_one_patient_keep_their_distance_and_other_patients_have_another():
    first, second, other = visit(day="20240229"), visit(day="20240310"), visit("P-2")
    for ds in (first, second, other):
        deidentify(ds, secret=SECRET)
    days = [
        np.datetime64(f"{ds.StudyDate[:4]}-{ds.StudyDate[4:6]}-{ds.StudyDate[6:]}") for ds in (first, second, other)
    ]
    assert days[1] - days[0] == np.timedelta64(10, "D")
    assert days[0] < np.datetime64("2024-02-29")
    assert days[0] != days[2]
    assert first.AcquisitionDateTime == first.StudyDate


def test_identities_are_equal_for_equal_ones_under_one_secret_alone():
    first, again, other = visit(), visit(), visit()
    deidentify(first, secret=SECRET)
    deidentify(again, secret=SECRET)
    deidentify(other, secret=b"another secret")
    assert first.PatientID == again.PatientID != other.PatientID
    assert first.StudyInstanceUID == again.StudyInstanceUID == keyed_uid("1.2.3.4", SECRET) != other.StudyInstanceUID
    assert first.file_meta.MediaStorageSOPInstanceUID == first.SOPInstanceUID
    assert pydicom.uid.UID(first.SOPInstanceUID).is_valid


def test_names_in_sequences_private_tags_overlays_curves_and_unparsable_values_are_gone():
    ds = visit()
    inner = Dataset()
    inner.PatientName, inner.ReferringPhysicianName, inner.StudyDate = "Doe^Jane", "Doe^Jane", "20240229"
    inner.private_block(0x0011, "Doe", create=True).add_new(1, "LO", "Doe")
    outer = Dataset()
    outer.RequestAttributesSequence = [inner]
    ds.SharedFunctionalGroupsSequence = [outer]
    ds.private_block(0x0011, "Doe", create=True).add_new(1, "LO", "Doe")
    ds.add_new(0x60000022, "LO", "Doe")
    ds.add_new(0x60023000, "OW", b"Doe ")
    ds.add_new(0x50003000, "OW", b"Doe ")
    ds.add_new(0x00180022, "CS", "SOMETHING")
    ds.add_new(0x00181030, "LO", "Doe's knee")
    ds.add_new(0x00990010, "UN", b"Doe ")
    data = written(ds)
    # A number that is none: pydicom reads it lazily, and nobody knows what it says.
    ds = pydicom.dcmread(io.BytesIO(data))
    ds._dict[pydicom.tag.Tag(0x00101010)] = pydicom.dataelem.RawDataElement(
        pydicom.tag.Tag(0x00101030), "FD", 3, b"Doe", 0, False, True
    )
    deidentify(ds, secret=SECRET)
    data = written(ds)
    assert b"Doe" not in data
    assert b"WARD7" not in data
    assert b"20240229" not in data
    assert ds.SharedFunctionalGroupsSequence[0].get("RequestAttributesSequence") is None or not any(
        "Name" in element.keyword for element in ds.SharedFunctionalGroupsSequence[0].RequestAttributesSequence[0]
    )


def test_a_header_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(module, "MAX_ELEMENTS", 30)
    ds = visit()
    ds.SharedFunctionalGroupsSequence = [Dataset() for _ in range(40)]
    for item in ds.SharedFunctionalGroupsSequence:
        item.InstanceNumber = 1
    with pytest.raises(ImageError, match="more than 30 elements"):
        deidentify(ds, secret=SECRET)


def test_dates_move_by_the_patient_alone_wherever_the_patients_secret_is_the_same():
    one, two = visit(), visit(study="1.2.9")
    deidentify(one, secret=SECRET, patient_secret=b"patients of a namespace")
    deidentify(two, secret=b"another source's", patient_secret=b"patients of a namespace")
    day = date(2024, 2, 29) - date_shift("P-1", b"patients of a namespace")
    assert one.StudyDate == two.StudyDate == day.strftime("%Y%m%d")
