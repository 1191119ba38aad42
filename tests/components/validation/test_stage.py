import json
import shutil
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from components.context import Interrupted
from components.images.stored import decode_stored
from components.recipes.sources import SourceSettings
from components.records.schema import RECORD_SCHEMA
from components.sources.delivery import deliver
from components.storage.atomic import write_json
from components.storage.yaml_files import dump_yaml, load_yaml
from components.validation.admission import admit
from components.validation.check import by_file_and_reason, check
from components.validation.stage import validate
from components.validation.validated import record_ids, refused_patients


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture
def dicom(context):
    ctx = context("dicom")
    deliver(ctx.workspace.raw, ["dicom"])
    return ctx


def test_validate_writes_records_quarantine_accounting_and_profile(dicom):
    (dicom.workspace.raw / "dicom" / "broken.dcm").write_bytes(b"nothing of use")
    validate(dicom)
    folder = dicom.workspace.validated / "dicom"
    assert sorted(contents(folder)) == [
        "accounting.json",
        "left_out.parquet",
        "profile.json",
        "quarantine.parquet",
        "records-00000.parquet",
    ]
    table = pq.read_table(folder / "records-00000.parquet")
    assert table.schema.equals(RECORD_SCHEMA)
    assert table.schema.metadata == RECORD_SCHEMA.metadata
    rows = table.to_pylist()
    assert len(rows) == 7
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    assert decode_stored(rows[0]["image"]).shape[:2] == (rows[0]["height"], rows[0]["width"])
    (bad,) = pq.read_table(folder / "quarantine.parquet").to_pylist()
    assert (bad["file"], bad["reason"], bad["suite"]) == ("broken.dcm", "not an image", "unimed.reading@1")
    accounting = json.loads((folder / "accounting.json").read_text())
    assert (accounting["raw"], accounting["kept"], accounting["quarantined"]) == (8, 7, 1)
    assert accounting["verdict"]["verdict"] == "accept"


def test_validating_again_writes_the_same_bytes(dicom):
    folder = dicom.workspace.validated / "dicom"
    validate(dicom)
    first = contents(folder)
    shutil.rmtree(folder)
    validate(dicom)
    assert contents(folder) == first


def test_mislabelled_file_is_quarantined_by_the_suite(dicom):
    labels = dicom.workspace.raw / "dicom" / "labels.csv"
    labels.write_text(labels.read_text() + "RG1_J2KI.dcm,anatomy,thoraks\n")
    validate(dicom)
    (bad,) = pq.read_table(dicom.workspace.validated / "dicom" / "quarantine.parquet").to_pylist()
    assert bad["file"] == "RG1_J2KI.dcm"
    assert bad["reason"] == "mislabelled"
    assert "'thoraks'" in bad["detail"]


def test_stop_verdict_lets_validate_pass_and_admit_fail(context, tmp_path):
    for source in context().recipe.sources:
        folder = context().workspace.raw / source
        folder.mkdir(parents=True)
        if source != "fundus":
            continue
        (folder / "a.jpg").write_bytes(b"broken")
        (folder / "b.jpg").touch()
        validate(context(source))
    accepted = {"verdict": {"verdict": "accept", "suite": "x", "message": "fine"}}
    for source in context().recipe.sources:
        path = context().workspace.validated / source / "accounting.json"
        if source != "fundus":
            path.parent.mkdir(parents=True)
            path.write_text(json.dumps(accepted))
    with pytest.raises(ValueError, match=r"source fundus fails suite unimed\.reading@1: 2 of 2 records .* 50\.0%"):
        admit(context())
    assert not (tmp_path / "data" / "admission.json").exists()
    accounting = context().workspace.validated / "fundus" / "accounting.json"
    accounting.write_text(json.dumps({"verdict": {"verdict": "hold", "suite": "x", "message": "anatomy eye 9"}}))
    with pytest.raises(ValueError, match="source fundus is held, it differs from the accepted delivery: anatomy eye 9"):
        admit(context())
    accounting.write_text(json.dumps(accepted))
    admit(context())
    verdicts = json.loads((tmp_path / "data" / "admission.json").read_text())["sources"]
    assert verdicts == dict.fromkeys(context().recipe.sources, "accept")


def test_a_source_may_have_limits_of_its_own(context):
    params = context().workspace.params
    folder = context().workspace.raw / "fundus"
    folder.mkdir(parents=True)
    (folder / "a.jpg").write_bytes(b"broken")
    verdicts = []
    for limit in (None, 1.0):
        recipe = load_yaml(params)
        recipe["sources"]["fundus"] |= {} if limit is None else {"stop_above": limit, "hold_above": 0.9}
        params.write_text(dump_yaml(recipe))
        validate(context("fundus"))
        accounting = json.loads((context().workspace.validated / "fundus" / "accounting.json").read_text())
        verdicts.append((accounting["verdict"]["verdict"], accounting["verdict"]["limit"]))
    assert verdicts == [("stop", 0.5), ("accept", 1.0)]
    params.write_text(params.read_text().replace("stop_above: 1.0", "stop_above: 7"))
    with pytest.raises(ValueError, match=r"sources.*stop_above must be in \(0, 1\], got 7"):
        context()


def test_source_that_was_not_validated_is_named_by_admit(context):
    with pytest.raises(ValueError, match=r"accounting\.json is missing"):
        admit(context())


def test_unknown_source_is_named(context):
    with pytest.raises(ValueError, match="no source 'funds'"):
        validate(context("funds"))


def test_a_stop_request_leaves_nothing_behind(dicom):
    dicom.stop.set()
    with pytest.raises(Interrupted):
        validate(dicom)
    assert not (dicom.workspace.validated / "dicom").exists()


def test_check_says_what_the_stage_would_say_and_writes_nothing(dicom):
    folder = dicom.workspace.raw / "dicom"
    (folder / "empty").touch()
    before = sorted(folder.iterdir())
    found = check(dicom.workspace, folder, "dicom", dicom.recipe.sources["dicom"], dicom.recipe.validation)
    validate(dicom)
    accounting = json.loads((dicom.workspace.validated / "dicom" / "accounting.json").read_text())
    assert {name: found[name] for name in accounting} == accounting
    assert found["quarantined_records"] == [
        {
            "id": "dicom/empty",
            "file": "empty",
            "reason": "empty file",
            "detail": "the file holds no bytes; deliver it again",
        }
    ]
    assert sorted(folder.iterdir()) == before


def test_equal_lines_of_a_check_are_one_group_of_their_file_and_reason():
    record = {"id": "s/a", "file": "a.nii", "reason": "blank image", "detail": "slice 1"}
    others = [{**record, "detail": f"slice {n}"} for n in (2, 3)]
    found = by_file_and_reason([record, {**record, "reason": "too small"}, {**record, "file": "b.nii"}, *others])
    assert found == [
        ("a.nii", "blank image", 3, "slice 1"),
        ("a.nii", "too small", 1, "slice 1"),
        ("b.nii", "blank image", 1, "slice 1"),
    ]


def test_check_judges_as_the_stage_does_by_options_decisions_and_the_accepted_delivery(dicom):
    settings = replace(dicom.recipe.sources["dicom"], options={"frame_step": 1000})
    folder, accepted = dicom.workspace.raw / "dicom", dicom.workspace.accepted / "dicom.json"

    def checked() -> dict:
        return check(dicom.workspace, folder, "dicom", settings, dicom.recipe.validation)

    first = checked()
    victim = sorted(folder.glob("*.dcm"))[0]
    write_json(accepted, {**first["profile"], "records": 1000})
    held = checked()
    assert first["verdict"]["verdict"] == "accept" and held["verdict"]["verdict"] == "hold"
    with pytest.raises(ValueError, match="no option 'frame_stp'"):
        wrong = replace(settings, options={"frame_stp": 1})
        check(dicom.workspace, folder, "dicom", wrong, dicom.recipe.validation)
    victim.write_bytes(b"")
    identity = checked()["quarantined_records"][0]["id"]
    assert identity == f"dicom/{victim.name}"


def test_ids_of_a_private_source_are_those_that_the_run_will_give(dicom, tmp_path):
    from components.sources.table import real_names

    clinic, settings = tmp_path / "export", SourceSettings(path="data/raw/clinic", format="dicom")
    clinic.mkdir()
    (clinic / "DOE^JANE").write_bytes(b"nothing of use")
    found = [
        check(dicom.workspace, clinic, "clinic", settings, dicom.recipe.validation)["quarantined_records"][0]
        for _ in range(2)
    ]
    assert found[0] == found[1], "keyed by the workspace's secret, not anew for each call"
    assert "JANE" not in str(found) and found[0]["id"] == f"clinic/{found[0]['file']}"
    assert real_names(clinic, "clinic", settings, dicom.workspace.private) == {found[0]["file"]: "DOE^JANE"}
    assert real_names(clinic, "clinic", replace(settings, options={"public": True}), dicom.workspace.private) == {}


def test_patients_of_whom_all_is_in_quarantine_are_written_where_there_are_any(dicom):
    folder = dicom.workspace.validated / "dicom"
    validate(dicom)
    assert refused_patients(dicom.workspace.validated, ["dicom"]) == frozenset()
    assert "refused_patients.json" not in contents(folder)
    keys = set(pq.read_table(folder / "records-00000.parquet", columns=["patient_key"])["patient_key"].to_pylist())
    decisions = dicom.workspace.decisions / "dicom.jsonl"
    decisions.parent.mkdir(parents=True, exist_ok=True)
    lines = [{"id": identity, "decision": "reject", "by": "kim", "reason": "?"} for identity in record_ids(folder)]
    decisions.write_text("".join(json.dumps(line) + "\n" for line in lines))
    validate(dicom)
    assert refused_patients(dicom.workspace.validated, ["dicom"]) == keys
