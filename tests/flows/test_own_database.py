"""Whether there may be a schedule is known without Prefect."""

import sqlite3
from contextlib import closing

from components.storage.workspace import Workspace
from flows.environment import prefect_home
from flows.own_database import may_have_schedules


def test_a_schedule_is_ruled_out_only_where_there_surely_is_none(tmp_path):
    workspace = Workspace(tmp_path)
    assert not may_have_schedules(workspace)
    home = prefect_home(workspace)
    home.mkdir(parents=True)
    with closing(sqlite3.connect(home / "prefect.db")) as database:
        database.execute("create table deployment (id text)")
        database.commit()
        assert not may_have_schedules(workspace)
        database.execute("insert into deployment values ('a')")
        database.commit()
        assert may_have_schedules(workspace)
        database.execute("drop table deployment")
        database.commit()
    assert may_have_schedules(workspace), "another release's tables are Prefect's to read"
