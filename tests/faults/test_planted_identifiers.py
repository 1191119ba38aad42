"""Identifiers planted wherever a clinic's files can hold them reach no byte of what validation, review and assembly write."""

import base64
import gzip
import io
import sqlite3
import subprocess
import sys
import zipfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pydicom
import pytest
from PIL import Image

from components.recipes.sources import SourceSettings
from components.records.record import Record
from components.sources.table import read_source
from components.storage.workspace import Workspace
from tests.fixtures.planted_identifiers import SOURCES, deliver
from tests.fixtures.planted_names import NUMBER, SECRETS
from tests.fixtures.planted_scans import PAINTED, SIZES, painted
from tests.fixtures.planted_search import ENCODINGS, found, kept_images, pictures, prepare, shows_painted


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    workspace = Workspace(tmp_path_factory.mktemp("planted"))
    deliver(workspace)
    return workspace


@pytest.fixture(autouse=True)
def secret_of_the_workspace(monkeypatch):
    monkeypatch.delenv("UNIMED_SECRET", raising=False)


def test_no_planted_identifier_reaches_a_byte_that_is_written(workspace, caplog, capfd):
    written = prepare(workspace)
    said = caplog.text + "".join(capfd.readouterr())
    assert {path.name for path in written} >= {"quarantine.parquet", "accounting.json", "scans.html", "report.html"}
    assert {path.suffix for path in written} >= {".jsonl", ".parquet", ".json", ".html"}
    for source in SOURCES:
        kept = [size for size in kept_images(workspace, source) if size != (0, 0)]
        assert kept, f"nothing was kept of {source}, so nothing could show"
        assert PAINTED not in kept, f"an image with a painted name was kept of {source}"
    assert len(SECRETS) >= 280
    assert found(workspace.root, written, said) == {}
    assert not [path for path in written if any(map(shows_painted, pictures(path)))]


def test_painted_names_are_refused_for_what_is_painted(workspace):
    for source in ("scans", "pictures"):
        rows = pq.read_table(workspace.validated / source / "quarantine.parquet").to_pylist()
        assert sum(row["reason"] == "burned-in text" for row in rows) == len(SIZES)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_search_finds_a_name_in_any_encoding(tmp_path, workspace, encoding):
    path = tmp_path / "a.html"
    path.write_bytes(f"x {SECRETS['DICOM: PatientName']} y".encode(encoding))
    assert found(tmp_path, [path], "") == {"DICOM: PatientName": ["a.html"]}


def test_the_search_finds_names_in_what_is_packed(tmp_path, workspace):
    import pyarrow as pa

    png = next((workspace.raw / "pictures").rglob("*_1.png")).read_bytes()
    secret = SECRETS["DICOM: PatientName"]
    pq.write_table(pa.table({"image": [png]}), tmp_path / "a.parquet", compression="zstd")
    (tmp_path / "a.gz").write_bytes(gzip.compress(secret.encode()))
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("text", secret)
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.execute("INSERT INTO t VALUES (?)", ("long " * 5000 + secret,))
        connection.commit()
    (tmp_path / "a.html").write_text(f"data:image/png;base64,{base64.b64encode(png).decode()}")
    names = ("a.parquet", "a.gz", "a.zip", "a.db", "a.html")
    shown = found(tmp_path, [tmp_path / name for name in names], "")
    assert shown["DICOM: PatientName"] == ["a.gz", "a.zip", "a.db"]
    for place in ("PNG: tEXt", "PNG: zTXt", "PNG: iTXt"):
        assert shown[place] == ["a.parquet", "a.html"], place


def test_the_search_finds_painted_pictures_shrunk_and_padded(workspace):
    image = Image.fromarray(painted(20).clip(0, 255).astype(np.uint8))
    square = Image.new("L", (64, 64), 14)
    square.paste(image.resize((64, 49)), (0, 7))
    for shown in (image, image.resize((160, 122)), square):
        out = io.BytesIO()
        shown.save(out, "PNG")
        assert shows_painted(out.getvalue())
    assert not shows_painted(next((workspace.raw / "pictures").rglob("*_1.png")).read_bytes())


def test_a_crash_while_reading_prints_no_identifier(workspace):
    """What a trace shows of a DICOM image is its class and what is technical."""
    code = (
        "import sys; from pathlib import Path; from components.images.dicom import open_dicom\n"
        "image = open_dicom(Path(sys.stdin.read())); raise RuntimeError(repr(image))"
    )
    path = next((workspace.raw / "scans").rglob("*_whole.dcm"))
    done = subprocess.run([sys.executable, "-c", code], input=str(path), capture_output=True, text=True)
    assert "RuntimeError" in done.stderr
    # The words of this one tag lead to the region and are no free text.
    for place in SECRETS.keys() - {"DICOM: body part"}:
        assert SECRETS[place].lower() not in done.stderr.lower(), place


def test_keys_of_a_private_source_need_the_workspaces_secret(workspace):
    def told(source: str, place: Path, **options: bool) -> list[tuple[str, str]]:
        settings = SourceSettings(path=f"data/raw/{source}", format=SOURCES[source][0], options=options)
        items = read_source(workspace.raw / source, source, settings, private=place)
        return sorted((item.id, getattr(item, "subject", "")) for item in items)

    elsewhere = workspace.root / "elsewhere" / ".unimed"
    for source, options in (("scans", {}), ("pictures", {"private": True}), ("tables", {"private": True})):
        first = told(source, workspace.private, **options)
        assert told(source, workspace.private, **options) == first
        other = told(source, elsewhere, **options)
        assert not {identity for identity, _ in first} & {identity for identity, _ in other}
        assert not {subject for _, subject in first if subject} & {subject for _, subject in other if subject}
    assert told("scans", workspace.private, public=True) == told("scans", elsewhere, public=True)
    assert told("pictures", workspace.private) == told("pictures", elsewhere)


def test_a_person_who_looked_lets_a_painted_picture_of_a_private_folder_pass(workspace):
    every = len(SIZES)
    for options, count in (({"private": True}, 0), ({"private": True, "burned_in": "allow"}, every), ({}, every)):
        settings = SourceSettings(path="data/raw/pictures", format="images", options=options)
        items = read_source(workspace.raw / "pictures", "pictures", settings, private=workspace.private)
        shown = [item.image for item in items if isinstance(item, Record)]
        assert [(image.width, image.height) for image in shown if image].count(PAINTED) == count


def test_planted_files_hold_what_is_searched_for(workspace):
    raw = b"".join(path.read_bytes() + str(path).encode() for path in workspace.raw.rglob("*") if path.is_file())
    unseen = {place for place, secret in SECRETS.items() if secret.encode().lower() not in raw.lower()}
    assert {place for place in unseen if not place.startswith("pixels: ")} == {"PNG: zTXt"}
    assert len(set(SECRETS.values())) == len(SECRETS)
    assert pydicom.dcmread(next((workspace.raw / "scans").rglob("*_whole.dcm"))).PatientID == NUMBER
