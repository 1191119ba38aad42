"""A patient who was taken out is in no judgement, page or cached prediction any more."""

from types import SimpleNamespace

import pytest

from components.assembly.benchmark.exam import NONE, grown, write_exam
from components.registry import forgetting
from components.registry.forgetting import forget_items
from components.registry.judgement import keep_judgement, read_judgement
from components.registry.verdict import Facts, Verdict
from components.storage.workspace import Workspace
from tests.components.evaluation.material import item
from tests.components.registry.tables import row, table


@pytest.fixture
def workspace(tmp_path):
    """Two judgements, of which the first shows an item of the patient, and predictions of two exams."""
    made = Workspace(tmp_path)
    exam = grown(NONE, [item(1)], {"record-1"}, str)
    write_exam(made.exam, exam, 2**20)
    for name in ("formerexam000000", exam.id[:16]):
        (made.private / "gate" / "weights" / name).mkdir(parents=True)
    for version, worst in ((1, ["vqa/000", "vqa/001"]), (2, ["vqa/001"])):
        keep_judgement(
            made,
            version=version,
            champion=None,
            table=table(row("answers/closed")),
            facts=Facts(),
            verdict=Verdict(outcome="hold", reasons=()),
            worst=[{"item": name, "image": f"image of {name}"} for name in worst],
        )
    return made


def test_what_showed_the_patient_is_written_anew_and_the_rest_stays(workspace, monkeypatch):
    published: list[int] = []
    versions = [SimpleNamespace(number=number) for number in (1, 2)]
    monkeypatch.setattr(forgetting, "connect", lambda _: None)
    monkeypatch.setattr(forgetting, "read_log", lambda _: [])
    monkeypatch.setattr(forgetting, "all_versions", lambda _: versions)
    monkeypatch.setattr(forgetting, "publish_page", lambda _, __, version, ___: published.append(version.number))
    assert forget_items(workspace, ["vqa/000"]) == published == [1]
    assert [one["item"] for one in read_judgement(workspace, 1).worst] == ["vqa/001"]
    assert [one["item"] for one in read_judgement(workspace, 2).worst] == ["vqa/001"]
    assert b"image of vqa/000" not in b"".join(p.read_bytes() for p in workspace.private.rglob("*.json"))
    (left,) = (workspace.private / "gate" / "weights").iterdir()
    assert left.name != "formerexam000000"
    assert forget_items(workspace, ["vqa/000"]) == []
