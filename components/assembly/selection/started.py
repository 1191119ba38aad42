"""What a start was trained on, and the records that can examine nothing because of it."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from components.assembly.corpus import Corpus, Entry
from components.assembly.selection.decision import Decision
from components.assembly.selection.lookalikes import Gallery, Neighbours
from components.images.looks import Look, SeenLook, look_of
from components.images.stored import decode_stored
from components.recipes.recipe import Recipe
from components.records.vocabulary import HELD_OUT, VALIDATION, WITHIN, Bin
from components.sources.former_keys import FormerKeys
from components.sources.starts import Start, open_start
from components.storage.workspace import Workspace

KNOWN = "the start was trained on it"
"""The reason of a record off the training side that a start was trained on."""
SEEN_SCHEMA = pa.schema(
    [("patient_key", pa.string()), ("pixels", pa.binary()), ("look", pa.binary()), ("mirror", pa.binary())]
)
"""One row an image: look as `Look.data`, and the views of its mirror image; both empty for a record of text alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What a start was trained on, under today's keys."""

    patients: Mapping[str, int]
    """Patient key -> images, or texts, of theirs."""
    pixels: frozenset[str]
    looks: Sequence[tuple[str, Look]]
    """(patient key, look) of images and of their mirror images."""

    @classmethod
    def read(cls, start: Start, former: FormerKeys) -> "Seen":
        """The table that lies in the start."""
        rows = pq.read_table(start.seen, schema=SEEN_SCHEMA).to_pylist()
        keyed = [(former.now(row["patient_key"]), row) for row in rows]
        return cls(
            patients=Counter(key for key, _ in keyed),
            pixels=frozenset(row["pixels"].hex() for row in rows),
            looks=[(key, look) for key, row in keyed if row["look"] for look in _both(row["look"], row["mirror"])],
        )

    def known(self, entries: Iterable[Entry]) -> dict[str, str]:
        """Record id -> how the start knows it: its patient, its pixels, its look, or its mirror image. Of slabs within a
        subject, whose other slices are trained on by intention, the patient does not count, and the looks of that patient
        neither."""
        asked = tuple(entries)
        looks = [*(look for _, look in self.looks), *(look for entry in asked for look in entry.looks)]
        gallery = Gallery(Neighbours(looks))
        for number, (patient, look) in enumerate(self.looks):
            gallery.add(look, patient=patient, identity=_SIDES[number % len(_SIDES)])
        return {entry.id: how for entry in asked if (how := self._how(entry, gallery))}

    def _how(self, entry: Entry, gallery: Gallery) -> str:
        if entry.split not in WITHIN and entry.patient_key in self.patients:
            return "its patient"
        if not self.pixels.isdisjoint((entry.pixels, *entry.more_pixels)):
            return "its pixels"
        found = (gallery.find(look, patient=entry.patient_key) for look in entry.looks)
        return next(filter(None, found), "")


_SIDES = ("its look", "its mirror image")


def beside_start(
    decisions: Sequence[Decision], workspace: Workspace, recipe: Recipe, former: FormerKeys
) -> tuple[Sequence[Decision], Start | None]:
    """(the decisions without the records that examine nothing because the recipe's start knows them, the start). Raises
    ValueError as `check_forgotten` and `without_known` do."""
    if not recipe.start.shipped:
        return decisions, None
    start = open_start(workspace, recipe.start.shipped, recipe.start.sha256)
    seen = Seen.read(start, former)
    check_forgotten(recipe.assembly.excluded_patients, seen.patients, start.name, former)
    return without_known(decisions, seen, start.name), start


def known_notices(decisions: Iterable[Decision]) -> list[str]:
    """A sentence where records are in no comparison because of the start."""
    count = sum(decision.reason == KNOWN for decision in decisions)
    return [f"{count} held-out and validation records are in no comparison: {KNOWN}"] if count else []


def without_known(decisions: Sequence[Decision], seen: Seen, name: str) -> tuple[Decision, ...]:
    """The decisions, with records off the training side that the start knows filtered. Raises ValueError where a whole
    side would be left with none."""
    found = list(decisions)
    for what, splits, wanted in (("held-out", HELD_OUT, Bin.HELDOUT), ("validation", VALIDATION, Bin.KEPT)):
        places = [at for at, one in enumerate(found) if one.bin is wanted and one.entry.split in splits]
        known = seen.known(found[at].entry for at in places)
        if known and len(known) == len(places):
            raise ValueError(
                f"the start {name} was trained on all {len(known)} {what} records: nothing is left to compare on. Begin "
                "without it (`unimed retrain --recipe tiny-scratch --switch`), or name patients in assembly.splits whom it "
                "does not know"
            )
        for at in places:
            if how := known.get(found[at].entry.id):
                found[at] = replace(found[at], bin=Bin.FILTERED, reason=KNOWN, other=f"start {name}", detail=how)
    return tuple(found)


def check_start(workspace: Workspace, recipe: Recipe) -> None:
    """Raise ValueError, before anything runs, where the recipe's start was trained on a patient who was taken out."""
    if recipe.start.shipped and recipe.assembly.excluded_patients:
        start, former = (
            open_start(workspace, recipe.start.shipped, recipe.start.sha256),
            FormerKeys.read(workspace.patients),
        )
        check_forgotten(recipe.assembly.excluded_patients, start_patients(start, former), start.name, former)


def start_patients(start: Start, former: FormerKeys) -> Counter[str]:
    """Patient key, as it is now -> images, or texts, of theirs that the start was trained on."""
    keys = pq.read_table(start.seen, columns=["patient_key"])[0].to_pylist()
    return Counter(former.now(key) for key in keys)


def check_forgotten(excluded: Iterable[str], patients: Collection[str], name: str, former: FormerKeys) -> None:
    """Raise ValueError for patients who were taken out and whom the start was trained on: weights do not forget."""
    if known := sorted({former.now(key) for key in excluded} & set(patients)):
        raise ValueError(
            f"the start {name} was trained on {', '.join(known)} (assembly.excluded_patients): weights do not forget. Begin "
            "without it (`unimed retrain --recipe tiny-scratch --switch`; who was taken out stays out), or make a start "
            "without them (recipe tiny-start, then `unimed weights pack`)"
        )


def seen_rows(corpus: Corpus, trained: Iterable[Entry]) -> list[dict[str, Any]]:
    """A row of SEEN_SCHEMA for each image of the entries."""
    rows = []
    for entry in sorted(trained, key=lambda entry: entry.id):
        about = {"patient_key": entry.patient_key, "look": b"", "mirror": b""}
        if not entry.looks:
            rows.append({**about, "pixels": bytes.fromhex(entry.pixels)})
            continue
        image, _, more = corpus.images(entry)
        for pixels, look, data in zip((entry.pixels, *entry.more_pixels), entry.looks, (image, *more), strict=True):
            mirror = look_of(np.ascontiguousarray(decode_stored(data)[:, ::-1])).views
            rows.append({**about, "pixels": bytes.fromhex(pixels), "look": look.data, "mirror": mirror})
    return rows


def _both(look: bytes, mirror: bytes) -> tuple[Look, Look]:
    """The look of an image and that of its mirror image."""
    seen = SeenLook(look)
    return seen, SeenLook(mirror + np.ascontiguousarray(seen.thumbnail[:, ::-1]).tobytes())
