"""Weights by reference: verified wherever they come from, refused when they are other bytes."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from components.registry import weights_reference
from components.registry.weights_reference import (
    DamagedWeights,
    MissingWeights,
    WeightsReference,
    find_verified,
    key,
    lay_out,
    refer_to,
)
from components.storage.dvc_repository import open_repo

CONTENTS = {"config.json": b"{}", "model.safetensors": b"some weights", "part/more.safetensors": b"more"}


@pytest.fixture
def reference(tmp_path, monkeypatch) -> WeightsReference:
    """A checkpoint of three files, one in a folder, whose bytes lie in a cache and in a remote folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    for name in ("UNIMED_REMOTE", "UNIMED_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    entries = {}
    for name, data in CONTENTS.items():
        md5 = entries[name] = hashlib.md5(data).hexdigest()
        for place in (tmp_path / "cache", tmp_path / "remote" / "files" / "md5"):
            (place / key(md5)).parent.mkdir(parents=True, exist_ok=True)
            (place / key(md5)).write_bytes(data)
        (tmp_path / "unified" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "unified" / name).write_bytes(data)
    return refer_to(
        tmp_path / "unified", entries, directory_md5="d.dir", cache=tmp_path / "cache", remote="", endpoint=""
    )


def test_the_folder_holds_every_file_under_its_name(reference, tmp_path):
    folder = lay_out(reference, tmp_path / "out")
    assert {name: (folder / name).read_bytes() for name in CONTENTS} == CONTENTS


def test_the_identity_is_the_hash_of_sorted_sha256_lines_and_json_gives_it_back(reference):
    lines = sorted(f"{hashlib.sha256(data).hexdigest()}  {name}" for name, data in CONTENTS.items())
    assert reference.sha256 == hashlib.sha256("\n".join(lines).encode()).hexdigest()
    assert WeightsReference.from_json(json.loads(json.dumps(reference.to_json()))) == reference


def test_a_missing_cache_is_named_when_there_is_no_remote(reference, tmp_path):
    lost = replace(reference, cache=str(tmp_path / "elsewhere"))
    with pytest.raises(MissingWeights, match=r"config\.json of weights .* is not in the DVC cache .*elsewhere"):
        lay_out(lost, tmp_path / "out")


def test_the_remote_serves_when_the_cache_is_gone_and_is_asked_once(reference, tmp_path, monkeypatch):
    monkeypatch.setenv("UNIMED_REMOTE", str(tmp_path / "remote"))
    far = replace(reference, cache=str(tmp_path / "elsewhere"))
    assert (lay_out(far, tmp_path / "out") / "model.safetensors").read_bytes() == b"some weights"
    monkeypatch.setenv("UNIMED_REMOTE", str(tmp_path / "unplugged"))
    assert (lay_out(far, tmp_path / "again") / "model.safetensors").read_bytes() == b"some weights"


def test_bytes_come_from_where_the_settings_say_and_never_from_where_a_record_says(reference, tmp_path, monkeypatch):
    named = "s3://me:secret@anywhere/dvc"
    edited = replace(reference, cache=str(tmp_path / "elsewhere"), remote=named, endpoint="http://thief:1")
    asked = []
    monkeypatch.setattr(weights_reference, "download", lambda *request: asked.append(request))
    with pytest.raises(MissingWeights, match="was sent to s3://anywhere/dvc: set UNIMED_REMOTE to that"):
        lay_out(edited, tmp_path / "out")
    assert asked == []


def test_inside_a_workspace_the_remote_is_that_of_its_dvc(reference, workspace, tmp_path):
    far = replace(reference, cache=str(tmp_path / "elsewhere"))
    with open_repo(workspace) as repo, repo.config.edit("repo") as config:
        config["core"]["remote"] = "team"
        config["remote"]["team"] = {"url": str(tmp_path / "remote")}
    assert (lay_out(far, tmp_path / "out") / "model.safetensors").read_bytes() == b"some weights"


@pytest.mark.parametrize("md5", ["../../../../etc/cron.d/x", "", "A" * 32, "a" * 31, "a" * 32 + "\n"])
def test_an_md5_that_is_none_never_becomes_a_path(reference, md5):
    value = reference.to_json()
    value["files"][0]["md5"] = md5
    with pytest.raises(ValueError, match=r"gives config\.json the md5 .*, which is none"):
        WeightsReference.from_json(value)


@pytest.mark.parametrize(
    ("data", "said"), [(b"some weightz", "has sha256"), (b"some wei", "is 8 bytes, the version says 12")]
)
def test_damaged_bytes_are_refused_and_named(reference, data, said):
    file = reference.files[1]
    place = Path(reference.cache) / key(file.md5)
    place.write_bytes(data)
    with pytest.raises(DamagedWeights, match=f"model.safetensors.* {said}"):
        find_verified(reference, file)


def test_a_damaged_remote_leaves_nothing_behind(reference, tmp_path, monkeypatch):
    monkeypatch.setenv("UNIMED_REMOTE", str(tmp_path / "remote"))
    far = replace(reference, cache=str(tmp_path / "elsewhere"))
    (tmp_path / "remote" / "files" / "md5" / key(far.files[1].md5)).write_bytes(b"some weightz")
    with pytest.raises(DamagedWeights):
        find_verified(far, far.files[1])
    assert not [path for path in (tmp_path / "home").rglob("*") if path.is_file()]


@pytest.mark.parametrize("name", ["../escape", "/etc/passwd", "a/../../b"])
def test_a_name_that_leaves_the_folder_is_refused(reference, name):
    value = reference.to_json()
    value["files"][0]["name"] = name
    with pytest.raises(ValueError, match="not inside a checkpoint folder"):
        WeightsReference.from_json(value)


def test_an_edited_weights_json_is_refused(reference):
    value = reference.to_json()
    value["files"][0]["sha256"] = "0" * 64
    with pytest.raises(ValueError, match=r"weights\.json was edited"):
        WeightsReference.from_json(value)


def test_an_s3_remote_is_read_with_its_own_endpoint(reference, tmp_path, monkeypatch):
    moto = pytest.importorskip("moto.server", reason="moto is not installed here")
    import boto3

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server = moto.ThreadedMotoServer(port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        client = boto3.client("s3", endpoint_url=endpoint)
        client.create_bucket(Bucket="team")
        for file in reference.files:
            client.put_object(Bucket="team", Key=f"dvc/files/md5/{key(file.md5)}", Body=CONTENTS[file.name])
        monkeypatch.setenv("UNIMED_REMOTE", "s3://team/dvc")
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        far = replace(reference, cache="/nowhere")
        assert (lay_out(far, tmp_path / "out") / "part/more.safetensors").read_bytes() == b"more"
    finally:
        server.stop()
