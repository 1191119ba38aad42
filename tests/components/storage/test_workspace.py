"""Finding a workspace, and paths that cannot hold one."""

import pytest
from sqlalchemy import create_engine, text

from components.storage.workspace import find_workspace


def _workspace(folder):
    folder.mkdir(parents=True)
    for name in ("params.yaml", "dvc.yaml"):
        (folder / name).write_text("")
    return folder


@pytest.mark.parametrize("name", ["a?b", "a%20b", "a%c3b"])
def test_a_path_that_no_address_of_a_database_can_have_is_refused_by_what_is_in_it(tmp_path, name):
    folder = _workspace(tmp_path / name / "inner")
    with pytest.raises(ValueError, match="in its path, which an address of a database in it cannot have; rename"):
        find_workspace(folder)


@pytest.mark.parametrize("name", ["a b", "a#b", "100%", "wéird", "a'b", "a&b=c;d", "a[1]{2}*$", 'a"b', "a:b,c", "a\\b"])
def test_any_other_path_holds_a_workspace_and_a_database(tmp_path, name):
    folder = _workspace(tmp_path / name)
    assert find_workspace(folder).root == folder
    with create_engine(f"sqlite:///{folder / 'x.db'}").begin() as connection:
        connection.execute(text("create table t (x)"))
    assert (folder / "x.db").is_file()
