"""Every stage of one record's life: the raw file, the verdict on it, the bin it ended in, and what was made of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from components.recipes.nearest import nearest
from components.recipes.recipe import Recipe
from components.storage.workspace import Workspace
from components.validation.decisions import CuratorDecision, read_decisions
from components.validation.validated import left_out, record_ids, refused


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """One record, from raw to conversations. Parts that it did not reach are empty."""

    id: str
    source: str
    raw: dict[str, str]
    """file, locator, sha256 of the pixels; the raw folder."""
    validation: dict[str, str]
    """verdict (kept, quarantined or filtered); of the others reason and detail, of a refused one suite and expectation too."""
    curator: CuratorDecision | None
    """What a person decided about it."""
    known: dict[str, Any] = field(default_factory=dict)
    """modality, anatomy, facts, turns, licence, patient_key of a kept one."""
    assembly: dict[str, Any] = field(default_factory=dict)
    """bin, reason, other, detail, split, and alignment: the score of its captions, None where there is none."""
    samples: tuple[str, ...] = ()
    """Ids of the training conversations made of it."""
    items: tuple[str, ...] = ()
    """Ids of the benchmark items that ask about it."""
    namesakes: tuple[str, ...] = ()
    """Files of the other records that were delivered under the same id."""
    image: bytes | None = None
    """As validated: PNG, or JPEG."""

    def to_json(self) -> dict[str, Any]:
        """For `unimed data show --json`; the image is not in it."""
        decision = self.curator
        return {
            "id": self.id,
            "source": self.source,
            "raw": self.raw,
            "validation": self.validation,
            "curator": decision
            and {"decision": decision.decision, "by": decision.by, "why": decision.reason, "at": decision.at},
            "known": self.known,
            "assembly": self.assembly,
            "samples": list(self.samples),
            "benchmark_items": list(self.items),
            "namesakes": list(self.namesakes),
        }


def trace(workspace: Workspace, recipe: Recipe, identity: str) -> Trace:
    """The life of the record with this id.

    Raises ValueError for an id of no source, and for one that validation never saw, with the nearest known.
    """
    source = identity.partition("/")[0]
    if source not in recipe.sources:
        raise ValueError(
            f"record ids begin with their source, as `{next(iter(recipe.sources), 'source')}/…`: "
            f"unknown source {source!r}{nearest(source, recipe.sources)}"
        )
    folder = workspace.validated / source
    if not folder.is_dir():
        raise ValueError(f"source {source} was not validated yet; `unimed retrain` does it")
    curator = read_decisions(workspace.decisions / f"{source}.jsonl").get(identity)
    raw = {"folder": recipe.sources[source].path}
    for row in _rows(folder, "records-*.parquet", identity):
        origin = row["provenance"]
        found = Trace(
            id=identity,
            source=source,
            raw=raw | {name: origin[name] for name in ("file", "locator", "sha256")},
            validation={"verdict": "kept"},
            curator=curator,
            known={
                **{name: row[name] for name in ("modality", "anatomy", "licence", "patient_key")},
                "facts": dict(row["facts"]),
                "origins": dict(row.get("origins") or ()),
                "turns": row["turns"],
            },
            image=row["image"] or None,
            **_after(workspace.dataset, identity),
        )
        return found
    everything = refused(folder)
    if named := [row for row in everything if row["id"] == identity]:
        row = named[0]
        reasons = {name: row[name] for name in ("reason", "detail", "suite", "expectation")}
        return Trace(
            id=identity,
            source=source,
            raw=raw | {"file": row["file"], "locator": row["locator"]},
            validation={"verdict": "quarantined", **reasons},
            curator=curator,
            namesakes=tuple(other["file"] for other in named[1:]),
        )
    filtered = left_out(folder)
    for row in filtered:
        if row["id"] == identity:
            return Trace(
                id=identity,
                source=source,
                raw=raw | {"file": row["file"], "locator": ""},
                validation={"verdict": "filtered", "reason": row["reason"], "detail": row["detail"]},
                curator=curator,
            )
    known = [*record_ids(folder), *(row["id"] for row in (*everything, *filtered))]
    raise ValueError(f"no record {identity!r}{nearest(identity, known)}")


def _after(dataset: Path, identity: str) -> dict[str, Any]:
    """What assembly did with the record: the fields assembly, samples and items of its Trace."""
    rows = list(_rows(dataset, "decisions-*.parquet", identity))
    # A data set that was assembled before captions were scored, or conflicts found, lacks their columns.
    assembly = (
        {name: rows[0].get(name) for name in ("bin", "reason", "other", "detail", "split", "alignment")} if rows else {}
    )
    # Ids of conversations are the record's id, '#', a name: all that sort between '#' and the sign after it.
    made = [("id", ">", f"{identity}#"), ("id", "<", f"{identity}$")]
    samples = _column(dataset, ("train-*.parquet", "val-*.parquet"), "id", made)
    items = _column(dataset, ("benchmark-*.parquet", "exam-*.parquet"), "item_id", [("record_id", "=", identity)])
    return {"assembly": assembly, "samples": samples, "items": items}


def _rows(folder: Path, pattern: str, identity: str) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob(pattern)):
        yield from pq.read_table(path, filters=[("id", "=", identity)]).to_pylist()


def _column(folder: Path, patterns: tuple[str, ...], name: str, filters: list) -> tuple[str, ...]:
    files = sorted(path for pattern in patterns for path in folder.glob(pattern))
    return tuple(v for path in files for v in pq.read_table(path, columns=[name], filters=filters)[name].to_pylist())
