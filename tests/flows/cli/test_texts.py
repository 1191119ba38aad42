"""`unimed data texts`: what a private source says, handed to a program that de-identifies."""

import json
import sys

import pyarrow.parquet as pq
import pytest

from components.storage.workspace import Workspace
from components.storage.yaml_files import dump_yaml, load_yaml
from flows.cli.main import main
from tests.fixtures.micro import make_workspace


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Workspace:
    made = make_workspace(tmp_path / "w")
    params = load_yaml(made.params)
    options = {"private": True}
    params["sources"] = {
        "clinic": {"path": "data/raw/clinic", "format": "jsonl", "options": options},
        "set": {"path": "data/raw/clinic", "format": "jsonl"},
    }
    made.params.write_text(dump_yaml(params))
    (made.raw / "clinic").mkdir(parents=True)
    row = {"patient_id": "7", "question": "Who?", "answer": "Priya Kowalczyk.", "modality": "text"}
    (made.raw / "clinic" / "rows.jsonl").write_text(json.dumps(row) + "\n")
    monkeypatch.chdir(made.root)
    monkeypatch.delenv("UNIMED_WORKSPACE", raising=False)
    return made


def run(monkeypatch, capsys, *arguments: object) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["unimed", "data", "texts", *map(str, arguments)])
    code = main()
    said = capsys.readouterr()
    return code, said.out, said.err


def test_delivered_texts_go_into_a_file_outside_the_workspace(workspace, tmp_path, monkeypatch, capsys):
    out = tmp_path / "texts.parquet"
    code, said, _ = run(monkeypatch, capsys, "clinic", "--out", out, "--json")
    assert code == 0 and json.loads(said) == {"file": str(out), "texts": 3}
    rows = {row["place"]: row["text"] for row in pq.read_table(out).to_pylist()}
    assert rows == {"prompt 1": "Who?", "answer 1": "Priya Kowalczyk.", "licence": "unknown"}


@pytest.mark.parametrize(
    ("source", "file", "problem"),
    [
        ("clinic", "w/texts.parquet", "lies in the workspace"),
        ("set", "texts.parquet", "source set is public"),
        ("clnic", "texts.parquet", "unknown source 'clnic'; did you mean 'clinic'"),
    ],
)
def test_what_cannot_be_handed_over_is_refused(workspace, tmp_path, monkeypatch, capsys, source, file, problem):
    code, _, said = run(monkeypatch, capsys, source, "--out", tmp_path / file)
    assert code != 0 and problem in " ".join(said.split()) and not (tmp_path / file).exists()
