"""Killed at any of its writes and started again, validation of a source gives the bytes of an unbroken run."""

import shutil

from components.sources.delivery import deliver
from components.storage.atomic import TEMPORARY
from components.validation import stage
from components.validation.stage import validate
from tests.components.validation.conftest import bytes_of
from tests.faults.writes import kill_at, moments


def test_killed_at_any_write_the_next_start_gives_the_same_bytes(context, monkeypatch):
    ctx = context("dicom")
    deliver(ctx.workspace.raw, ["dicom"])
    (ctx.workspace.raw / "dicom" / "broken.dcm").write_bytes(b"nothing of use")
    validated = ctx.workspace.validated
    judged = []
    judge = stage.judge
    monkeypatch.setattr(stage, "judge", lambda *given, **known: judged.append(judge(*given, **known)) or judged[-1])
    validate(ctx)
    unbroken = bytes_of(validated / "dicom")
    monkeypatch.setattr(stage, "judge", lambda *given, **known: judged[0])  # it writes nothing and takes a second
    shutil.rmtree(validated)
    found = moments(lambda: validate(ctx), [validated])
    assert len(found) > 10
    for moment in found:
        shutil.rmtree(validated, ignore_errors=True)
        kill_at(moment, lambda: validate(ctx), [validated])
        for folder in validated.glob(f"[!{TEMPORARY[0]}]*"):
            assert bytes_of(folder) == unbroken, f"half a source after {moment}"
        validate(ctx)
        assert bytes_of(validated / "dicom") == unbroken, f"other records after {moment}"
