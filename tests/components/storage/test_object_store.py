"""Objects below a prefix: there whole or not at all, and waited for while the server is away."""

import pickle
import threading
import time
from collections.abc import Iterator

import pytest
from moto.server import ThreadedMotoServer

from components.storage.object_store import ObjectStore
from components.storage.s3 import UnreadableS3, make_client
from tests.fixtures.moto_server import moto_store


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    with moto_store(monkeypatch) as found:
        yield found


def test_what_is_written_is_read_and_what_lies_beside_the_prefix_stays(store, tmp_path):
    other = ObjectStore(store.url + "-other", store.endpoint)
    other.write("left", b"alone")
    store.write("a/one", b"1")
    (tmp_path / "two").write_bytes(b"22")
    store.put(tmp_path / "two", "a/b/two")
    travelled = pickle.loads(pickle.dumps(store))
    assert travelled.names() == ["a/b/two", "a/one"] and travelled.below("a").names() == ["b/two", "one"]
    assert (store.read("a/one"), store.size("a/b/two")) == (b"1", 2)
    assert (store.read("nothing"), store.size("nothing")) == (None, None)
    store.get("a/b/two", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b"22"
    store.below("a").remove()
    assert store.names() == [] and other.read("left") == b"alone"


def test_it_travels_without_keys(store, monkeypatch):
    assert store.size("one") is None  # its client is made
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-of-this-machine")
    assert b"secret" not in pickle.dumps(store)


def test_a_bucket_that_is_not_there_is_said_at_once(store):
    begun = time.monotonic()
    for ask in (lambda gone: gone.read("one"), lambda gone: gone.write("one", b"")):
        with pytest.raises(UnreadableS3, match=r"s3://no-such-bucket/x .*NoSuchBucket"):
            ask(ObjectStore("s3://no-such-bucket/x", store.endpoint, 60.0))
    assert time.monotonic() - begun < 10


def test_a_server_that_is_away_for_a_moment_is_waited_for(monkeypatch):
    monkeypatch.setattr("components.storage.object_store.PAUSE_SECONDS", 0.1)
    with moto_store(monkeypatch) as store:
        port = int(store.endpoint.rpartition(":")[2])
    later = ThreadedMotoServer(ip_address="127.0.0.1", port=port)

    def come_back() -> None:
        time.sleep(2)
        later.start()
        make_client(store.endpoint).create_bucket(Bucket="back")

    thread = threading.Thread(target=come_back)
    thread.start()
    back = ObjectStore("s3://back", store.endpoint, 60.0)
    try:
        while back.patience_seconds:
            try:
                back.write("one", b"1")
                break
            except UnreadableS3 as error:  # the server is up a moment before its bucket
                assert "NoSuchBucket" in str(error)
        assert back.read("one") == b"1"
    finally:
        thread.join()
        later.stop()
    with pytest.raises(UnreadableS3, match=r"s3://back does not do what is asked .*check the AWS variables"):
        ObjectStore("s3://back", store.endpoint, 0.5).read("one")
