"""Whether a workspace's dvc.yaml is the stage graph of this release, and how it becomes it.

DVC runs what dvc.yaml says. One that was edited, or made by an older release, may leave out an input of a stage: a
change of that input would go unseen, and "nothing to do" would be said of what is not so.
"""

from collections.abc import Iterable
from typing import Any

from components.recipes.shipped import GRAPH, shipped_graph
from components.storage.atomic import write_text
from components.storage.workspace import Workspace
from components.storage.yaml_files import dump_yaml, load_yaml, parse_yaml

KEPT = "dvc.yaml.before-repair"
"""Where `repair_graph` leaves the graph that it replaces."""
_PROSE = "desc"


def check_graph(workspace: Workspace) -> None:
    """Raise ValueError, naming each difference, when the workspace's stages are not those of this release."""
    if found := graph_differences(workspace):
        lines = "\n".join(f"  {line}" for line in found)
        raise ValueError(
            f"{workspace.root / GRAPH} is not the stage graph of this release:\n{lines}\n"
            f"`unimed doctor --repair` puts this release's there; stages of your own stay, the old file is kept as {KEPT}"
        )


def graph_differences(workspace: Workspace) -> list[str]:
    """A line for each thing that a stage of this release lacks, or has too much, in the workspace. Further stages may stand there."""
    found = _stages(load_yaml(workspace.root / GRAPH))
    lines = []
    for name, shipped in _stages(_shipped()).items():
        if name not in found:
            lines.append(f"stage {name} is missing")
            continue
        for key in sorted({*shipped, *found[name]} - {_PROSE}):
            lacking, added = _difference(shipped.get(key), found[name].get(key))
            lines += [f"stage {name}: {key} lacks {item}" for item in lacking]
            lines += [f"stage {name}: {key} has {item}, which this release does not" for item in added]
    return lines


def repair_graph(workspace: Workspace) -> bool:
    """Put this release's stages into the workspace's dvc.yaml, beside stages that it does not know. False: nothing to do."""
    if not graph_differences(workspace):
        return False
    path = workspace.root / GRAPH
    before = path.read_text()
    found, shipped = load_yaml(path), _shipped()
    strangers = {name: stage for name, stage in found.get("stages", {}).items() if name not in shipped["stages"]}
    further = {key: value for key, value in found.items() if key not in shipped}
    write_text(workspace.root / KEPT, before)
    if strangers or further:
        text = dump_yaml({**shipped, **further, "stages": {**shipped["stages"], **strangers}})
    else:
        text = shipped_graph()
    write_text(path, text)
    return True


def _shipped() -> Any:
    return parse_yaml(shipped_graph(), GRAPH)


def _stages(graph: Any) -> dict[str, dict[str, Any]]:
    """Stage -> what it is, with `foreach` beside what is done for each."""
    stages = graph.get("stages", {}) if isinstance(graph, dict) else {}
    return {
        name: {**{key: value for key, value in stage.items() if key != "do"}, **stage.get("do", {})}
        for name, stage in stages.items()
    }


def _difference(shipped: Any, found: Any) -> tuple[list[str], list[str]]:
    """(what is missing, what is too much), as texts; order does not count."""
    wanted, there = set(_items(shipped)), set(_items(found))
    return sorted(wanted - there), sorted(there - wanted)


def _items(value: Any, prefix: str = "") -> Iterable[str]:
    """The leaves of lists and maps as texts: `code.json: training`."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _items(inner, f"{prefix}{key}: ")
    elif isinstance(value, list):
        for inner in value:
            yield from _items(inner, prefix)
    elif value is not None:
        yield f"{prefix}{value}"
