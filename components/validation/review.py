"""The page on which a curator looks at what validation refused and at what it kept, and the decisions that follow."""

import io
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from components.images.stored import data_uri, decode_stored
from components.recipes.nearest import nearest
from components.recipes.recipe import Recipe
from components.records.record import Record
from components.sources.table import read_source
from components.storage.atomic import write_text
from components.storage.keys import keyed_hash
from components.storage.workspace import Workspace
from components.validation.decisions import CuratorDecision, add_decision, read_decisions
from components.validation.search_box import search_box
from components.validation.suites import DUPLICATE_ID
from components.validation.validated import QUARANTINE, left_out, record_files, record_ids, refused

THUMBNAIL_SIDE = 160
SHOWN_PER_REASON = 60
TEMPLATE = Path(__file__).parent / "review.html"
UNREADABLE = "readable"
"""The expectation without which there is no image to keep."""


_KEPT = ("kept", "", "")
"""Bin, reason and detail of what validation kept and assembly has not seen."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A record on the page."""

    id: str
    file: str
    locator: str
    detail: str
    thumbnail: str
    """A data URI; empty where no image could be read."""
    choice: str
    """The decision that can be made about it: `accept`, `reject` or, where none changes anything, empty."""
    decision: str
    """What was decided about it before: `accept by who: why`, or empty."""


@dataclass(slots=True)
class ReviewGroup:
    """Records of one bin and reason: how many there are, and those that are shown."""

    bin: str
    reason: str
    count: int = 0
    shown: list[Shown] = field(default_factory=list)


def write_review(workspace: Workspace, recipe: Recipe, source: str) -> Path:
    """The page of a validated source, .unimed/review/<source>.html. Reads the raw files again for refused images.

    Raises ValueError for an unknown source and for one that was not validated yet.
    """
    from jinja2 import Environment, StrictUndefined

    _validated(workspace, recipe, source)
    decisions = read_decisions(workspace.decisions / f"{source}.jsonl")
    folder = workspace.validated / source
    groups = [
        *_refused(workspace, recipe, source, decisions), *_left_out(folder), *_passed(workspace, source, decisions),
    ]  # fmt: skip
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page = environment.from_string(TEMPLATE.read_text()).render(
        source=source, groups=groups, decisions=decisions, find=search_box()
    )
    path = workspace.private / "review" / f"{source}.html"
    write_text(path, page)
    return path


def decide(workspace: Workspace, recipe: Recipe, decision: CuratorDecision) -> None:
    """Append a curator's decision to data/decisions/<source>.jsonl; the next run validates that source again.

    Raises ValueError for an id that validation never saw, a record that no decision can keep, and a missing why.
    """
    if not decision.reason.strip():
        raise ValueError("a decision needs its reason: --why '…'")
    source = decision.id.partition("/")[0]
    folder = _validated(workspace, recipe, source)
    known: dict[str, dict[str, str] | None] = dict.fromkeys(record_ids(folder))
    known |= {row["id"]: row for row in refused(folder)}
    known |= {row["id"]: {**row, "expectation": UNREADABLE} for row in left_out(folder)}
    if decision.id not in known:
        raise ValueError(f"no record {decision.id!r}{nearest(decision.id, known)}")
    row = known[decision.id]
    if decision.decision == "accept" and row is not None and not _acceptable(row):
        raise ValueError(f"{decision.id} cannot be kept: {row['reason']}: {row['detail']}; mend the file instead")
    add_decision(workspace.decisions / f"{source}.jsonl", decision)


def _acceptable(row: dict[str, str]) -> bool:
    """Whether a decision can keep the refused record."""
    return row["expectation"] != UNREADABLE and row["reason"] != DUPLICATE_ID


def _validated(workspace: Workspace, recipe: Recipe, source: str) -> Path:
    if source not in recipe.sources:
        raise ValueError(f"unknown source {source!r}{nearest(source, recipe.sources)}")
    folder = workspace.validated / source
    if not (folder / QUARANTINE).is_file():
        raise ValueError(f"source {source} was not validated yet; `unimed retrain` does it")
    return folder


def _refused(
    workspace: Workspace, recipe: Recipe, source: str, decisions: dict[str, CuratorDecision]
) -> list[ReviewGroup]:
    """Quarantined records by reason, the rarest reason last; images come from the raw files."""
    rows = refused(workspace.validated / source)
    groups: dict[str, ReviewGroup] = {}
    for row in rows:
        groups.setdefault(row["reason"], ReviewGroup("quarantined", row["reason"])).count += 1
    shown: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        if len(shown[row["reason"]]) < SHOWN_PER_REASON:
            shown[row["reason"]].append(row)
    wanted = {row["id"] for listed in shown.values() for row in listed if row["expectation"] != UNREADABLE}
    images = _images(workspace, recipe, source, wanted) if wanted else {}
    for reason, listed in shown.items():
        groups[reason].shown = [
            _shown(row, images.get(row["id"], b""), "accept" if _acceptable(row) else "", decisions) for row in listed
        ]
    return sorted(groups.values(), key=lambda group: (-group.count, group.reason))


def _left_out(folder: Path) -> list[ReviewGroup]:
    """What validation filtered, by reason; there is nothing to decide about it."""
    groups: dict[str, ReviewGroup] = {}
    for row in left_out(folder):
        group = groups.setdefault(row["reason"], ReviewGroup("filtered", row["reason"]))
        group.count += 1
        if group.count <= SHOWN_PER_REASON:
            group.shown.append(_shown({**row, "locator": ""}, b"", "", {}))
    return sorted(groups.values(), key=lambda group: (-group.count, group.reason))


def _images(workspace: Workspace, recipe: Recipe, source: str, wanted: set[str]) -> dict[str, bytes]:
    settings = recipe.sources[source]
    items = read_source(
        workspace.root / settings.path, source, settings, private=workspace.private, deidentified=workspace.deidentified
    )
    return {
        item.id: item.image.data
        for item in items
        if isinstance(item, Record) and item.image is not None and item.id in wanted
    }


def _passed(workspace: Workspace, source: str, decisions: dict[str, CuratorDecision]) -> list[ReviewGroup]:
    """What validation let pass, by the bin and reason in the present data set, a keyed handful of each; kept ones last."""
    folder = workspace.validated / source
    ends = _ends(workspace.dataset, source)
    groups: dict[tuple[str, str], ReviewGroup] = {}
    wanted: dict[str, ReviewGroup] = {}
    for identity in sorted(record_ids(folder), key=keyed_hash):
        where, reason, _ = ends.get(identity, _KEPT)
        group = groups.setdefault((where, reason), ReviewGroup(where, reason))
        group.count += 1
        if group.count <= SHOWN_PER_REASON:
            wanted[identity] = group
    for path in record_files(folder):
        columns = ["id", "image", "provenance"]
        for row in pq.read_table(path, columns=columns, filters=[("id", "in", list(wanted))]).to_pylist():
            detail = ends.get(row["id"], _KEPT)[2]
            shown = {"id": row["id"], "detail": detail, **row["provenance"]}
            wanted[row["id"]].shown.append(_shown(shown, row["image"], "reject", decisions))
    return sorted(groups.values(), key=lambda group: (group.bin == "kept", group.bin, -group.count, group.reason))


def _ends(dataset: Path, source: str) -> dict[str, tuple[str, str, str]]:
    """Record id -> (bin, reason, the other record, with both labels where they conflict) in the present data set; empty
    before the first assembly."""
    rows = (
        row
        for path in sorted(dataset.glob("decisions-*.parquet"))
        for row in pq.read_table(path, filters=[("source", "=", source)]).to_pylist()
    )
    # A data set that was assembled before conflicts were found has no column detail.
    return {row["id"]: (row["bin"], row["reason"], row.get("detail") or row["other"]) for row in rows}


def _shown(row: dict[str, Any], data: bytes, choice: str, decisions: dict[str, CuratorDecision]) -> Shown:
    decided = decisions.get(row["id"])
    return Shown(
        id=row["id"],
        file=row["file"],
        locator=row["locator"],
        detail=row.get("detail", ""),
        thumbnail=_thumbnail(data) if data else "",
        choice=choice,
        decision=f"{decided.decision} by {decided.by}: {decided.reason}" if decided else "",
    )


def _thumbnail(data: bytes) -> str:
    from PIL import Image

    image = Image.fromarray(decode_stored(data))
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    out = io.BytesIO()
    image.save(out, "PNG")
    return data_uri(out.getvalue())
