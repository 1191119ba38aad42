"""Where a version comes from: every stage back to the raw delivery, with hashes, and every decision after it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.registry.catalogue import record_folder, resolve
from components.registry.decisions import read_log
from components.registry.runs import flatten
from components.registry.tracking import connect
from components.storage.atomic import read_object
from components.storage.workspace import Workspace
from components.storage.yaml_files import load_yaml

if TYPE_CHECKING:
    from rich.tree import Tree

FINAL = "evaluate"
TOLD_BELOW = tuple(f"unimed.{name}" for name in ("decision", "decision_why", "decided_by", "decided_at", "log_head"))
"""Tags that the tree's decisions say at more length."""


def lineage(workspace: Workspace, name: str) -> dict[str, Any]:
    """The lineage of a version (number or alias) as JSON: identity, stages, raw deliveries, data set, decisions."""
    tracking = connect(workspace)
    version = resolve(workspace, name, tracking)
    stored = lineage_of_record(record_folder(tracking, version), version.tags)
    decisions = [entry.to_json() for entry in read_log(workspace) if version.number in (entry.version, entry.withdraws)]
    return {"version": version.number, "aliases": list(version.aliases), **stored, "decisions": decisions}


def lineage_of_record(record: Path, tags: Mapping[str, str]) -> dict[str, Any]:
    """Identity, stages and raw deliveries from a version's record (dvc.lock, manifest.json, weights.json)."""
    lock = dict((load_yaml(record / "dvc.lock") or {}).get("stages", {}))
    manifest = read_object(record / "manifest.json")
    made_by = {out["path"]: stage for stage, entry in lock.items() for out in entry.get("outs", [])}
    stages = {name: _stage(entry, made_by) for name, entry in lock.items()}
    used = _ancestors(stages, FINAL)
    inputs = (item for name in used for item in stages[name]["inputs"])
    raw = {item["path"]: item for item in inputs if item["made_by"] == ["raw delivery"]}  # several stages may read one
    return {
        "identity": dict(sorted(tags.items())),
        "weights": read_object(record / "weights.json")["files"],
        "stages": {name: stages[name] for name in used},
        "raw": [raw[path] for path in sorted(raw)],
        "sources": manifest.get("sources", {}),
        "start": manifest.get("start"),
    }


def render_lineage(value: Mapping[str, Any]) -> "Tree":
    """The lineage as a tree to print: decisions on top, then back through the stages to the raw deliveries."""
    from rich.markup import escape
    from rich.tree import Tree

    identity = value["identity"]
    aliases = f" ({', '.join(value['aliases'])})" if value.get("aliases") else ""
    tree = Tree(f"[bold]unimed version {value.get('version', '?')}[/bold]{aliases}")
    about = tree.add("identity")
    for name, text in identity.items():
        if name in TOLD_BELOW:
            continue
        about.add(f"{name.removeprefix('unimed.')}: {escape(text)}")
    decided = tree.add("decisions" if value.get("decisions") else "no decision yet")
    for entry in value.get("decisions", []):
        said = escape(f"{entry['who']}: {entry['why']}")
        line = f"{entry['sequence']}. {entry['at'][:19]} [bold]{entry['action']}[/bold] by {said}"
        decided.add(f"{line} [dim]{entry['hash'][:12]}[/dim]")
    weights = tree.add("weights")
    for file in value["weights"]:
        weights.add(f"{escape(file['name'])} {file['size']} bytes [dim]sha256 {file['sha256'][:12]}[/dim]")
    made = tree.add("made by, newest first")
    for name, stage in value["stages"].items():
        branch = made.add(f"[bold]{name}[/bold]")
        for item in stage["outputs"]:
            branch.add(f"-> {escape(item['path'])} [dim]{item['md5'][:12]}[/dim]")
        for item in stage["inputs"]:
            branch.add(f"<- {escape(item['path'])} [dim]{item['md5'][:12]}[/dim] from {', '.join(item['made_by'])}")
        if stage["params"]:
            branch.add(f"{len(list(flatten(stage['params'])))} parameters")
    if start := value.get("start"):
        begun = tree.add(f"began with the weights of [bold]{escape(start['name'])}[/bold]")
        begun.add(f"start.json [dim]sha256 {start['sha256'][:12]}[/dim], recipe {escape(start['recipe'])}")
        begun.add(f"trained on data set {start['dataset_id'][:16]}")
    raw = tree.add("raw deliveries")
    for item in value["raw"]:
        counts = value["sources"].get(Path(item["path"]).name, {})
        kept = f": {counts['kept']} of {counts['raw']} records kept" if {"kept", "raw"} <= set(counts) else ""
        raw.add(f"{escape(item['path'])} [dim]{item['md5'][:12]}[/dim]{kept}")
    return tree


def _stage(entry: Mapping[str, Any], made_by: Mapping[str, str]) -> dict[str, Any]:
    inputs = [
        {**_item(dep), "made_by": list(_makers(dep["path"], made_by)) or ["raw delivery"]}
        for dep in entry.get("deps", [])
    ]
    return {
        "cmd": entry.get("cmd", ""),
        "inputs": inputs,
        "outputs": [_item(out) for out in entry.get("outs", [])],
        "params": entry.get("params", {}),
    }


def _item(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"path": entry["path"], "md5": str(entry.get("md5", "")), "size": int(entry.get("size", 0))}


def _makers(path: str, made_by: Mapping[str, str]) -> Iterator[str]:
    """The stages whose outputs are this path, hold it, or lie in it."""
    for output, stage in made_by.items():
        if output == path or path.startswith(f"{output}/") or output.startswith(f"{path}/"):
            yield stage


def _ancestors(stages: Mapping[str, Any], last: str) -> list[str]:
    """The stages that `last` rests on, itself first, each before what it reads; code is under every one."""
    found: list[str] = []
    waiting = [last]
    while waiting:
        name = waiting.pop(0)
        if name in stages:
            if name in found:
                found.remove(name)
            found.append(name)
            waiting += [maker for item in stages[name]["inputs"] for maker in item["made_by"]]
    return found
