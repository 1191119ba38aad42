"""Which database holds the decisions, by its address."""

import pytest

from components.registry import database, migrating
from components.registry.database import Impossible, engine_of
from components.storage.workspace import Workspace


@pytest.mark.parametrize("written", ["postgres://ada@db/unimed", "postgresql://ada@db/unimed"])
def test_an_address_without_a_driver_takes_the_one_that_is_installed(tmp_path, monkeypatch, written):
    monkeypatch.setenv(database.ENVIRONMENT, written)
    monkeypatch.setattr(migrating, "bring_up", lambda _: None)
    engine = engine_of(Workspace(tmp_path))
    assert (engine.url.drivername, engine.url.host) == ("postgresql+psycopg", "db")


@pytest.mark.parametrize("written", ["db.clinic/unimed", "mongodb://ada:secret@db/unimed", "oracle://ada:secret@db"])
def test_an_address_of_no_database_of_ours_is_refused_with_an_example_and_without_its_password(
    tmp_path, monkeypatch, written
):
    monkeypatch.setenv(database.ENVIRONMENT, written)
    with pytest.raises(Impossible, match=r"UNIMED_DATABASE_URL is .* write it like postgresql\+psycopg://") as caught:
        engine_of(Workspace(tmp_path))
    assert "secret" not in str(caught.value)
