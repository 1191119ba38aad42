"""Identifiers planted wherever a clinic's files can hold them reach no byte of what `validate` and `review` write."""

import subprocess
import sys
from pathlib import Path

import pydicom
import pytest

from components.sources.settings import SourceSettings
from components.storage.workspace import Workspace
from tests.fixtures.planted_identifiers import NAMES, NUMBERS, SECRETS, content, deliver, found, prepare


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.delenv("UNIMED_SECRET", raising=False)
    workspace = Workspace(tmp_path)
    deliver(workspace)
    return workspace


def test_no_planted_identifier_reaches_a_byte_that_is_written(workspace, caplog, capfd):
    written = prepare(workspace)
    said = caplog.text + "".join(capfd.readouterr())
    kept = [path for path in written if path.name.startswith("records-")]
    assert len(kept) == 3 and all(path.stat().st_size > 3000 for path in kept)
    assert {path.name for path in written} >= {"quarantine.parquet", "accounting.json", "profile.json", "scans.html"}
    contents = {path: content(path) for path in written}
    assert {secret: places for secret in SECRETS if (places := found(secret, workspace, contents, said))} == {}


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
