"""A delivery on S3 (moto's server: the protocol without a cloud) becomes a source; what cannot become files is refused."""

import json
import subprocess
import sys

import pytest
import skimage.data
from PIL import Image

from components.storage.workspace import Workspace
from components.storage.yaml_files import load_yaml
from flows.cli.main import main
from flows.sources import delivered_objects
from tests.fixtures.micro import make_workspace


@pytest.fixture(scope="module")
def server():
    from moto.server import ThreadedMotoServer

    running = ThreadedMotoServer(port=0)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def bucket(server, monkeypatch, tmp_path):
    """put("name", bytes) into s3://clinic/may/."""
    import boto3

    for name, value in (("ACCESS_KEY_ID", "test"), ("SECRET_ACCESS_KEY", "test"), ("DEFAULT_REGION", "us-east-1")):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    client = boto3.client("s3")
    client.create_bucket(Bucket="clinic")
    yield lambda name, data: client.put_object(Bucket="clinic", Key=f"may/{name}", Body=data)
    for entry in client.list_objects_v2(Bucket="clinic").get("Contents", ()):
        client.delete_object(Bucket="clinic", Key=entry["Key"])


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Workspace:
    made = make_workspace(tmp_path / "w")
    monkeypatch.chdir(made.root)
    monkeypatch.delenv("UNIMED_WORKSPACE", raising=False)
    return made


def unimed(monkeypatch, capsys, *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["unimed", "data", "add", *arguments])
    code = main()
    said = capsys.readouterr()
    return code, said.out, said.err


def eye(tmp_path, number: int) -> bytes:
    path = tmp_path / "eye.png"
    Image.fromarray(skimage.data.retina()).crop((300 * number, 400, 300 * number + 160, 560)).save(path)
    return path.read_bytes()


def test_a_delivery_on_s3_is_fetched_checked_and_kept_in_dvc(bucket, workspace, tmp_path, monkeypatch, capsys):
    delivered = {"one.png": eye(tmp_path, 1), "deeper/two.png": eye(tmp_path, 2)}
    for name, data in delivered.items():
        bucket(name, data)
    bucket("deeper/", b"")
    arguments = ("eyes", "--path", "s3://clinic/may", "--format", "images")
    before = workspace.params.read_text()
    code, out, _ = unimed(monkeypatch, capsys, *arguments, "--dry-run", "--json")
    assert code == 0 and {row["file"] for row in json.loads(out)["files"]} == set(delivered)
    assert workspace.params.read_text() == before and not (workspace.raw / "eyes").exists()

    code, out, _ = unimed(monkeypatch, capsys, *arguments, "--keep", "--json")
    assert code == 0 and json.loads(out)["raw"] == 2
    for name, data in delivered.items():
        assert (workspace.raw / "eyes" / name).read_bytes() == data
    assert load_yaml(workspace.params)["sources"]["eyes"] == {"path": "data/raw/eyes", "format": "images"}
    kept = load_yaml(workspace.raw / "eyes.dvc")["outs"][0]
    assert kept["nfiles"] == 2 and kept["path"] == "eyes"
    again = subprocess.run(
        [sys.executable, "-m", "dvc", "status", "data/raw/eyes.dvc"], cwd=workspace.root, capture_output=True, text=True
    )
    assert "up to date" in again.stdout, again.stdout + again.stderr


def test_a_broken_fetch_goes_on_and_forgets_what_is_gone(bucket, workspace, tmp_path, monkeypatch, capsys):
    bucket("one.png", eye(tmp_path, 1))
    incoming = workspace.private / "incoming" / "eyes"
    incoming.mkdir(parents=True)
    (incoming / "one.png").write_bytes(eye(tmp_path, 1))
    (incoming / "old.png").write_bytes(b"of an earlier delivery")
    monkeypatch.setattr("components.storage.s3.download", lambda *_: pytest.fail("fetched again"))
    code, _, err = unimed(monkeypatch, capsys, "eyes", "--path", "s3://clinic/may", "--format", "images")
    assert code == 0, err
    assert [path.name for path in (workspace.raw / "eyes").iterdir()] == ["one.png"] and not incoming.exists()


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("../outside.png",), "cannot be a file of this folder"),
        (("a//b.png",), "cannot be a file of this folder"),
        (("a", "a/b.png"), "as a file and as a folder"),
        ((), "holds nothing"),
    ],
)
def test_what_cannot_become_files_is_refused_by_name(bucket, workspace, names, said):
    for name in names:
        bucket(name, b"x")
    with pytest.raises(ValueError, match=said):
        delivered_objects("s3://clinic/may")


def test_a_folder_without_a_usable_record_is_added_with_its_verdict_and_what_to_mend(
    workspace, tmp_path, monkeypatch, capsys
):
    clinic = tmp_path / "export"
    clinic.mkdir()
    (clinic / "eye.png").write_bytes(eye(tmp_path, 1))
    code, out, _ = unimed(monkeypatch, capsys, "eyes", "--path", str(clinic), "--format", "images")
    assert code == 0 and "verdict: stop. 1 of 1 records quarantined" in out
    assert "Next: mend data/raw/eyes" in out and "duplicate" not in out, "what assembly decides is not claimed"
    for made in (workspace.decisions / "eyes.jsonl", workspace.accepted / "eyes.json"):
        assert made.is_file(), "the stage depends on it; `dvc repro` alone must find it"
