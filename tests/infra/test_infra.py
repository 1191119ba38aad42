"""What is shipped to bring the servers up agrees with itself, and passes its linters, which find what is broken on purpose."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"


def names(path: Path) -> dict[str, str]:
    """NAME -> value of a file of assignments."""
    lines = path.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if re.match(r"\w+=", line))


def test_compose_asks_for_nothing_that_its_two_files_do_not_hold():
    asked = set(re.findall(r"\$\{(\w+)", (INFRA / "compose" / "compose.yaml").read_text()))
    held = names(INFRA / "images" / "images.env").keys() | names(INFRA / "compose" / "secrets.example").keys()
    assert asked and asked <= held


def test_no_secret_is_shipped():
    assert not any(names(INFRA / "compose" / "secrets.example").values())
    shipped = (INFRA / "kubernetes" / "base" / "secret.example.yaml").read_text()
    assert re.findall(r"://\w+:([^@\n]*)@", shipped) == [""] * 3
    assert set(re.findall(r"^  (?:AWS_\w+): (.*)$", shipped, re.M)) == {'""'}
    assert "secrets.env" in (ROOT / ".gitignore").read_text()


def test_each_image_has_a_place_for_its_digest_and_none_is_called_latest():
    images = names(INFRA / "images" / "images.env")
    tags = {name: image for name, image in images.items() if name.endswith("_IMAGE")}
    assert {name.removesuffix("_IMAGE") + "_DIGEST" for name in tags} == images.keys() - tags.keys()
    assert all(re.search(r":\w[\w.-]+$", image) and not image.endswith(":latest") for image in tags.values())


def test_the_pool_uses_each_variable_that_it_lets_people_set():
    template = json.loads((INFRA / "prefect" / "kubernetes-work-pool.json").read_text())
    used = set(re.findall(r"\{\{ (\w+) \}\}", json.dumps(template["job_configuration"])))
    assert used == template["variables"]["properties"].keys()


BROKEN = (
    ("kubernetes/base/worker.yaml", "mountPath: /dev/shm", "mountpath: /dev/shm", "Deployment worker: "),
    ("kubernetes/gpu/gpu-nodes.yaml", "runAsNonRoot: true", "runAsNonRoot: yes please", "RayCluster unimed: "),
    ("kubernetes/cpu/kustomization.yaml", "newTag: 0.1.0-cpu", "newTag: latest", "unimed:latest is none of images.env"),
    ("prefect/kubernetes-work-pool.json", '"mountPath": "/workspace"', '"mountPath": 1', "Job retrain-"),
    ("compose/compose.yaml", "healthcheck: {test:", "healthchek: {test:", "healthchek"),
    ("images/Dockerfile", "WORKDIR /workspace", "WORKDIR workspace", "DL3000"),
    ("local/down.sh", 'kill -KILL -- "-$pid"', "kill -KILL -- -$pid", "SC2086"),
)
"""File, what stands in it, what is put there instead, what a linter says then."""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_linters_pass_it_and_find_each_thing_that_is_broken(tmp_path: Path):
    shutil.copytree(INFRA, tmp_path / "infra")
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")

    def lint() -> tuple[int, str]:
        environment = os.environ | {"UV": str(ROOT / ".venv" / "bin" / "uv")}
        command = [tmp_path / "infra" / "check.sh"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280, check=False)
        return done.returncode, done.stdout + done.stderr

    assert lint()[0] == 0, lint()[1]
    for file, right, wrong, _ in BROKEN:
        path = tmp_path / "infra" / file
        text = path.read_text()
        assert right in text
        path.write_text(text.replace(right, wrong, 1))
    status, said = lint()
    assert status == 1
    assert [named for *_, named in BROKEN if named not in said] == [], said
