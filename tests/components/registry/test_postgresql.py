"""The lease and the decision log on a real PostgreSQL server."""

import multiprocessing
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy

from components.registry.decisions import Ruling, append, read_log
from components.registry.lease import LeaseLost, hold_lease
from components.registry.people import promote, rollback
from components.registry.tracking import connect
from components.storage.locks import Held
from components.storage.workspace import Workspace
from tests.fixtures.postgresql import binaries, server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(binaries() is None, reason="PostgreSQL is not installed (apt-get install postgresql)"),
]
GRANTS = Path(__file__).parents[3] / "infra" / "postgresql" / "registry.sql"


@pytest.fixture(scope="module")
def database():
    with server() as url:
        yield url


@pytest.fixture
def bare(database, tmp_path, monkeypatch) -> Workspace:
    """A workspace whose decisions are in an empty database."""
    engine = sqlalchemy.create_engine(database)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("DROP TABLE IF EXISTS unimed_decisions, unimed_version"))
    engine.dispose()
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    # Another name for each test, since a process looks at a database's tables once.
    monkeypatch.setenv("UNIMED_DATABASE_URL", f"{database}?application_name={tmp_path.name}")
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
        in_session(
            database,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'unimed promote%'",
        )
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


def _first_use(root, barrier, answers):
    barrier.wait()
    try:
        answers.put(len(read_log(Workspace(root))))
    except Exception as error:
        answers.put(repr(error))


def test_eight_first_users_at_once_make_the_tables_once(bare):
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(8), context.Queue()
    users = [context.Process(target=_first_use, args=(bare.root, barrier, answers)) for _ in range(8)]
    for user in users:
        user.start()
    assert [answers.get(timeout=120) for _ in users] == [0] * 8
    for user in users:
        user.join()


def test_a_table_of_a_release_without_revisions_is_taken_over_with_its_decisions(bare, database):
    with hold_lease(bare, "promote 1") as lease:
        append(lease, [], ruling())
    in_session(database, "DROP TABLE unimed_version")
    code = (
        "import pathlib; from components.registry.decisions import read_log; "
        "from components.storage.workspace import Workspace; print(len(read_log(Workspace(pathlib.Path.cwd()))))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=bare.root, capture_output=True, text=True, timeout=120, check=True
    )
    assert said.stdout.strip() == "1"
    assert in_session(database, "SELECT version_num FROM unimed_version") == [("0002",)]


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
    for statement in (
        "UPDATE unimed_decisions SET hash = 'x'",
        "DELETE FROM unimed_decisions",
        "DROP TABLE unimed_decisions",
    ):
        with pytest.raises(sqlalchemy.exc.ProgrammingError, match=r"permission denied|must be owner"):
            in_session(application, statement)


def test_promotions_and_rollbacks_go_through_it(three, database, monkeypatch):
    monkeypatch.setenv("UNIMED_DATABASE_URL", f"{database}?application_name=way")
    connect(three).client.delete_registered_model_alias("unimed", "champion")
    (three.private / "registration.json").unlink()
    for version in connect(three).client.search_model_versions("name = 'unimed'"):
        if "unimed.log_head" in version.tags:  # of the log that lay in the workspace
            connect(three).client.delete_model_version_tag("unimed", version.version, "unimed.log_head")
    promote(three, "1", who="ada", why="the first of this log")
    promote(three, "2", who="ada", why="try")
    assert rollback(three, who="ada", why="complaints").version == 1
    assert [entry.action for entry in read_log(three)] == ["promote", "promote", "rollback"]
