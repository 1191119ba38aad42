"""The lease and the decision log on a real PostgreSQL server."""

import shutil
import subprocess
import threading
import time
import uuid
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy.exc import ProgrammingError

from components.registry import deciding
from components.registry.decisions import Ruling, append, read_log
from components.registry.identity import TAG
from components.registry.lease import LeaseLost, hold_lease
from components.registry.migrating import REVISIONS, NeedsOwner
from components.registry.openings import open_exam, openings
from components.registry.people import promote, rollback
from components.registry.summary import champion_summary
from components.registry.tracking import connect
from components.registry.versions import models
from components.storage.locks import Held
from components.storage.workspace import Workspace
from tests.fixtures.at_once import eight_at_once
from tests.fixtures.postgresql import binaries, server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(binaries() is None, reason="PostgreSQL is not installed (apt-get install postgresql)"),
]
TABLES = ("unimed_decisions", "unimed_openings", "unimed_registries")
COLUMN = (
    "SELECT column_name FROM information_schema.columns WHERE table_name = :name AND data_type = 'character varying'"
)
END = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE :name"
GRANTS = Path(__file__).parents[3] / "infra" / "postgresql" / "registry.sql"


@pytest.fixture(scope="module")
def database():
    with server() as url:
        yield url


@pytest.fixture
def bare(made, database, tmp_path, monkeypatch) -> Workspace:
    """A workspace whose decisions are in an empty database."""
    in_session(database, f"DROP TABLE IF EXISTS {', '.join(TABLES)}, unimed_version")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    # Another name for each test, since a process looks at a database's tables once.
    monkeypatch.setenv("UNIMED_DATABASE_URL", f"{database}?application_name={tmp_path.name}")
    (tmp_path / ".unimed").mkdir()
    shutil.copyfile(made / ".unimed" / "mlflow.db", tmp_path / ".unimed" / "mlflow.db")
    return Workspace(tmp_path)


def ruling(version=1, action="promote") -> Ruling:
    return Ruling(action=action, version=version, weights_sha256="w", who="ada", why="better", evidence={})


def in_session(url: str, statement: str, **values) -> list:
    engine = sqlalchemy.create_engine(url)
    try:
        with engine.begin() as connection:
            found = connection.execute(sqlalchemy.text(statement), values)
            return list(found) if found.returns_rows else []
    finally:
        engine.dispose()


def test_the_lease_is_waited_for_as_long_as_it_says_and_its_holder_is_named(bare):
    taken, free = threading.Event(), threading.Event()

    def holds():
        with hold_lease(bare, "promote 7"):
            taken.set()
            free.wait(30)

    other = threading.Thread(target=holds)
    other.start()
    assert taken.wait(30)
    begun = time.monotonic()
    with (
        pytest.raises(Held, match=r"decide 8: held by unimed promote 7 pid \d+ on "),
        hold_lease(bare, "decide 8", wait_seconds=1),
    ):
        pass
    assert time.monotonic() - begun >= 1
    threading.Timer(0.5, free.set).start()
    with hold_lease(bare, "decide 8", wait_seconds=30) as lease:
        assert append(lease, [], ruling()).sequence == 1
    other.join()


def test_a_holder_whose_session_was_ended_writes_nothing_and_the_next_one_gets_the_lease(bare, database):
    with (
        pytest.raises(LeaseLost, match="the database ended the session that held the lease"),
        hold_lease(bare, "promote 1") as lease,
    ):
        in_session(database, END, name="unimed promote%")
        append(lease, [], ruling())
    assert read_log(bare) == []
    with hold_lease(bare, "promote 1") as lease:
        append(lease, [], ruling())
    assert len(read_log(bare)) == 1


def test_a_pooler_that_shares_sessions_is_named(bare):
    with pytest.raises(LeaseLost, match="a pooler in transaction mode"), hold_lease(bare, "promote 1") as lease:
        assert lease.connection is not None
        # What a pooler in transaction mode does to a session: the next statement runs in one without the lock.
        with lease.connection.begin():
            lease.connection.execute(sqlalchemy.text("SELECT pg_advisory_unlock_all()"))
        append(lease, [], ruling())
    assert read_log(bare) == []


def test_eight_first_users_at_once_make_tables_and_identity_once(bare, database):
    ((identity, entries),) = eight_at_once(bare.root)
    assert entries == 0 and in_session(database, "SELECT id, why FROM unimed_registries") == [(identity, "first use")]
    assert connect(bare).client.get_registered_model("unimed").tags[TAG] == identity


def test_a_log_of_a_release_without_revisions_and_ids_is_taken_over_by_eight_at_once(bare, database):
    with hold_lease(bare, "promote 1") as lease:
        append(lease, [], ruling())
    former = f"sqlite:///{bare.private / 'mlflow.db'}"
    in_session(database, "UPDATE unimed_decisions SET registry = :former", former=former)
    in_session(database, "DROP TABLE unimed_version, unimed_registries, unimed_openings")
    connect(bare).client.delete_registered_model_tag("unimed", TAG)
    ((identity, entries),) = eight_at_once(bare.root)
    assert entries == 1 and len(identity) == 36
    assert in_session(database, "SELECT version_num FROM unimed_version") == [(REVISIONS[-1],)]
    assert in_session(database, "SELECT id, chain FROM unimed_registries") == [(identity, former)]


def test_a_role_that_may_not_make_tables_says_who_may(bare, database, monkeypatch):
    in_session(database, "DROP ROLE IF EXISTS unimed_app")
    in_session(database, "CREATE ROLE unimed_app LOGIN")
    monkeypatch.setenv("UNIMED_DATABASE_URL", database.replace("unimed@", "unimed_app@"))
    with pytest.raises(NeedsOwner, match=r"the role unimed_app may not make them: run `unimed registry log` once as"):
        read_log(bare)


def test_the_shipped_rights_let_the_application_add_decisions_and_nothing_else(bare, database):
    read_log(bare)
    in_session(database, "DROP ROLE IF EXISTS unimed_app")
    in_session(database, "CREATE ROLE unimed_app LOGIN")
    plain = database.replace("+psycopg", "")
    subprocess.run(
        ["psql", "-v", "ON_ERROR_STOP=1", "-v", "role=unimed_app", "-f", str(GRANTS), plain],
        check=True,
        capture_output=True,
    )
    application = database.replace("unimed@", "unimed_app@")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNIMED_DATABASE_URL", application)
        with hold_lease(bare, "promote 1") as lease:
            append(lease, [], ruling())
        assert len(read_log(bare)) == 1
        open_exam(bare, "e" * 12, 1, "w")
        assert [opening.version for opening in openings(bare)] == [1]
    for table in TABLES:
        column = in_session(database, COLUMN, name=table)[0][0]
        for statement in (f"UPDATE {table} SET {column} = 'x'", f"DELETE FROM {table}", f"DROP TABLE {table}"):
            with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
                in_session(application, statement)


@pytest.fixture
def team(three, database, monkeypatch) -> Workspace:
    """Versions 1, 2 and 3 of which none is champion, with an empty log in PostgreSQL."""
    in_session(database, f"DROP TABLE IF EXISTS {', '.join(TABLES)}, unimed_version")
    client = connect(three).client
    client.delete_registered_model_alias("unimed", "champion")
    client.delete_registered_model_tag("unimed", TAG)
    for version in client.search_model_versions("name = 'unimed'"):
        if "unimed.log_head" in version.tags:  # of the log that lay in the workspace
            client.delete_model_version_tag("unimed", version.version, "unimed.log_head")
    (three.private / "registration.json").unlink()
    monkeypatch.setenv("UNIMED_DATABASE_URL", f"{database}?application_name={uuid.uuid4().hex}")
    return three


def test_promotions_and_rollbacks_go_through_it(team):
    promote(team, "1", who="ada", why="the first of this log")
    promote(team, "2", who="ada", why="try")
    assert rollback(team, who="ada", why="complaints").version == 1
    assert [entry.action for entry in read_log(team)] == ["promote", "promote", "rollback"]


def test_a_decision_whose_session_ends_before_mlflow_follows_stands_and_is_carried_out(team, database, monkeypatch):
    original, ended = deciding.carry_out, []

    def carry_out(*given, **more):
        if not ended:
            ended.append(in_session(database, END, name="unimed promote%"))
        original(*given, **more)

    monkeypatch.setattr(deciding, "carry_out", carry_out)
    decision = promote(team, "1", who="ada", why="the first of this log")
    assert ended and read_log(team) == [decision]
    assert connect(team).client.get_registered_model("unimed").aliases == {"champion": 1}
    assert champion_summary(team)["champion"]["version"] == 1


def test_whoever_lost_the_lease_does_not_move_the_alias_past_somebody_elses_decision(team, database, monkeypatch):
    original, others = deciding.carry_out, []

    def carry_out(*given, **more):
        if not others:
            others.append("decides meanwhile")
            in_session(database, END, name="unimed promote%")
            (team.private / "registration.json").unlink(missing_ok=True)
            promote(team, "2", who="eve", why="at the same moment")
        original(*given, **more)

    monkeypatch.setattr(deciding, "carry_out", carry_out)
    first = promote(team, "1", who="ada", why="the first of this log")
    assert [entry.version for entry in read_log(team)] == [1, 2] and first.sequence == 1
    assert connect(team).client.get_registered_model("unimed").aliases == {"champion": 2}
    assert [row["state"] for row in models(team)] == ["registered", "promoted", "superseded"]
