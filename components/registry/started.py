"""The start that a version began with, and what it was trained on: its record names it by hash."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from components.assembly.benchmark.exam import Exam
from components.assembly.corpus import Corpus
from components.assembly.selection.started import KNOWN, Seen, start_patients
from components.recipes.recipe import Recipe
from components.recipes.training import TRAIN, start_name
from components.registry.catalogue import Version, record_folder
from components.registry.tracking import Tracking
from components.sources.former_keys import FormerKeys
from components.sources.starts import Start, open_start
from components.storage.atomic import read_object
from components.storage.workspace import Workspace
from components.storage.yaml_files import load_yaml


@dataclass(frozen=True, slots=True)
class Begun:
    """What a run began with, as its recipe names it."""

    source: str
    sha256: str = ""

    @property
    def shipped(self) -> str:
        """The name of a start of ours; empty where it began otherwise."""
        return start_name(self.source)


def begun_with(tracking: Tracking, version: Version) -> Begun:
    """What the version began with; a recipe that does not say trained its own start."""
    stored: Mapping[str, Any] = load_yaml(record_folder(tracking, version) / "params.yaml") or {}
    start = stored.get("start", {})
    return Begun(start.get("source", TRAIN), start.get("sha256", ""))


def known_start(workspace: Workspace, begun: Begun) -> Start | None:
    """The start of ours that it names; None where the very one is not here."""
    try:
        return open_start(workspace, begun.shipped, begun.sha256) if begun.shipped else None
    except ValueError:
        return None


def start_said(workspace: Workspace, begun: Begun, keys: Collection[str]) -> str:
    """A sentence on whether a version's start was trained on the patient of these keys; empty where it began with none."""
    if not begun.shipped:
        return ""
    start = known_start(workspace, begun)
    if start is None:
        return f"what its start {begun.shipped} was trained on is unknown: it is not in {workspace.starts}"
    patients = start_patients(start, FormerKeys.read(workspace.patients))
    count = sum(patients[key] for key in set(keys))
    return f"its start {start.name} was trained on {count or 'none'} of this patient's images"


def items_known(workspace: Workspace, recipe: Recipe, exam: Exam, sides: Mapping[str, Begun]) -> dict[str, str]:
    """Item id -> why neither side is judged on it: the start of one of them was trained on its record. What today's own
    start knows is in no exam."""
    own = (read_object(workspace.dataset / "manifest.json").get("start") or {}).get("sha256")
    foreign = {side: begun for side, begun in sides.items() if begun.shipped and begun.sha256 != own}
    starts = {side: start for side, begun in foreign.items() if (start := known_start(workspace, begun))}
    if not starts:
        return {}
    asked = {item.record_id: item.split for item in exam.items}
    corpus = Corpus(workspace.validated, list(recipe.sources))
    entries = [entry.on(asked[entry.id]) for entry in corpus.entries if entry.id in asked]
    former = FormerKeys.read(workspace.patients)
    found: dict[str, str] = {}
    for side, start in starts.items():
        known = Seen.read(start, former).known(entries)
        found |= {item.item_id: f"{KNOWN}: {start.name}, {side}'s" for item in exam.items if item.record_id in known}
    return found
