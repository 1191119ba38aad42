"""A node's cache of the remote: whole files by their hash, shared by its workers, never larger than it may be."""

import multiprocessing
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.storage import node_cache
from components.storage.dvc_objects import Damaged, Entry, Tree, object_name, send_files
from components.storage.node_cache import NodeCache
from components.storage.object_store import ObjectStore
from tests.fixtures.moto_server import moto_store


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    with moto_store(monkeypatch) as found:
        yield found


@pytest.fixture(autouse=True)
def let_go() -> Iterator[None]:
    """Locks are for a process's life; here each test is one."""
    yield
    release()


def release() -> None:
    while node_cache._HELD:
        os.close(node_cache._HELD.pop())


def tree(store: ObjectStore, folder: Path, name: str, **files: bytes) -> Tree:
    made = folder / name
    made.mkdir(parents=True)
    for file, data in files.items():
        (made / file).write_bytes(data)
    return send_files(store, made, files, name)


def test_a_tree_is_fetched_once_and_its_files_are_those_of_the_remote(store, tmp_path):
    sent = tree(store, tmp_path, "data", a=b"one", b=b"two" * 1000)
    cache, said = NodeCache(tmp_path / "cache"), []
    laid = cache.lay(sent, store, said.append)
    assert {path.name: path.read_bytes() for path in laid.iterdir()} == {"a": b"one", "b": b"two" * 1000}
    assert len(said) == 1 and "2 files of data" in said[0]
    store.remove()
    assert cache.lay(sent, store, said.append) == laid and len(said) == 1


def test_what_was_edited_on_the_node_is_fetched_again(store, tmp_path):
    sent = tree(store, tmp_path, "data", a=b"one", b=b"two")
    cache = NodeCache(tmp_path / "cache")
    laid = cache.lay(sent, store)
    (laid / "a").chmod(0o644)
    (laid / "a").write_bytes(b"eno")
    assert (cache.lay(sent, store) / "a").read_bytes() == b"one"


def test_a_damaged_object_is_refused_by_name_and_leaves_nothing(store, tmp_path):
    sent = tree(store, tmp_path, "data", a=b"one")
    store.write(object_name(sent.entries[0].md5), b"eno")
    cache = NodeCache(tmp_path / "cache")
    with pytest.raises(Damaged, match=r"\(a\) is damaged: .* `dvc push`"):
        cache.lay(sent, store)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file() and path.stat().st_size]


def test_what_was_longest_unused_goes_when_room_is_needed_and_what_is_in_use_stays(store, tmp_path):
    trees = [tree(store, tmp_path, f"data-{n}", file=bytes([n]) * 4000, shared=b"s" * 1000) for n in range(4)]
    cache = NodeCache(tmp_path / "cache", 12_000)
    for number in (0, 1):
        laid = cache.lay(trees[number], store)
        os.utime(laid.with_suffix(".use"), (number, number))
    release()
    cache.lay(trees[1], store)  # used again, and held
    assert {path.name for path in cache.lay(trees[2], store).iterdir()} == {"file", "shared"}
    left = [(tmp_path / "cache" / "kept" / one.key).exists() for one in trees]
    assert left == [False, True, True, False]
    assert cache.size_bytes() < 12_000
    with pytest.raises(ValueError, match=r"has no room for data-3.* UNIMED_NODE_CACHE_BYTES higher"):
        cache.lay(trees[3], store)


def lay_in_a_process(folder: Path, sent: Tree, store: ObjectStore, said: "multiprocessing.Queue[str]") -> None:
    laid = NodeCache(folder).lay(sent, store, said.put)
    said.put("".join(sorted(path.read_text() for path in laid.iterdir())))


def test_of_several_workers_of_a_node_one_fetches(store, tmp_path):
    sent = tree(store, tmp_path, "data", a=b"one", b=b"two")
    spawn = multiprocessing.get_context("spawn")
    said = spawn.Queue()
    work = (tmp_path / "cache", sent, store, said)
    workers = [spawn.Process(target=lay_in_a_process, args=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    told = [said.get(timeout=60) for _ in range(4)]
    for worker in workers:
        worker.join(60)
    assert told.count("onetwo") == 3 and sum("fetches 2 files of data" in line for line in told) == 1


def test_room_that_is_no_number_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv(node_cache.FOLDER, str(tmp_path))
    monkeypatch.setenv(node_cache.BYTES, "20GB")
    with pytest.raises(ValueError, match="UNIMED_NODE_CACHE_BYTES is '20GB'"):
        NodeCache.here()


def test_a_tree_is_known_by_names_and_bytes_alone():
    entries = (Entry("a", "1", 1), Entry("b", "2", 2))
    assert Tree("one", entries).key == Tree("other", entries[::-1]).key
    assert Tree("one", entries).key != Tree("one", (Entry("a", "2", 2), Entry("b", "1", 1))).key
    assert Tree("one", entries).only(lambda name: name == "a").entries == entries[:1]


def test_when_a_workspaces_data_set_is_another_what_was_made_of_the_former_goes(store, tmp_path):
    former, other = (tree(store, tmp_path, name, file=name.encode(), shared=b"s") for name in ("former", "other"))
    elsewhere = tree(store, tmp_path, "elsewhere", file=b"of another workspace")
    cache = NodeCache(tmp_path / "cache")
    cache.lay(former, store, instead_of="data-of-a")
    (cache.scratch("latents") / "of-a-removed-image").write_bytes(b"x")
    release()
    in_use = cache.lay(elsewhere, store, instead_of="data-of-b")
    cache.lay(former, store, instead_of="data-of-a")
    assert (tmp_path / "cache" / "kept" / "latents").exists(), "the same data set: nothing goes"
    release()
    cache.lay(elsewhere, store, instead_of="data-of-b")
    assert {path.name for path in cache.lay(other, store, instead_of="data-of-a").iterdir()} == {"file", "shared"}
    held = [path.read_bytes() for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert b"former" not in held and b"x" not in held, "what was taken out is nowhere on the node"
    assert (in_use / "file").read_bytes() == b"of another workspace", "what is in use stays"
