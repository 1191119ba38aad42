"""What `unimed status` knows: each stage's state, versions, services."""

from collections.abc import Mapping
from typing import Any

from components.recipes.recipe import read_recipe
from components.storage.atomic import read_json
from components.storage.locks import holder, holder_text
from components.storage.workspace import Workspace
from flows.environment import enter
from flows.following import StageView, read_view
from flows.journal import stage_seconds
from flows.order import stage_list
from flows.plan import with_descendants


def read_state(workspace: Workspace) -> dict[str, Any]:
    """The object of `unimed status --json`."""
    from components.registry.summary import champion_summary
    from flows.services import live_services

    enter(workspace)
    recipe = read_recipe(workspace.params)
    manifest = read_manifest(workspace)
    running = holder(workspace.private / "retrain.lock") is not None
    order = stage_list(recipe)
    direct, following = changes(workspace, order)
    seconds = stage_seconds(workspace)
    stages = []
    for stage in order:
        view = read_view(workspace.progress, stage)
        live = holder(workspace.private / "locks" / f"{stage.replace('@', '-')}.lock") is not None
        state, message = stage_state(stage, direct, following, view, is_live=live)
        stages.append({"name": stage, "state": state, "seconds": seconds.get(stage), "message": message})
    versions = champion_summary(workspace)
    return {
        "workspace": str(workspace.root),
        "recipe": recipe.recipe,
        "dataset_id": manifest["dataset_id"] if manifest else None,
        "stages": stages,
        "services": [{"name": s.name, "url": s.url, "pid": s.pid} for s in live_services(workspace).values()],
        "run": holder_text(workspace.private / "retrain.lock") if running else None,
        "champion": versions["champion"],
        "challenger": versions["challenger"],
    }


def changes(workspace: Workspace, order: list[str]) -> tuple[Mapping[str, str], list[str]]:
    """(stage -> why it must run, stages that read from one of those); before the first run every stage is changed."""
    from components.storage.dvc import changed_stages, stage_graph
    from components.storage.marks import changed_in_place

    if not (workspace.root / ".dvc" / "config").is_file():
        return dict.fromkeys(order, "never ran"), []
    edited = {kept.stage: f"{kept.path.name} was edited in place" for kept in changed_in_place(workspace)}
    edited = {stage: reason for stage, reason in edited.items() if stage in order}
    reasons = edited | with_code(changed_stages(workspace)) | stages_with_new_code(workspace, order)
    affected = with_descendants(order, reasons, stage_graph(workspace)) if reasons else []
    return reasons, [stage for stage in affected if stage not in reasons]


def with_code(reasons: Mapping[str, str]) -> dict[str, str]:
    """The reasons, less what is said of the stage `code`: it runs every time and takes a second."""
    return {stage: reason for stage, reason in reasons.items() if stage != "code" or "missing" in reason}


def stages_with_new_code(workspace: Workspace, order: list[str]) -> dict[str, str]:
    """Stage -> why, for those whose component's code, source's adapter or packages are not what code.json says; DVC only
    reads that file."""
    from components.sources.table import adapter_code
    from components.storage.atomic import read_object
    from components.storage.code import MEMORY, code_hashes

    path = workspace.root / "code.json"
    if not path.is_file():
        return {}
    news = code_news(read_object(path), code_hashes(adapter_code(), workspace.private / MEMORY))
    if not news:
        return {}
    changed = {}
    for stage, keys in keys_of_code(workspace, order).items():
        if found := [news[key] for key in keys if key in news]:
            changed[stage] = "; ".join(found)
    return changed


def code_news(recorded: Mapping[str, Any], present: Mapping[str, Any]) -> dict[str, str]:
    """Key of code.json -> what is other than recorded, of components, adapters and packages."""
    from components.storage.made_with import differences, flat

    news = {
        name: "its code changed"
        for name, digest in present.items()
        if isinstance(digest, str) and recorded.get(name, digest) != digest
    }
    known = recorded.get("adapters", {})
    for name, digest in present["adapters"].items():
        if known.get(name, digest) != digest:
            news[f"adapters.{name}"] = "its adapter's code changed"
    before = flat(recorded)
    for key, packages in flat(present).items():
        if lines := differences(before.get(key, packages), packages):
            news[key] = ", ".join(lines)
    return news


def keys_of_code(workspace: Workspace, order: list[str]) -> dict[str, list[str]]:
    """Stage -> the keys of code.json that dvc.yaml lets it read."""
    from components.storage.yaml_files import load_yaml

    reads: dict[str, list[str]] = {}
    for name, stage in load_yaml(workspace.root / "dvc.yaml")["stages"].items():
        params = stage.get("do", stage).get("params", [])
        maps = [param["code.json"] for param in params if isinstance(param, dict) and "code.json" in param]
        reads[name] = [key for keys in maps for key in keys]
    formats = {name: source["format"] for name, source in load_yaml(workspace.params)["sources"].items()}
    found = {}
    for stage in order:
        name, _, item = stage.partition("@")
        found[stage] = [key.replace("${item.format}", formats.get(item, "")) for key in reads.get(name, ())]
    return found


def stage_state(
    stage: str, direct: Mapping[str, str], following: list[str], view: StageView | None, *, is_live: bool
) -> tuple[str, str]:
    """(fresh | stale | missing | running | failed, a sentence why)."""
    if is_live:
        return "running", view.message if view else ""
    if view is not None and view.state == "failed" and (stage in direct or stage in following):
        return "failed", f"{first_line(view.message)}; its log: unimed logs {stage}"
    if stage in direct:
        state = "missing" if "missing" in direct[stage] or direct[stage] == "never ran" else "stale"
        stopped = (
            " (was stopped or killed; the next run goes on)"
            if view and view.state in ("running", "interrupted")
            else ""
        )
        return state, direct[stage] + stopped
    if stage in following:
        return "stale", "reads what is made before it"
    return "fresh", ""


def first_line(text: str) -> str:
    """The first line of a message."""
    return text.splitlines()[0] if text else ""


def read_manifest(workspace: Workspace) -> dict[str, Any] | None:
    """The manifest of the assembled data set; None before there is one."""
    path = workspace.dataset / "manifest.json"
    value = read_json(path) if path.is_file() else None
    return value if isinstance(value, dict) else None
