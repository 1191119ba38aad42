"""Renders an overlay as kustomize would and holds what comes out to Kubernetes' own schemas: `check.py cpu`; with
`beside` what lies beside the overlays, and the job of Prefect's work pool with its defaults.

Of kustomize it knows what these overlays use: resources, images, the operation `add`. The pods inside KubeRay's kinds
are checked as pods; KubeRay's own fields are not, for their schema is in no package.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

HERE = Path(__file__).parent
VERSION = "1.37"
BESIDE = (HERE / "base" / "secret.example.yaml", HERE / "retrain-job.yaml", HERE / "prefect-worker.yaml")
PLACE = re.compile(r"\{\{ (\w+) \}\}")
POOL = HERE.parent / "prefect" / "kubernetes-work-pool.json"


def main(which: str) -> int:
    """Says each thing that is wrong; returns how many there are."""
    lines = (HERE.parent / "images" / "images.env").read_text().splitlines()
    images = {line.split("=", 1)[1] for line in lines if line[:1].isalpha()}
    made = (
        [*(found for path in BESIDE for found in documents(path)), job()] if which == "beside" else render(HERE / which)
    )
    wrong = []
    for found in made:
        name = f"{found['kind']} {found['metadata'].get('name', found['metadata'].get('generateName'))}"
        pods = templates(found)
        ours = pods if found["apiVersion"].startswith("ray.io/") else [found]
        wrong += [f"{name}: {error}" for document in ours for error in errors(document)]
        used = [container["image"] for pod in pods for container in pod["spec"]["containers"]]
        wrong += [f"{name}: {image} is none of images.env" for image in used if image not in images]
    print("\n".join(wrong) or f"{which}: {len(made)} documents, as they should be")
    return len(wrong)


def job() -> dict[str, Any]:
    """The job that Prefect's worker makes of the pool's template where a deployment says nothing of its own."""
    asked = json.loads(POOL.read_text())
    values = {name: value.get("default") for name, value in asked["variables"]["properties"].items()}
    values |= {
        "name": "retrain",
        "labels": {},
        "annotations": {},
        "env": [],
        "command": ["prefect", "flow-run", "execute"],
    }

    def filled(found: Any) -> Any:
        if isinstance(found, dict):
            return {key: filled(value) for key, value in found.items()}
        if isinstance(found, list):
            return [filled(value) for value in found]
        whole = PLACE.fullmatch(found) if isinstance(found, str) else None
        if whole:
            return values[whole[1]]
        return PLACE.sub(lambda place: str(values[place[1]]), found) if isinstance(found, str) else found

    return filled(asked["job_configuration"]["job_manifest"])


def render(folder: Path) -> list[dict[str, Any]]:
    """The documents of a kustomization, its images and patches applied. Raises KeyError for a patch that meets nothing."""
    asked = yaml.safe_load((folder / "kustomization.yaml").read_text())
    made: list[dict[str, Any]] = []
    for resource in asked["resources"]:
        path = folder / resource
        made += render(path) if path.is_dir() else documents(path)
    for patch in asked.get("patches", []):
        target = next(
            found
            for found in made
            if found["kind"] == patch["target"]["kind"] and found["metadata"]["name"] == patch["target"]["name"]
        )
        for operation in yaml.safe_load((folder / patch["path"]).read_text()):
            assert operation["op"] == "add", "only `add` is known here"
            *parents, last = operation["path"].strip("/").split("/")
            place: Any = target
            for key in parents:
                place = place[int(key)] if isinstance(place, list) else place[key]
            place.append(operation["value"]) if last == "-" else place.__setitem__(last, operation["value"])
    renamed = {image["name"]: f"{image['newName']}:{image['newTag']}" for image in asked.get("images", [])}
    for found in made:
        for pod in templates(found):
            for container in pod["spec"]["containers"]:
                container["image"] = renamed.get(container["image"], container["image"])
    return made


def documents(path: Path) -> list[dict[str, Any]]:
    """All documents of a file."""
    return list(yaml.safe_load_all(path.read_text()))


def templates(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The pods that a document makes, each as a Pod; their `spec` is the document's own, so that a change reaches it."""
    spec = found.get("spec", {})
    groups = [spec[key] for key in ("headGroupSpec",) if key in spec] + spec.get("workerGroupSpecs", [])
    holders = groups or ([spec] if "template" in spec else [])
    return [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, "spec": holder["template"]["spec"]}
        for holder in holders
    ]


def errors(document: dict[str, Any]) -> list[str]:
    """What Kubernetes' schema says against it."""
    try:
        kubernetes_validate.validate(document, VERSION, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"{'.'.join(str(part) for part in error.path)}: {error.message}"]
    return []


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
