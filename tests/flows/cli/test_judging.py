"""`unimed gate --dry-run` and `unimed compare`: other rules on kept tables, and two versions side by side."""

import json
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from components.recipes.gate import GateSettings
from components.registry.decisions import GENESIS, Decision
from components.registry.judgement import keep_judgement
from components.registry.verdict import Facts, verdict
from components.storage.workspace import Workspace
from tests.components.registry.tables import row, table
from tests.fixtures.registry_workspace import write_answers
from tests.flows import toy
from tests.flows.cli.test_command_line import run


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    made = toy.make(tmp_path / "w")
    monkeypatch.chdir(made)
    for name in ("UNIMED_WORKSPACE", "PREFECT_API_URL", "MLFLOW_TRACKING_URI", "PREFECT_HOME"):
        monkeypatch.delenv(name, raising=False)
    return made


def judged(root: Path, version: int, **differences: float) -> None:
    settings = GateSettings(kind="refresh", margin=0.1, cluster="patient", demonstrative=False)
    rows = [row(name.replace("__", "/"), difference=value) for name, value in differences.items()]
    made = table(*rows)
    found = verdict(made, settings, Facts())
    keep_judgement(Workspace(root), version=version, champion=1, table=made, facts=Facts(), verdict=found, worst=[])


def test_other_rules_are_tried_on_every_kept_table_and_nothing_is_written(root, monkeypatch, capsys):
    judged(root, 2, drawing=-0.05)
    judged(root, 3, answers__closed=0.0, drawing=0.0)
    (root / "stricter.yaml").write_text("- {not_worse: drawing, margin: 0.02}\n")
    before = {path: path.stat().st_mtime_ns for path in (root / ".unimed" / "decisions").iterdir()}
    code, out, _ = run(monkeypatch, capsys, "gate", "--dry-run", "stricter.yaml", "--json")
    assert code == 0
    found = json.loads(out)
    assert [(one["version"], one["was"], one["now"]["outcome"]) for one in found] == [
        (2, "promote", "refuse"),
        (3, "promote", "promote"),
    ]
    assert before == {path: path.stat().st_mtime_ns for path in (root / ".unimed" / "decisions").iterdir()}


def test_keys_of_the_gate_can_be_tried_too_and_a_wrong_one_is_named(root, monkeypatch, capsys):
    judged(root, 2, answers__closed=-0.2)
    (root / "loose.yaml").write_text("margin: 0.4\n")
    code, out, _ = run(monkeypatch, capsys, "gate", "--dry-run", "loose.yaml", "--json")
    assert code == 0 and json.loads(out)[0]["now"]["outcome"] == "promote"
    (root / "wrong.yaml").write_text("- {not_wors: drawing}\n")
    code, _, err = run(monkeypatch, capsys, "gate", "--dry-run", "wrong.yaml")
    assert code != 0 and "unknown key 'rules.0.not_wors'; did you mean 'not_worse'?" in err


def test_without_a_kept_table_there_is_nothing_to_try(root, monkeypatch, capsys):
    (root / "rules.yaml").write_text("margin: 0.2\n")
    code, out, _ = run(monkeypatch, capsys, "gate", "--dry-run", "rules.yaml")
    assert code == 0 and "no judgement is kept yet" in out


def test_compare_lays_two_versions_side_by_side_item_by_item(root, tmp_path, monkeypatch, capsys):
    accuracies = {"4": 0.6, "champion": 0.8}

    def resolve(_, name, __):
        return SimpleNamespace(number={"4": 4, "champion": 2}[name], name=name)

    def scores(_, __, ___, version):
        return write_answers(tmp_path / version.name, accuracies[version.name], weights=version.name)

    monkeypatch.setattr("components.registry.catalogue.resolve", resolve)
    monkeypatch.setattr("components.registry.tracking.connect", lambda _: None)
    monkeypatch.setattr("components.registry.exam.validation_scores", scores)
    code, out, _ = run(monkeypatch, capsys, "compare", "4", "champion", "--json")
    assert code == 0
    found = json.loads(out)
    rows = {one["capability"]: one for one in found["rows"]}
    assert (found["a"], found["b"]) == (4, 2)
    assert rows["answers/closed"]["difference"] == pytest.approx(0.2) and rows["answers/closed"]["low"] > 0
    code, out, _ = run(monkeypatch, capsys, "compare", "4", "champion")
    assert code == 0 and "answers/closed" in out and "+0.200" in out


def test_a_dry_run_is_read_in_eighty_columns(root, monkeypatch, capsys):
    judged(root, 2, drawing=-0.3)
    (root / "rules.yaml").write_text("margin: 0.2\n")
    monkeypatch.setattr("flows.cli.output.console", partial(Console, width=80, highlight=False))
    code, out, _ = run(monkeypatch, capsys, "gate", "--dry-run", "rules.yaml")
    assert code == 0 and out.startswith("version 2: was refuse, would be refuse\n    \u2022 ")
    assert max(map(len, out.splitlines())) <= 80 and "drawing -0.300 on 400 items" in " ".join(out.split())


def test_the_log_is_read_in_eighty_columns_and_what_people_write_is_text(root, monkeypatch, capsys):
    entry = Decision(
        action="hold",
        version=3,
        weights_sha256="w",
        who="ada",
        why="seen on [/ward] and [red]: " + "many words " * 20,
        evidence={},
        sequence=1,
        at="2026-01-01T10:20:30.000+00:00",
        champion_before=2,
        previous_hash=GENESIS,
    )
    monkeypatch.setattr("flows.cli.output.console", partial(Console, width=80, highlight=False))
    monkeypatch.setattr("components.registry.database.has_log", lambda _: True)
    monkeypatch.setattr("components.registry.decisions.read_log", lambda _: [entry])
    code, out, _ = run(monkeypatch, capsys, "registry", "log")
    first, *rest = out.splitlines()
    assert code == 0 and first == "1. 2026-01-01 10:20:30 UTC  hold version 3 by ada (claimed); champion: 2"
    assert len(rest) > 2 and all(line.startswith("    ") and len(line) <= 80 for line in rest)
    assert "seen on [/ward] and [red]" in rest[0]
