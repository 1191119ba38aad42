"""Model versions: registering what a workspace made, and listing what is registered."""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from components.recipes.recipe import Recipe, read_recipe
from components.recipes.registry import model_name
from components.registry import evidence as facts
from components.registry.catalogue import CHALLENGER, CHAMPION, Version, all_versions, resolve
from components.registry.database import has_log, has_own_mlflow, has_store, tracking_uri
from components.registry.decisions import decision_about, read_log
from components.registry.evidence import Evidence, read_evidence
from components.registry.identity import registry_of, tag_model
from components.registry.lease import hold_lease
from components.registry.model_files import code_folders, log_model
from components.registry.own_store import metrics_in, read_own, versions_in
from components.registry.runs import STAGE, end_finished_runs, keyed_run
from components.registry.sending import send_waiting, try_to
from components.registry.states import standing_of
from components.registry.summary import already_judged, champion_summary, remember_aliases
from components.registry.tracking import PARENT, Tracking, connect
from components.registry.weights_reference import WeightsReference, refer_to
from components.storage import dvc_cache, dvc_remote
from components.storage.addresses import shown
from components.storage.atomic import read_object
from components.storage.file_hashes import file_sha256
from components.storage.home import check_home
from components.storage.workspace import Workspace

__all__ = ["Version", "already_judged", "champion_summary", "models", "register", "resolve"]

REGISTER = "register"
"""Name of the run that a version comes from."""
_MOST_RUNS = 50_000
"""What MLflow gives at once."""
RECORD_FILES = ("dvc.lock", "dvc.yaml", "params.yaml", "code.json")
"""Copied from the workspace's root into the version's record, where they exist."""
EVALUATION_FILES = ("evaluation.json", "metrics.json", "report.html")


def register(workspace: Workspace) -> Version:
    """The version of what the workspace holds now; made if it is not registered yet.

    Idempotent by (weights, dataset id, evaluation): a second call, also after a kill, returns the same version.
    """
    recipe = read_recipe(workspace.params)
    evidence = read_evidence(workspace, recipe)
    reference = weights_of(workspace, evidence)
    identity = identity_tags(workspace, reference)
    _check_evaluation(workspace, identity)
    tracking = connect(workspace)
    try_to(lambda: send_waiting(workspace))
    with hold_lease(workspace, "register", wait_seconds=120):
        known = all_versions(tracking)
        found = next((v for v in known if identity.items() <= v.tags.items()), None)
        if found is None:
            champion = next((v for v in known if CHAMPION in v.aliases), None)
            found = _make(workspace, recipe, tracking, reference, identity, champion)
        else:
            end_finished_runs(workspace, tracking, facts.digest(dict(identity)))
    return found


def models(workspace: Workspace) -> list[dict[str, Any]]:
    """Every version as `unimed models --json` prints it, newest first; empty where nothing is registered."""
    if not has_store(workspace):
        return []
    log = read_log(workspace) if has_log(workspace) else []
    versions, metrics = _with_metrics(workspace)
    bearers = {
        alias: {"version": version.number, "weights_sha256": version.weights_sha256}
        for version in versions
        for alias in version.aliases
    }
    remember_aliases(workspace, bearers.get(CHAMPION), bearers.get(CHALLENGER))
    rows = []
    for version in versions:
        decision = decision_about(log, version.number)
        standing = standing_of(log, version.number, version.weights_sha256)
        rows.append(
            {
                "version": version.number,
                "aliases": list(version.aliases),
                "weights_sha256": version.weights_sha256,
                "dataset_id": version.dataset_id,
                "git_commit": version.tags.get("unimed.git_commit", "none"),
                "recipe": version.tags.get("unimed.recipe", ""),
                "metrics": metrics.get(version.run_id, {}),
                "state": standing.state,
                "state_code": standing.code,
                "decision": decision.to_json() if decision else None,
                "created_at_ms": version.created_at_ms,
            }
        )
    return rows


def _with_metrics(workspace: Workspace) -> tuple[list[Version], dict[str, dict[str, float]]]:
    """Every version, and run id -> metrics; a file of the workspace's own is read without MLflow."""
    model = model_name(workspace.params)
    if has_own_mlflow(workspace):
        check_home(workspace)
    own = read_own(tracking_uri(workspace), lambda file: (versions_in(file, model), metrics_in(file, model)))
    if own is not None:
        return own
    tracking = connect(workspace)
    versions = all_versions(tracking)
    return versions, run_metrics(tracking, versions)


def weights_of(workspace: Workspace, evidence: Evidence) -> WeightsReference:
    """The reference to the checkpoint that the evidence names."""
    entries = dvc_cache.directory_entries(workspace, evidence.checkpoint_md5)
    cache = dvc_cache.cache_path(workspace, evidence.checkpoint_md5).parent.parent
    remote, endpoint = dvc_remote.remote_address(workspace)
    return refer_to(
        evidence.checkpoint,
        entries,
        directory_md5=evidence.checkpoint_md5,
        cache=cache,
        remote=shown(remote),
        endpoint=shown(endpoint),
    )


def identity_tags(workspace: Workspace, reference: WeightsReference) -> dict[str, str]:
    """The three tags that make a version the same version."""
    manifest = read_object(workspace.dataset / "manifest.json")
    return {
        "unimed.weights_sha256": reference.sha256,
        "unimed.dataset_id": str(manifest["dataset_id"]),
        "unimed.evaluation_sha256": file_sha256(workspace.evaluation / "evaluation.json"),
    }


def run_metrics(tracking: Tracking, versions: Sequence[Version]) -> dict[str, dict[str, float]]:
    """Run id -> the metrics that the version's run holds, asked at once; a run that somebody deleted is not there."""
    if not versions:
        return {}
    kind = f"tags.`{STAGE}` = '{REGISTER}'"
    found = tracking.client.search_runs([tracking.experiment_id], kind, max_results=_MOST_RUNS)
    return {run.info.run_id: dict(sorted(run.data.metrics.items())) for run in found}


def _check_evaluation(workspace: Workspace, identity: Mapping[str, str]) -> None:
    """Refuse an evaluation of other weights or another data set than the workspace holds."""
    evaluation = read_object(workspace.evaluation / "evaluation.json")
    for name, tag in (("weights_sha256", "unimed.weights_sha256"), ("dataset_id", "unimed.dataset_id")):
        if evaluation.get(name) != identity[tag]:
            raise ValueError(
                f"evaluation/evaluation.json is about {name} {str(evaluation.get(name))[:12]}, the workspace holds "
                f"{identity[tag][:12]}; run `unimed retrain` so that the evaluation fits"
            )


def _make(
    workspace: Workspace,
    recipe: Recipe,
    tracking: Tracking,
    reference: WeightsReference,
    identity: Mapping[str, str],
    champion: Version | None,
) -> Version:
    client = tracking.client
    tags = {
        **identity,
        **_origin_tags(workspace, recipe),
        "unimed.parent_version": str(champion.number) if champion else "none",
    }
    run_key = facts.digest(dict(identity))
    with (
        keyed_run(workspace, REGISTER, run_key) as run,
        tempfile.TemporaryDirectory(prefix="unimed-record-") as temporary,
    ):
        metrics = read_object(workspace.evaluation / "metrics.json")
        record = write_record(workspace, reference, tags, Path(temporary) / "record")
        run.dataset(identity["unimed.dataset_id"], "training")
        run.params({"recipe": recipe.recipe, "seed": recipe.seed})
        run.tags(tags)
        run.log(0, {name: value for name, value in metrics.items() if isinstance(value, int | float)})
        run.artifact(workspace.evaluation / "report.html")
        source = log_model(run, record=record, code=code_folders(Path(temporary)), tags=tags)
        tag_model(tracking, registry_of(workspace))
        # One call writes version and tags: there is never a version without its identity.
        model_id = source.rpartition("/")[2]
        made = client.create_model_version(tracking.model, source, run.run_id, tags=tags, model_id=model_id)
    return resolve(workspace, str(made.version), tracking)


def write_record(workspace: Workspace, reference: WeightsReference, tags: Mapping[str, str], folder: Path) -> Path:
    """Lay out what a version remembers of its making, and return the folder."""
    from components.registry.card import model_card
    from components.registry.lineage import lineage_of_record

    folder.mkdir(parents=True)
    for name in RECORD_FILES:
        if (workspace.root / name).is_file():
            shutil.copyfile(workspace.root / name, folder / name)
    for name in EVALUATION_FILES:
        shutil.copyfile(workspace.evaluation / name, folder / name)
    shutil.copyfile(workspace.dataset / "manifest.json", folder / "manifest.json")
    (folder / "weights.json").write_text(json.dumps(reference.to_json(), indent=2, sort_keys=True) + "\n")
    lineage = lineage_of_record(folder, tags)
    (folder / "lineage.json").write_text(json.dumps(lineage, indent=2, sort_keys=True) + "\n")
    (folder / "card.md").write_text(model_card(folder, tags))
    return folder


def _origin_tags(workspace: Workspace, recipe: Recipe) -> dict[str, str]:
    code, machine = facts.code_origin(), facts.processor()
    return {
        "unimed.recipe": recipe.recipe,
        "unimed.recipe_sha256": file_sha256(workspace.params),
        "unimed.git_commit": code["commit"],
        "unimed.git_dirty": code["dirty"],
        "unimed.package": facts.installed("unimed"),
        "unimed.lock_sha256": facts.lock_sha256(workspace),
        "unimed.processor": machine["processor"],
        "unimed.torch": machine["torch"],
        "unimed.threads": str(recipe.compute.threads),
        "unimed.retrain_run": os.environ.get(PARENT) or "none",
    }
