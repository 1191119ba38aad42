"""A curator's commands on a real small source: one record's life, decisions, a held delivery, a patient's removal."""

import json
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from components.context import StageContext
from components.images.limits import LeftOutError
from components.images.stored import StoredImage, decode_stored
from components.recipes.recipe import read_recipe
from components.recipes.sources import SourceSettings
from components.records.record import Unreadable
from components.records.vocabulary import TurnKind
from components.sources.generic import images
from components.sources.table import read_source
from components.storage.progress import Progress
from components.storage.workspace import Workspace
from components.storage.yaml_files import dump_yaml, load_yaml
from components.validation.admission import admit
from components.validation.decisions import read_decisions
from components.validation.stage import validate
from tests.fixtures.micro import make_workspace

BLANK = "eyes/blank"


def stage(workspace: Workspace, work, item: str = "") -> None:
    progress = Progress.start(workspace.progress, item or work.__name__)
    work(StageContext(workspace=workspace, recipe=read_recipe(workspace.params), item=item, progress=progress))


def assemble(workspace: Workspace) -> None:
    from components.assembly.stage import assemble as work

    stage(workspace, validate, "eyes")
    stage(workspace, admit)
    stage(workspace, work)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Eight patches of one real photograph as eight patients' eyes and one image of one colour, assembled."""
    import skimage.data
    from PIL import Image

    made = make_workspace(tmp_path_factory.mktemp("curation") / "w")
    params = load_yaml(made.params)
    params["sources"] = {"eyes": {"path": "data/raw/eyes", "format": "images"}}
    params["assembly"]["splits"] = {"test": {}, "slabs": [], "val_share": 0.0}
    params["assembly"]["benchmark_edits"] = 0
    made.params.write_text("# mine\n" + dump_yaml(params))
    (made.raw / "eyes").mkdir()
    retina = Image.fromarray(skimage.data.retina())
    for number in range(8):
        x, y = 200 + 250 * (number % 4), 300 + 400 * (number // 4)
        retina.crop((x, y, x + 160, y + 160)).save(made.raw / "eyes" / f"eye-{number}.jpg")
    Image.new("RGB", (160, 160), (120, 20, 20)).save(made.raw / "eyes" / "blank.png")
    labels = "file,fact,value\n*,modality,fundus photography\n*,anatomy,eye\n*,licence,CC0\n"
    (made.raw / "eyes" / "labels.csv").write_text(labels)
    assemble(made)
    return made


@pytest.fixture
def unimed(workspace, monkeypatch, capsys):
    """unimed("show", "ID") -> (exit code, stdout, stderr) of `unimed data …`."""
    from flows.cli.main import main

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.chdir(workspace.root)
        monkeypatch.delenv("UNIMED_WORKSPACE", raising=False)
        monkeypatch.setattr(sys, "argv", ["unimed", "data", *arguments])
        code = main()
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def kept_ids(workspace: Workspace) -> list[str]:
    import pyarrow.parquet as pq

    files = sorted((workspace.validated / "eyes").glob("records-*.parquet"))
    return [identity for path in files for identity in pq.read_table(path)["id"].to_pylist()]


def test_show_follows_a_record_from_its_file_to_its_conversations(workspace, unimed, tmp_path):
    identity = kept_ids(workspace)[0]
    code, out, _ = unimed("show", identity, "--json", "--image", str(tmp_path / "eye.png"))
    found = json.loads(out)
    assert code == 0 and found["validation"] == {"verdict": "kept"} and found["assembly"]["bin"] == "kept"
    assert (workspace.root / found["raw"]["folder"] / found["raw"]["file"]).is_file()
    assert found["samples"] and all(sample.startswith(f"{identity}#") for sample in found["samples"])
    assert decode_stored((tmp_path / "eye.png").read_bytes()).ndim == 3
    assert "conversations" in unimed("show", identity)[1]


def test_show_says_why_a_record_was_refused_and_names_the_nearest_id(workspace, unimed):
    refused = json.loads(unimed("show", BLANK, "--json")[1])
    assert refused["validation"]["verdict"] == "quarantined" and refused["validation"]["reason"]
    identity = kept_ids(workspace)[0]
    code, _, err = unimed("show", identity[:-1])
    assert code == 2 and "did you mean" in err
    assert unimed("show", "eye/x")[0] == 2


def test_what_is_left_out_by_nature_is_shown_with_its_reason_and_cannot_be_decided(workspace, unimed, monkeypatch):
    def refuse(path):
        if path.name == "note.jpg":
            raise LeftOutError("structured report", "it holds no image")
        return StoredImage.of(path)

    note = workspace.raw / "eyes" / "note.jpg"
    note.write_bytes(b"no image")
    monkeypatch.setattr(images, "StoredImage", SimpleNamespace(of=refuse))
    try:
        assemble(workspace)
        found = json.loads(unimed("show", "eyes/note.jpg", "--json")[1])
        assert found["validation"] == {
            "verdict": "filtered",
            "reason": "structured report",
            "detail": "it holds no image",
        }
        account = json.loads((workspace.dataset / "manifest.json").read_text())["sources"]["eyes"]
        assert account["reasons"]["filtered: structured report"] == 1
        page = Path(unimed("review", "eyes")[1].strip()).read_text()
        assert "<h2>filtered: structured report" in page and 'data-id="eyes/note.jpg"' not in page
        code, _, err = unimed("review", "--accept", "eyes/note.jpg", "--why", "mine")
        assert code == 2 and "structured report" in err
    finally:
        note.unlink()
        monkeypatch.undo()
        assemble(workspace)


def test_the_review_page_shows_what_was_refused_with_its_image(workspace, unimed):
    page = Path(unimed("review", "eyes")[1].strip())
    text = page.read_text()
    assert BLANK in text and "data:image/png;base64" in text and "quarantined:" in text


def test_the_review_page_tells_duplicates_from_what_is_trained_on_and_names_the_other(workspace, unimed):
    copy = workspace.raw / "eyes" / "zz-copy.jpg"
    shutil.copy(workspace.raw / "eyes" / "eye-3.jpg", copy)
    try:
        assemble(workspace)
        page = Path(unimed("review", "eyes")[1].strip()).read_text()
        duplicates, kept = page.partition("<h2>duplicate: same pixels")[2].split("<h2>kept")
        assert "1 record<" in duplicates and "eyes/zz-copy" in duplicates and "eyes/eye-3" in duplicates
        assert 'data-id="eyes/eye-3"' in kept and "zz-copy" not in kept
    finally:
        copy.unlink()
        assemble(workspace)


def test_records_under_one_id_are_all_named_and_none_is_offered_for_acceptance(workspace, unimed):
    twin = workspace.raw / "eyes" / "eye-0.png"
    shutil.copy(workspace.raw / "eyes" / "blank.png", twin)
    stage(workspace, validate, "eyes")
    try:
        shown = unimed("show", "eyes/eye-0")[1]
        assert "duplicate id" in shown and "eye-0.jpg" in shown and "eye-0.png" in shown
        code, _, err = unimed("review", "--accept", "eyes/eye-0", "--why", "both")
        assert code == 2 and "deliver each file once" in err
        page = Path(unimed("review", "eyes")[1].strip()).read_text()
        assert 'data-id="eyes/eye-0"' not in page and f'data-id="{BLANK}"' in page
    finally:
        twin.unlink()
        stage(workspace, validate, "eyes")


def test_decisions_of_a_person_hold_in_the_next_validation(workspace, unimed):
    victim = kept_ids(workspace)[0]
    assert unimed("review", "--accept", BLANK)[0] == 2, "a decision needs its reason"
    assert unimed("review", "--accept", BLANK, "--why", "a test card")[0] == 0
    assert unimed("review", "--reject", victim, "--why", "out of focus")[0] == 0
    decided = read_decisions(workspace.decisions / "eyes.jsonl")[victim]
    assert decided.reason == "out of focus" and datetime.fromisoformat(decided.at).tzinfo is UTC
    stage(workspace, validate, "eyes")
    kept = kept_ids(workspace)
    assert BLANK in kept and victim not in kept
    assert json.loads(unimed("show", victim, "--json")[1])["curator"]["why"] == "out of focus"


def test_a_delivery_unlike_the_accepted_one_is_held_until_it_is_accepted(workspace, unimed):
    assert unimed("accept", "eyes", "--why", "the first delivery")[0] == 0
    missing = sorted((workspace.raw / "eyes").glob("*.jpg"))[2:]
    for path in missing:
        shutil.move(path, workspace.private / path.name)
    stage(workspace, validate, "eyes")
    with pytest.raises(ValueError, match=r"eyes is held.*records .*unimed data accept eyes"):
        stage(workspace, admit)
    assert unimed("accept", "eyes", "--why", "the camera is being repaired")[0] == 0
    stage(workspace, validate, "eyes")
    stage(workspace, admit)
    for path in missing:
        shutil.move(workspace.private / path.name, path)


def test_a_next_delivery_is_compared_with_the_accepted_one_before_it_is_put_in(workspace, unimed, tmp_path):
    stage(workspace, validate, "eyes")
    assert unimed("accept", "eyes", "--why", "the first delivery")[0] == 0
    try:
        alike, fewer = tmp_path / "alike", tmp_path / "eyes"
        shutil.copytree(workspace.raw / "eyes", alike)
        shutil.copytree(alike, fewer, ignore=shutil.ignore_patterns("eye-[2-7].jpg", "blank.png"))
        assert "verdict: accept" in unimed("check", "eyes", "--path", str(alike))[1]
        code, out, _ = unimed("check", "eyes", "--path", str(fewer))
        assert code == 0 and "verdict: hold. " in out and ", accepted" in out and "/s)" in out
        unnamed = unimed("check", "--path", str(fewer), "--format", "images")[1]
        assert "verdict: accept" in unnamed, "a folder's name alone makes it no delivery of that source"
        assert "s3://clinic/may: what lies on S3 is fetched first" in unimed("check", "--path", "s3://clinic/may")[2]
    finally:
        (workspace.accepted / "eyes.json").write_text("{}")


def test_a_check_prints_a_line_for_each_file_and_reason_and_json_each_record(workspace, unimed, tmp_path):
    rows = [{"question": "Q?", "answer": "nan"} for _ in range(7)] + [{"question": "Q?", "answer": "A"}] * 9
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    (tmp_path / "qas.pkl").write_bytes(b"")
    asked = ("check", "--path", str(tmp_path), "--format", "jsonl")
    lines = unimed(*asked)[1].splitlines()
    told = [line.split() for line in lines if line.strip().startswith(("t.jsonl", "qas.pkl"))]
    assert [(words[0], words[3]) for words in told] == [("qas.pkl", "1"), ("t.jsonl", "7")]
    assert "\u2026 and 1 more, 7 records" in unimed(*asked, "--limit", "1")[1]
    assert len(json.loads(unimed(*asked, "--json")[1])["quarantined_records"]) == 8


def test_data_docs_are_great_expectations_own_pages(workspace, unimed, tmp_path):
    code, out, _ = unimed("check", "eyes", "--data-docs", str(tmp_path / "docs"))
    page = Path(out.rsplit("Data Docs: ", 1)[1].strip())
    assert code == 0 and page.is_relative_to(tmp_path / "docs") and "unimed.records@1" in page.read_text()
    (result,) = (page.parent / "validations").rglob("*.html")
    assert "deviation" in result.read_text()
    assert unimed("check", "eyes", "--data-docs", str(tmp_path / "docs"))[0] == 2, "nothing is written over"


def test_a_patient_who_is_taken_out_is_in_no_conversation(workspace, unimed):
    (workspace.accepted / "eyes.json").write_text("{}")
    assemble(workspace)
    identity = next(i for i in kept_ids(workspace) if json.loads(unimed("show", i, "--json")[1])["samples"])
    patient = json.loads(unimed("show", identity, "--json")[1])["known"]["patient_key"]
    assert unimed("remove", "--patient", "nobody", "--why", "x")[0] == 2
    assert "would be taken out" in unimed("remove", "--patient", patient, "--why", "consent withdrawn", "--dry-run")[1]
    trial = json.loads(unimed("remove", "--patient", patient, "--why", "x", "--dry-run", "--json")[1])
    assert (trial["namespace"], trial["covers"], trial["sources"]) == ("eyes", ["eyes"], ["eyes"])
    assert unimed("remove", "--patient", patient, "--why", "consent withdrawn")[0] == 0
    text = workspace.params.read_text()
    assert text.startswith("# mine") and f"- {patient}" in text and "consent withdrawn" in text
    assemble(workspace)
    gone = json.loads(unimed("show", identity, "--json")[1])
    assert gone["assembly"]["reason"] == "excluded-patient" and gone["samples"] == [] and gone["benchmark_items"] == []


def test_export_writes_lines_whose_marks_equal_their_images(workspace, unimed, tmp_path):
    assert unimed("export", str(tmp_path / "out"))[0] == 0
    rows = [json.loads(line) for line in (tmp_path / "out" / "train.jsonl").read_text().splitlines()]
    assert rows
    for row in rows:
        images = row["input_img"] + row["output_img"]
        assert sum(message["value"].count("<image>") for message in row["message"]) == len(images)
        assert all((tmp_path / "out" / image["path"]).is_file() for image in images)
    assert unimed("export", str(tmp_path / "out"))[0] == 2
    back = list(read_source(tmp_path / "out", "back", SourceSettings(path="out", format="unimedvl")))
    assert len(back) == len(rows) and not [item for item in back if isinstance(item, Unreadable)]
    said = {turn.answer for record in back for turn in record.turns if turn.kind is not TurnKind.DRAWING}
    assert said == {m["value"] for row in rows if not row["output_img"] for m in row["message"] if m["from"] == "gpt"}


def test_the_last_source_stays_and_another_goes_with_its_splits(workspace, unimed):
    assert unimed("remove", "eyes")[0] == 2
    params = load_yaml(workspace.params)
    params["sources"]["more"] = dict(params["sources"]["eyes"])
    params["assembly"]["splits"]["test"] = {"more": ["a"]}
    workspace.params.write_text(dump_yaml(params))
    assert unimed("remove", "more")[0] == 0
    after = load_yaml(workspace.params)
    assert list(after["sources"]) == ["eyes"] and after["assembly"]["splits"]["test"] == {}
