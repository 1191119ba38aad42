"""One registry for all who reach the same model of the same MLflow store; another one for everybody else."""

import shutil
from pathlib import Path

import pytest

from components.recipes.registry import model_name
from components.registry.database import Impossible, database_url, transaction
from components.registry.decisions import Decision, Ruling, append, read_log
from components.registry.identity import TAG, Copied, registry_of, settle_place
from components.registry.lease import Lease, hold_lease
from components.registry.moving import settle_here
from components.registry.promotion import decide
from components.registry.registries import FORMER_EMBEDDED, registries_table, rows
from components.registry.summary import champion_summary
from components.registry.tracking import connect
from components.registry.versions import models, register
from components.storage.workspace import Workspace


@pytest.fixture
def shared(made, tmp_path, monkeypatch) -> Path:
    """A folder that several workspaces reach, with MLflow's store and the database of decisions in it."""
    folder = tmp_path / "shared"
    folder.mkdir()
    shutil.copyfile(made / ".unimed" / "mlflow.db", folder / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
    monkeypatch.setenv("UNIMED_DATABASE_URL", f"sqlite:///{folder / 'unimed.db'}")
    return folder


@pytest.fixture
def bare(tmp_path, monkeypatch) -> Workspace:
    """A workspace with an own MLflow and an own log."""
    for name in ("MLFLOW_TRACKING_URI", "UNIMED_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return Workspace(tmp_path / "bare")


def write(workspace: Workspace, version: int = 1) -> Decision:
    ruling = Ruling(action="promote", version=version, weights_sha256="w", who="ada", why="better", evidence={})
    with hold_lease(workspace, "test"):
        return append(Lease(workspace), read_log(workspace), ruling)


def a_workspace(folder: Path, recipe: str = "recipe: tiny\n") -> Workspace:
    folder.mkdir()
    (folder / "params.yaml").write_text(recipe)
    return Workspace(folder)


def test_two_workspaces_and_two_spellings_of_one_store_are_one_registry(shared, tmp_path, monkeypatch):
    one, two = a_workspace(tmp_path / "one"), a_workspace(tmp_path / "two")
    first = write(one)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{shared}/../shared/mlflow.db")
    assert read_log(two) == [first] and write(two, 2).previous_hash == first.hash
    assert registry_of(one).id == registry_of(two).id == registry_of(two).chain
    assert connect(two).client.get_registered_model("unimed").tags[TAG] == registry_of(one).id


def test_a_folder_as_mlflows_store_is_one_registry_as_a_path_and_as_an_address(shared, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", str(shared / "mlruns"))
    first = write(a_workspace(tmp_path / "one"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (shared / "mlruns").as_uri())
    assert read_log(a_workspace(tmp_path / "two")) == [first]


def test_recipes_with_names_of_their_own_have_champions_of_their_own_on_one_store(shared, tmp_path):
    one = a_workspace(tmp_path / "one")
    other = a_workspace(tmp_path / "other", "recipe: small\nregistry: {model: unimed-small}\n")
    write(one)
    assert read_log(other) == [] and write(other, 7).sequence == 1
    assert [entry.version for entry in read_log(one)] == [1]
    assert connect(other).client.get_experiment_by_name("unimed-small") is not None
    assert model_name(one.params) == "unimed"


def test_versions_and_runs_lie_under_the_recipes_name(workspace):
    workspace.params.write_text(workspace.params.read_text() + "\nregistry:\n  model: unimed-14b\n")
    decide(workspace, register(workspace), "gate")
    tracking = connect(workspace)
    assert tracking.client.get_model_version_by_alias("unimed-14b", "champion").aliases == ["champion"]
    assert [row["aliases"] for row in models(workspace)] == [["champion"]]
    assert champion_summary(workspace)["champion"]["version"] == 1
    assert tracking.client.get_registered_model("unimed-14b").tags[TAG] == registry_of(workspace).id
    workspace.params.write_text(workspace.params.read_text().replace("unimed-14b", "unimed-7b"))
    assert champion_summary(workspace) == {"champion": None, "challenger": None}


@pytest.mark.parametrize("name", ["", "a/b", "it's", " x", "ü"])
def test_a_name_that_mlflow_or_an_address_would_trip_over_is_refused(tmp_path, name):
    recipe = a_workspace(tmp_path / "one", f'registry:\n  model: "{name}"\n')
    with pytest.raises(ValueError, match=r"params.yaml: registry: registry\.model is "):
        model_name(recipe.params)


def test_a_log_of_a_release_without_ids_goes_on_under_its_name(bare):
    write(bare)
    forget(bare, FORMER_EMBEDDED)
    assert [entry.version for entry in read_log(bare)] == [1]
    assert write(bare, 2).sequence == 2
    assert registry_of(bare).chain == FORMER_EMBEDDED != registry_of(bare).id


def test_a_shared_log_of_a_release_without_ids_is_found_by_another_spelling(shared, tmp_path, monkeypatch):
    one = a_workspace(tmp_path / "one")
    write(one)
    forget(one, f"sqlite:///{shared}/mlflow.db")
    connect(one).client.delete_registered_model_tag("unimed", TAG)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{shared}/../shared/mlflow.db")
    two = a_workspace(tmp_path / "two")
    assert [entry.version for entry in read_log(two)] == [1]
    assert write(two, 2).sequence == 2


def forget(workspace: Workspace, chain: str) -> None:
    """Leave the database as a release without ids would have."""
    from sqlalchemy import text

    with transaction(workspace) as connection:
        connection.execute(text("DELETE FROM unimed_registries"))
        connection.execute(text("UPDATE unimed_decisions SET registry = :chain"), {"chain": chain})


def test_a_database_that_does_not_know_the_stores_registry_is_named(shared, tmp_path, monkeypatch):
    one = a_workspace(tmp_path / "one")
    write(one)
    monkeypatch.setenv("UNIMED_DATABASE_URL", f"sqlite:///{shared / 'another.db'}")
    expected = (
        rf"belongs to registry {connect(one).client.get_registered_model('unimed').tags[TAG]}, which the database"
    )
    with pytest.raises(Impossible, match=expected):
        write(one, 2)


def test_a_registered_model_that_was_deleted_and_made_again_keeps_its_log(shared, tmp_path):
    one = a_workspace(tmp_path / "one")
    first, before = write(one), registry_of(one)
    connect(one).client.delete_registered_model("unimed")
    two = a_workspace(tmp_path / "two")
    assert read_log(two) == [first] and registry_of(two).id == before.id


def test_a_copied_database_is_named_until_somebody_says_what_it_is(shared, tmp_path, monkeypatch):
    one = a_workspace(tmp_path / "one")
    first, before = write(one), registry_of(one)
    copy = tmp_path / "copy"
    shutil.copytree(shared, copy)
    for name, file in (("MLFLOW_TRACKING_URI", "mlflow.db"), ("UNIMED_DATABASE_URL", "unimed.db")):
        monkeypatch.setenv(name, f"sqlite:///{copy / file}")
    with pytest.raises(
        Copied, match=r"lives in .*/shared/unimed.db, and is .*/copy/unimed.db: it is a copy, or was moved"
    ):
        write(one, 2)
    assert read_log(one) == [first], "reading a copy harms nobody"
    own = settle_place(one, "copy", who="ada", why="to try the next release")
    assert own.id != before.id and write(one, 2).previous_hash == first.hash
    assert connect(one).client.get_registered_model("unimed").tags[TAG] == own.id
    with pytest.raises(Impossible, match="nothing is to settle"):
        settle_place(one, "copy", who="ada", why="again")


def test_a_moved_database_stays_the_registry_and_one_restored_in_its_place_needs_no_word(shared, tmp_path, monkeypatch):
    one = a_workspace(tmp_path / "one")
    write(one)
    before, there = registry_of(one), tmp_path / "there.db"
    shutil.copyfile(shared / "unimed.db", shared / "backup.db")
    (shared / "backup.db").rename(shared / "unimed.db")  # the same path, another file
    assert registry_of(one).id == before.id
    shutil.copyfile(shared / "unimed.db", there)
    monkeypatch.setenv("UNIMED_DATABASE_URL", f"sqlite:///{there}")
    assert settle_place(one, "moved", who="ada", why="a new disk").id == before.id
    assert registry_of(one).id == before.id
    with transaction(one) as connection:
        assert [row.why for row in rows(connection, registries_table().c.id == before.id)] == [
            "first use",
            "a new disk",
        ]


def test_a_copied_workspaces_registry_is_another_one(workspace, monkeypatch):
    decide(workspace, register(workspace), "gate")
    before = registry_of(workspace)
    target = workspace.root.with_name("a copy")
    shutil.copytree(workspace.root, target, symlinks=True)
    monkeypatch.chdir(target)
    monkeypatch.setenv("UNIMED_WORKSPACE", str(target))
    copy = Workspace(target)
    settle_here(copy)
    assert registry_of(copy).id != before.id == registry_of(workspace).id
    assert connect(copy).client.get_registered_model("unimed").tags[TAG] == registry_of(copy).id
    assert len(read_log(copy)) == 1 and str(database_url(copy)).startswith(f"sqlite:///{target}")
