"""A workspace that an earlier release made opens with today's code, and keeps what people rely on.

What must survive stands beside each archive (`tests/fixtures/kept/<commit>.json`). A change that makes a test here fail
needs a migration, never another archive. `python -m tests.fixtures.keep_workspace` keeps one of the present commit.
"""

import json
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from components.registry.migrating import REVISIONS
from components.registry.moving import settle_here
from components.registry.registries import FORMER_EMBEDDED
from components.storage.home import DECISIONS
from components.storage.workspace import Workspace
from components.storage.yaml_files import dump_yaml, load_yaml
from flows.cli.main import main
from tests.fixtures.at_once import eight_at_once
from tests.fixtures.disks import only_read
from tests.fixtures.kept_archive import KEPT, NOWHERE, pack, unpack
from tests.fixtures.kept_facts import ignored_decisions, lost_facts, weights_files
from tests.fixtures.micro import own_ports, run_unimed

ARCHIVES = sorted(KEPT.glob("*.tar.xz"))
LARGEST_BYTES = 5_000_000


@pytest.fixture(scope="module", params=ARCHIVES, ids=lambda path: path.name.partition(".")[0])
def archive(request) -> Path:
    return request.param


@pytest.fixture(scope="module")
def kept(archive: Path) -> dict[str, Any]:
    return json.loads(archive.with_name(archive.name.replace(".tar.xz", ".json")).read_text())


@pytest.fixture(scope="module")
def opened(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The workspace, which the tests only look at."""
    return open_kept(archive, tmp_path_factory.mktemp("kept"))


@pytest.fixture(scope="module")
def upgraded(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The workspace after the one command that a retrain asks for: an older release made it, and at another place."""
    workspace = Workspace(unpack(archive, tmp_path_factory.mktemp("upgraded")))
    own_ports(workspace.root)
    assert "unimed doctor --repair" in run_unimed("retrain", cwd=workspace.root, expect=2)
    run_unimed("doctor", "--repair", cwd=workspace.root)
    return workspace


@pytest.fixture
def unimed(monkeypatch, capsys):
    """What `unimed ARGUMENTS --json` prints in a workspace; it must leave with 0."""

    def ask(workspace: Workspace, *arguments: str) -> Any:
        monkeypatch.chdir(workspace.root)
        monkeypatch.delenv("UNIMED_WORKSPACE", raising=False)
        monkeypatch.setattr(sys, "argv", ["unimed", *arguments, "--json"])
        code = main()
        said = capsys.readouterr()
        assert code == 0, said.err
        return json.loads(said.out)

    return ask


def open_kept(archive: Path, folder: Path) -> Workspace:
    """The workspace, at home in the folder and otherwise as the older release left it."""
    workspace = Workspace(unpack(archive, folder))
    settle_here(workspace)
    return workspace


def champion(kept: dict[str, Any]) -> int:
    return next(entry["version"] for entry in reversed(kept["decision_log"]) if entry["action"] == "promote")


def test_there_is_a_kept_workspace_and_each_is_small():
    assert ARCHIVES and all(path.stat().st_size <= LARGEST_BYTES for path in ARCHIVES)


def test_nothing_that_must_survive_is_lost_and_what_was_decided_since_the_training_is_still_to_do(opened, kept):
    assert lost_facts(opened, kept) == []
    waiting = len(kept["excluded_patients"]) + sum(map(len, kept["curators_decisions"].values()))
    assert len(ignored_decisions(opened, kept)) == waiting > 0


def test_status_and_models_show_its_versions_and_its_champion(unimed, opened, kept):
    assert unimed(opened, "status")["champion"]["version"] == champion(kept)
    found = {str(row["version"]): row for row in unimed(opened, "models")}
    assert found.keys() == kept["versions"].keys()
    for number, version in kept["versions"].items():
        assert found[number]["weights_sha256"] == version["weights_sha256"]
    assert found[str(champion(kept))]["decision"]["hash"] == kept["decision_log"][-1]["hash"]


def test_its_champion_is_verified_byte_by_byte_and_traced_to_the_raw_deliveries(unimed, opened, kept):
    assert [check for check in unimed(opened, "verify", "champion") if not check["ok"]] == []
    lineage = unimed(opened, "lineage", "champion")
    assert lineage["version"] == champion(kept)
    assert set(kept["test_patients"]) <= lineage["sources"].keys()
    assert [entry["hash"] for entry in lineage["decisions"]] == [entry["hash"] for entry in kept["decision_log"]]


def test_on_a_disk_that_is_only_read_it_can_be_looked_at_and_nothing_else(upgraded, kept):
    before = {path: path.stat().st_mtime_ns for path in upgraded.root.rglob("*") if path.is_file()}
    with only_read(upgraded.root):
        said = {
            words[0]: json.loads(run_unimed(*words, "--json", cwd=upgraded.root))
            for words in (("models",), ("lineage", "champion"), ("verify", "champion"))
        }
        assert "Read-only file system" in run_unimed("retrain", cwd=upgraded.root, expect=2)
    assert said["lineage"]["version"] == champion(kept)
    assert {str(row["version"]) for row in said["models"]} == kept["versions"].keys()
    assert before == {path: path.stat().st_mtime_ns for path in upgraded.root.rglob("*") if path.is_file()}


def test_its_champion_answers(unimed, opened, kept):
    image = next(path for path in sorted(opened.raw.rglob("*.jpg")))
    answer = unimed(opened, "ask", str(image), "Which modality is this?")
    assert answer["version"] == champion(kept) and answer["finish_reason"] in ("stop", "length")


def test_eight_processes_that_open_it_at_once_upgrade_its_decision_log_once(archive, kept, tmp_path):
    workspace = open_kept(archive, tmp_path)
    ((identity, entries),) = eight_at_once(workspace.root)
    assert entries == len(kept["decision_log"])
    with closing(sqlite3.connect(workspace.private / DECISIONS)) as database:
        assert database.execute("SELECT id, chain FROM unimed_registries").fetchall() == [(identity, FORMER_EMBEDDED)]
        assert database.execute("SELECT version_num FROM unimed_version").fetchall() == [(REVISIONS[-1],)]
    assert lost_facts(workspace, kept) == []


def test_a_retrain_would_begin_with_what_was_decided(unimed, upgraded, kept):
    plan = unimed(upgraded, "retrain", "--dry-run")
    changed = {f"validate@{source}" for source in kept["curators_decisions"]} | {"assemble"}
    assert changed <= set(plan["affected"])


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_retrain_ends_well_follows_what_people_decided_and_loses_nothing(upgraded, kept):
    print(run_unimed("retrain", cwd=upgraded.root))
    assert lost_facts(upgraded, kept) == []
    assert ignored_decisions(upgraded, kept) == []
    versions = [row["version"] for row in json.loads(run_unimed("models", "--json", cwd=upgraded.root))]
    assert versions[1:] == sorted(map(int, kept["versions"]), reverse=True)
    for version in versions:
        run_unimed("verify", str(version), cwd=upgraded.root)


def change_database(workspace: Workspace, name: str, statement: str) -> None:
    with closing(sqlite3.connect(workspace.private / name)) as connection:
        assert connection.execute(statement).rowcount == 1
        connection.commit()


def change_a_decision(workspace: Workspace) -> None:
    statement = "UPDATE unimed_decisions SET body = replace(body, 'a person', 'nobody') WHERE body LIKE '%a person\"%'"
    change_database(workspace, "unimed.db", statement)


def lose_the_last_decision(workspace: Workspace) -> None:
    last = "(SELECT max(sequence) FROM unimed_decisions)"
    change_database(workspace, "unimed.db", f"DELETE FROM unimed_decisions WHERE sequence = {last}")


def take_the_title_away(workspace: Workspace) -> None:
    change_database(workspace, "mlflow.db", "DELETE FROM registered_model_aliases WHERE alias = 'champion'")


def change_a_byte_of_weights(workspace: Workspace) -> None:
    path = weights_files(workspace, 1)["model.safetensors"]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)


def tag_a_version_with_other_data(workspace: Workspace) -> None:
    statement = "UPDATE model_version_tags SET value = 'other' WHERE key = 'unimed.dataset_id'"
    change_database(workspace, "mlflow.db", statement)


def move_a_patient_off_the_test_side(workspace: Workspace) -> None:
    (path,) = workspace.dataset.glob("decisions-*.parquet")
    table = pq.read_table(path)
    key = next(row["patient_key"] for row in table.to_pylist() if row["split"] == "test")
    moved = pc.equal(table["patient_key"], key)
    for column, value in (("split", "train"), ("bin", "kept")):
        values = pc.if_else(moved, pa.scalar(value), table[column].cast(pa.string()))
        table = table.set_column(table.schema.get_field_index(column), column, values)
    path.unlink()  # it may be a link into the cache
    pq.write_table(table, path)


def let_an_excluded_patient_back(workspace: Workspace) -> None:
    params = load_yaml(workspace.params)
    params["assembly"]["excluded_patients"] = []
    workspace.params.write_text(dump_yaml(params))


def forget_a_curators_decision(workspace: Workspace) -> None:
    next(path for path in workspace.decisions.glob("*.jsonl") if path.stat().st_size).write_text("")


def forget_the_accepted_delivery(workspace: Workspace) -> None:
    next(path for path in workspace.accepted.glob("*.json") if path.stat().st_size > 3).write_text("{}\n")


@pytest.mark.parametrize(
    ("harm", "fact"),
    [
        (change_a_decision, "decision_log"),
        (lose_the_last_decision, "decision_log"),
        (take_the_title_away, "decision_log"),
        (change_a_byte_of_weights, "versions"),
        (tag_a_version_with_other_data, "versions"),
        (move_a_patient_off_the_test_side, "test_patients"),
        (let_an_excluded_patient_back, "excluded_patients"),
        (forget_a_curators_decision, "curators_decisions"),
        (forget_the_accepted_delivery, "accepted_deliveries"),
    ],
)
def test_a_broken_fact_is_named_and_no_other(archive, kept, tmp_path, harm: Callable[[Workspace], None], fact: str):
    workspace = open_kept(archive, tmp_path)
    harm(workspace)
    lost = lost_facts(workspace, kept)
    assert lost and {sentence.partition(":")[0] for sentence in lost} == {fact}, lost


def test_an_archive_carries_no_path_away(tmp_path):
    root = tmp_path / "here"
    (root / ".unimed" / "logs").mkdir(parents=True)
    (root / ".unimed" / "registration.json").write_text(json.dumps({"registry": f"sqlite:///{root}/.unimed/mlflow.db"}))
    (root / ".unimed" / "secret").touch(mode=0o600)
    with closing(sqlite3.connect(root / ".unimed" / "mlflow.db")) as connection:
        connection.execute("CREATE TABLE runs (id INTEGER PRIMARY KEY, uri TEXT)")
        connection.execute("INSERT INTO runs VALUES (3, ?)", (f"file://{root}/.unimed/mlflow-artifacts",))
        connection.commit()
    there = unpack(pack(root, tmp_path / "packed.tar.xz"), tmp_path / "there") / ".unimed"
    assert not (there / "logs").exists() and (there / "secret").stat().st_mode & 0o077 == 0
    assert json.loads((there / "registration.json").read_text()) == {
        "registry": f"sqlite:///{NOWHERE}/.unimed/mlflow.db"
    }
    with closing(sqlite3.connect(there / "mlflow.db")) as connection:
        assert connection.execute("SELECT * FROM runs").fetchall() == [
            (3, f"file://{NOWHERE}/.unimed/mlflow-artifacts")
        ]
    (root / "notes.txt").write_text(f"see {root}/data")
    with pytest.raises(ValueError, match=r"notes\.txt names .*; leave the file out or rewrite it"):
        pack(root, tmp_path / "packed.tar.xz")
