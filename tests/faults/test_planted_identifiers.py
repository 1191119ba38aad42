"""Identifiers planted wherever a clinic's files can hold them reach no byte of what `validate` and `review` write."""

import dataclasses
import io
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pyarrow.parquet as pq
import pydicom
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset

from components.context import StageContext
from components.recipes.recipe import read_recipe, shipped_recipe
from components.sources.settings import SourceSettings
from components.storage.progress import Progress
from components.storage.workspace import Workspace
from components.validation.review import write_review
from components.validation.stage import validate

NAMES = (
    *("Abendroth", "Birnbaum", "Czerwinski", "Dunkelberg", "Eisenhauer", "Finsterwald", "Goldhammer", "Himmelreich"),
    *("Isenburger", "Jungblut", "Kaltenbach", "Lautenschl", "Morgenthau", "Nachtigall", "Oberhauser", "Pfefferkorn"),
    *("Quastenberg", "Rosenkranz", "Silberstein", "Trautwein", "Uhlenbrock", "Vogelsang", "Wassermann"),
)
NUMBERS = ("19690720", "4711083142", "27182818284")
"""A date, a patient's number and a part of the UIDs."""


def planted(values: np.ndarray) -> FileDataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    meta.MediaStorageSOPInstanceUID = f"1.2.{NUMBERS[2]}.1"
    meta.SourceApplicationEntityTitle = NAMES[0]
    meta.PrivateInformationCreatorUID = f"1.2.{NUMBERS[2]}"
    meta.PrivateInformation = NAMES[1].encode()
    ds = FileDataset("", {}, file_meta=meta, preamble=NAMES[2].encode().ljust(128, b"\0"))
    ds.SOPInstanceUID = f"1.2.{NUMBERS[2]}.1"
    ds.StudyInstanceUID = ds.SeriesInstanceUID = f"1.2.{NUMBERS[2]}"
    ds.Modality, ds.BodyPartExamined, ds.PatientID = "CT", NAMES[3].upper(), NUMBERS[1]
    ds.PatientName, ds.PatientAddress, ds.InstitutionName = f"{NAMES[4]}^A", NAMES[5], NAMES[6]
    ds.StudyDescription, ds.OperatorsName, ds.PatientComments = NAMES[7], NAMES[8], f"{NAMES[9]} {NUMBERS[0]}"
    ds.StudyDate = ds.PatientBirthDate = NUMBERS[0]
    inner, outer, icon = Dataset(), Dataset(), Dataset()
    inner.PatientName, inner.TextValue = NAMES[10], NAMES[11]
    outer.ContentSequence = [inner]
    ds.RequestAttributesSequence = [outer]
    icon.PixelData = NAMES[12].encode()
    icon["PixelData"].VR = "OB"
    ds.IconImageSequence = [icon]
    ds.private_block(0x0011, NAMES[13], create=True).add_new(1, "LO", NAMES[14])
    ds.add_new(0x60000022, "LO", NAMES[15])
    ds.add_new(0x60003000, "OW", NAMES[16].encode().ljust(12))
    ds.add_new(0x50003000, "OW", NAMES[17].encode())
    ds.Rows, ds.Columns = values.shape
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
    ds.PixelData = values.tobytes()
    return ds


def deliver_scans(folder: Path, values: np.ndarray) -> None:
    """A whole file, and broken ones of which each breaks elsewhere, under a person's name."""
    place = folder / NAMES[18]
    place.mkdir(parents=True)
    out = io.BytesIO()
    planted(values).save_as(out, enforce_file_format=True)
    whole = out.getvalue()
    for name, data in (
        ("whole", whole),
        ("cut", whole[:700]),
        ("short", whole[:-3000]),
        ("odd", whole.replace(b"DS", b"IS").replace(b"US\x02\x00", b"IS\x02\x00", 1)),
        ("letter", f"Dear {NAMES[20]}, born {NUMBERS[0]}".encode()),
    ):
        (place / f"{NAMES[19]}_{NUMBERS[0]}_{name}.dcm").write_bytes(data)
    report = planted(values)
    del report.PixelData
    report.Modality, report.EncapsulatedDocument = "SR", NAMES[21].encode()
    report.save_as(place / f"{NAMES[19]}_report", enforce_file_format=True)
    risky = planted(values)
    risky.Modality, risky.SOPInstanceUID = "US", f"1.2.{NUMBERS[2]}.2"
    risky.save_as(place / f"{NAMES[19]}_ultrasound", enforce_file_format=True)


def deliver_volumes(folder: Path, values: np.ndarray) -> None:
    folder.mkdir(parents=True)
    image = nibabel.Nifti1Image(np.stack([values] * 50, axis=2), np.eye(4))
    image.header["descrip"], image.header["aux_file"] = NAMES[22].encode(), NAMES[22].encode()
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", NAMES[22].encode()))
    nibabel.save(image, folder / f"{NAMES[19]}.nii")
    (folder / f"{NAMES[19]}_cut.nii").write_bytes((folder / f"{NAMES[19]}.nii").read_bytes()[:900])
    (folder / "labels.csv").write_text("file,fact,value\n*,modality,MRI\n*,anatomy,brain\n*,licence,ours\n")


def content(path: Path) -> bytes:
    """The file's bytes in lower case; of a table, which is packed, its values too."""
    rows = repr(pq.read_table(path).to_pylist()).encode() if path.suffix == ".parquet" else b""
    return (path.read_bytes() + rows).lower()


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.delenv("UNIMED_SECRET", raising=False)
    values = np.random.default_rng(0).integers(-100, 200, (50, 60)).astype(np.int16)
    workspace = Workspace(tmp_path)
    deliver_scans(workspace.raw / "scans", values)
    deliver_volumes(workspace.raw / "volumes", values)
    return workspace


def test_no_planted_identifier_reaches_a_byte_that_is_written(workspace, caplog, capfd):
    recipe = read_recipe(shipped_recipe("tiny"))
    formats = {"scans": "dicom", "volumes": "nifti"}
    sources = {name: SourceSettings(path=f"data/raw/{name}", format=kind) for name, kind in formats.items()}
    recipe = dataclasses.replace(recipe, sources=sources)
    for name in sources:
        progress = Progress.start(workspace.progress, f"validate@{name}")
        validate(StageContext(workspace=workspace, recipe=recipe, item=name, progress=progress))
        write_review(workspace, recipe, name)
    said = caplog.text + "".join(capfd.readouterr())
    written = [path for path in workspace.root.rglob("*") if path.is_file() and workspace.raw not in path.parents]
    kept = [path for path in written if path.name.startswith("records-")]
    assert len(kept) == 2 and all(path.stat().st_size > 3000 for path in kept)
    assert {path.name for path in written} >= {"quarantine.parquet", "accounting.json", "profile.json", "scans.html"}
    contents = {path: content(path) for path in written}
    for secret in (*NAMES, *NUMBERS):
        assert secret.lower() not in said.lower()
        for path in written:
            assert secret.encode().lower() not in contents[path], f"{secret} in {path}"
            assert secret.lower() not in str(path.relative_to(workspace.root)).lower()


def test_a_crash_while_reading_prints_no_identifier(workspace):
    """What a trace shows of a DICOM image is its class and what is technical."""
    code = (
        "import sys; from pathlib import Path; from components.images.dicom import open_dicom\n"
        "image = open_dicom(Path(sys.stdin.read())); raise RuntimeError(repr(image))"
    )
    path = next((workspace.raw / "scans").rglob("*_whole.dcm"))
    done = subprocess.run([sys.executable, "-c", code], input=str(path), capture_output=True, text=True)
    assert "RuntimeError" in done.stderr
    for secret in (*NAMES[4:], *NUMBERS):
        assert secret.lower() not in done.stderr.lower(), secret


def test_keys_of_a_private_source_need_the_workspaces_secret(workspace, monkeypatch):
    from components.sources.table import read_source

    settings = SourceSettings(path="data/raw/scans", format="dicom")

    def told(private: Path) -> list[tuple[str, str]]:
        items = read_source(workspace.raw / "scans", "scans", settings, private=private)
        return sorted((item.id, getattr(item, "subject", "")) for item in items)

    first = told(workspace.private)
    assert told(workspace.private) == first
    other = told(workspace.root / "elsewhere" / ".unimed")
    assert not {identity for identity, _ in first} & {identity for identity, _ in other}
    assert not {subject for _, subject in first if subject} & {subject for _, subject in other if subject}
    public = SourceSettings(path="data/raw/scans", format="dicom", options={"public": True})
    listed = [
        [item.id for item in read_source(workspace.raw / "scans", "scans", public, private=private)]
        for private in (workspace.private, workspace.root / "elsewhere" / ".unimed")
    ]
    assert listed[0] == listed[1]


def test_planted_files_hold_what_is_searched_for(workspace):
    raw = b"".join(path.read_bytes() + str(path).encode() for path in workspace.raw.rglob("*") if path.is_file())
    for secret in (*NAMES, *NUMBERS):
        assert secret.encode().lower() in raw.lower(), secret
    assert pydicom.dcmread(next((workspace.raw / "scans").rglob("*_whole.dcm"))).PatientID == NUMBERS[1]
