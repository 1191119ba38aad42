"""What a version was judged on, kept in the workspace: table, facts, verdict and the items that went worst."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from components.evaluation.decision_table import Table
from components.registry.database import Impossible
from components.registry.verdict import Facts, Verdict
from components.storage.atomic import read_object, write_json
from components.storage.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """The newest judgement about a version."""

    version: int
    champion: int | None
    table: Table
    facts: Facts
    verdict: Mapping[str, Any]
    """As `Verdict.to_json` gives it, with every rule's word."""
    worst: tuple[Mapping[str, Any], ...] = field(default=())
    """Items that lost most, both sides side by side, ready for the page."""
    gone: Mapping[str, int] = field(default_factory=dict)
    """Why items left the exam since its first version -> how many."""


def keep_judgement(
    workspace: Workspace,
    *,
    version: int,
    champion: int | None,
    table: Table,
    facts: Facts,
    verdict: Verdict,
    worst: Sequence[Mapping[str, Any]],
    gone: Mapping[str, int] | None = None,
) -> None:
    """Write the judgement where the page and a dry run of other rules read it."""
    value = {
        "version": version,
        "champion": champion,
        "table": table.to_json(),
        "facts": facts.to_json(),
        "verdict": {**verdict.to_json(), "ruled": [asdict(one) for one in verdict.ruled]},
        "worst": list(worst),
        "gone": dict(sorted((gone or {}).items())),
    }
    write_json(_file(workspace, version), value)


def read_judgement(workspace: Workspace, version: int) -> Judgement:
    """The newest judgement about the version; raises Impossible where this workspace keeps none."""
    path = _file(workspace, version)
    if not path.is_file():
        raise Impossible(f"no judgement of version {version} is kept here; `unimed retrain` judges and keeps it")
    value = read_object(path)
    return Judgement(
        version=value["version"],
        champion=value["champion"],
        table=Table.from_json(value["table"]),
        facts=Facts.from_json(value["facts"]),
        verdict=value["verdict"],
        worst=tuple(value["worst"]),
        gone=value.get("gone", {}),
    )


def forget_shown(workspace: Workspace, items: Collection[str]) -> list[int]:
    """Take these items out of what judgements show; returns the versions that showed one."""
    changed = []
    for version in kept_judgements(workspace):
        value = read_object(_file(workspace, version))
        left = [one for one in value["worst"] if one["item"] not in items]
        if len(left) < len(value["worst"]):
            write_json(_file(workspace, version), {**value, "worst": left})
            changed.append(version)
    return changed


def kept_judgements(workspace: Workspace) -> list[int]:
    """The versions whose judgement is kept here, in order."""
    return sorted(int(path.stem) for path in _folder(workspace).glob("*.json") if path.stem.isdigit())


def _file(workspace: Workspace, version: int) -> Path:
    return _folder(workspace) / f"{version}.json"


def _folder(workspace: Workspace) -> Path:
    return workspace.private / "decisions"
