"""Weights on S3: only what is read comes, each file of the stated size, each once."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

import pytest

from components.storage.s3 import UnreadableS3, list_objects
from components.weights.fetching import fetch
from components.weights.importing import open_published

NETWORK = ("ema.safetensors", "model.safetensors")


@dataclass
class Bucket:
    """An S3 service of one bucket, as far as it is read: lists, heads and gets."""

    objects: dict[str, bytes]
    asked: list[str] = field(default_factory=list)
    stated: dict[str, int] = field(default_factory=dict)
    """Sizes that the list states in place of the true ones."""

    def listing(self, prefix: str) -> bytes:
        rows = "".join(
            f"<Contents><Key>{key}</Key><Size>{self.stated.get(key, len(data))}</Size>"
            f'<ETag>"{md5(data).hexdigest()}"</ETag></Contents>'
            for key, data in sorted(self.objects.items())
            if key.startswith(prefix) and "/" not in key[len(prefix) :]
        )
        return f"<ListBucketResult><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>".encode()


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Iterator[Bucket]:
    held = Bucket({})

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(with_body=False)

        def do_GET(self) -> None:
            self.answer(with_body=True)

        def answer(self, *, with_body: bool) -> None:
            url = urlparse(self.path)
            _, name, *key = url.path.split("/", 2)
            if name != "team":
                code, data = 404, b"<Error><Code>NoSuchBucket</Code><Message>no such bucket</Message></Error>"
            elif not key or not key[0]:
                code, data = 200, held.listing(parse_qs(url.query).get("prefix", [""])[0])
            else:
                code, data = (200, held.objects[key[0]]) if key[0] in held.objects else (404, b"")
                if with_body:
                    held.asked.append(key[0])
            self.send_response(code)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("ETag", f'"{md5(data).hexdigest()}"')
            self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
            self.end_headers()
            if with_body:
                self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_address[1]}",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }.items():
        monkeypatch.setenv(name, value)
    yield held
    server.shutdown()
    server.server_close()


def test_a_published_folder_comes_from_s3_once_and_only_what_is_read(bucket, published):
    bucket.objects = {f"w/{path.name}": path.read_bytes() for path in published.iterdir()}
    bucket.objects |= {"w/model.safetensors": b"raw", "w/optimizer.pt": b"pickled", "w/deep/ema.safetensors": b"other"}
    said = []
    folder = fetch("s3://team/w", NETWORK, ["ae.safetensors"], lambda *told: said.append(told))
    assert sorted(bucket.asked) == sorted(f"w/{path.name}" for path in published.iterdir())
    assert all((folder / path.name).read_bytes() == path.read_bytes() for path in published.iterdir())
    assert said == [(1, 2, "ema.safetensors"), (2, 2, "ae.safetensors")]
    open_published(folder)
    bucket.asked.clear()
    assert fetch("s3://team/w/", NETWORK, ["ae.safetensors"]).name != folder.name or bucket.asked == []
    assert fetch("s3://team/w", NETWORK, ["ae.safetensors"]) == folder
    bucket.objects["w/ema.safetensors"] = bucket.objects["w/ema.safetensors"][:-1] + b"x"
    assert fetch("s3://team/w", NETWORK) != folder, "what changed on S3 is not taken for the old"


def test_shards_come_by_their_index(bucket, qwen2):
    bucket.objects = {path.name: path.read_bytes() for path in qwen2.iterdir()}
    folder = fetch("s3://team", ("model.safetensors",))
    assert {path.name for path in folder.glob("*.safetensors")} == {path.name for path in qwen2.glob("*.safetensors")}
    del bucket.objects[sorted(path.name for path in qwen2.glob("*.safetensors"))[0]]
    with pytest.raises(ValueError, match=r"lacks model-00001-of-.*which model.safetensors.index.json names"):
        fetch("s3://team", ("model.safetensors",))


def test_a_file_of_another_size_than_stated_is_refused_and_not_kept(bucket, tmp_path):
    bucket.objects, bucket.stated = {"w/ema.safetensors": b"12345"}, {"w/ema.safetensors": 9}
    with pytest.raises(ValueError, match=r"ema.safetensors came as 5 bytes of 9; start again"):
        fetch("s3://team/w", NETWORK)
    assert list((tmp_path / "cache").rglob("ema.safetensors")) == []


def test_what_cannot_be_read_is_named(bucket, tmp_path):
    with pytest.raises(UnreadableS3, match=r"s3://other/w cannot be read .*NoSuchBucket"):
        fetch("s3://other/w", NETWORK)
    with pytest.raises(ValueError, match="s3://team/w holds nothing"):
        fetch("s3://team/w", NETWORK)
    bucket.objects = {"w/pytorch_model.bin": b"x"}
    with pytest.raises(ValueError, match=r"only pytorch_model.bin, which is pickled and never read"):
        fetch("s3://team/w", NETWORK)
    with pytest.raises(ValueError, match="there is no folder"):
        fetch(str(tmp_path / "nowhere"), NETWORK)
    assert [found.size for found in list_objects("s3://team/w")] == [1]
