"""Two deliveries of one clinic, a private one with padded ids and another without, half of whose patients are the same."""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from components.assembly.corpus import Corpus, Entry
from components.assembly.selection.bins import select
from components.recipes.assembly import SplitSettings
from components.recipes.sources import PatientIds, SourceSettings
from components.records.vocabulary import Bin
from components.sources.patients import Patients
from components.sources.table import read_source
from components.storage.atomic import write_bytes, write_text
from components.validation.judging import judge
from components.validation.stage import write_judged
from tests.benchmarks import handed_on
from tests.benchmarks.figures import Figure
from tests.benchmarks.goals import Plan, none_of
from tests.benchmarks.originals import Original
from tests.benchmarks.planted import recipe, settings_with

CLINIC = "clinic"
TEST_SHARE = 0.3


def deliveries(plan: Plan) -> Iterator[Figure]:
    """Whether one patient has one key in both, and whether anybody stands on both sides, whatever the share held out."""
    images: dict[str, list[Original]] = defaultdict(list)
    for image in plan.originals():
        images[image.patient].append(image)
    sources = {
        name: SourceSettings(
            path=name,
            format="jsonl",
            options={"private": True, "burned_in": "allow"},
            patients=CLINIC,
            patient_ids=PatientIds(strip_zeros=name == "may"),
        )
        for name in ("may", "june")
    }
    known: dict[str, int] = {}
    for name, settings in sources.items():
        known |= _deliver(plan, name, settings, images)
    entries = Corpus(plan.work / "validated", list(sources)).entries
    yield none_of("one key for each patient of two deliveries", _keys_apart(entries, known), len(set(known.values())))
    splits = SplitSettings(test={}, slabs=(), val_share=0.0, test_share=TEST_SHARE)
    decisions = select(entries, settings_with(splits), patients=Patients(sources))
    sides: dict[int, set[Bin]] = defaultdict(set)
    for decision in decisions:
        if decision.bin in (Bin.KEPT, Bin.HELDOUT):
            sides[known[decision.entry.id]].add(decision.bin)
    if not any(Bin.HELDOUT in found for found in sides.values()):
        raise ValueError("nobody was held out, so that nothing was measured; raise TEST_SHARE")
    both = [f"patient {person} is on both sides" for person, found in sides.items() if len(found) > 1]
    yield none_of("patients of two deliveries on one side", both, len(sides))


def _deliver(plan: Plan, name: str, settings: SourceSettings, images: dict[str, list[Original]]) -> dict[str, int]:
    """Validate half of the images of each patient who has several, and every second of the others. Record id -> patient."""
    folder, rows, people = plan.work / "raw" / name, list[str](), dict[str, int]()
    for number, (_, every) in enumerate(sorted(images.items())):
        half = len(every) // 2
        mine = (every[:half] if name == "may" else every[half:]) if half else every * (number % 2 == (name == "may"))
        for image in mine:
            file = f"{len(rows):05d}.png"
            write_bytes(folder / file, handed_on.png(image.pixels))
            rows.append(json.dumps({"image": file, "licence": "CC0-1.0", **_said(name, number, image)}))
            people[file] = number
    write_text(folder / "rows.jsonl", "\n".join(rows) + "\n")
    return _validated(plan.work, folder, name, settings, list(people.values()))


def _said(name: str, number: int, image: Original) -> dict[str, str]:
    return {"patient_id": f"{number:06d}" if name == "may" else str(number), "modality": image.modality.value}


def _validated(work: Path, folder: Path, name: str, settings: SourceSettings, people: list[int]) -> dict[str, int]:
    items = list(read_source(folder, name, settings, private=work / ".unimed"))
    numbers = {item.id: number for item, number in zip(items, people, strict=True)}
    judged = judge(name, items, recipe().validation, decisions={}, accepted={}, patients=settings.patients)
    write_judged(work / "validated" / name, judged)
    return {str(row["id"]): numbers[str(row["id"])] for row in judged.rows}


def _keys_apart(entries: tuple[Entry, ...], known: dict[str, int]) -> list[str]:
    """Patients with two keys, and keys of two patients."""
    keys: dict[int, set[str]] = defaultdict(set)
    people: dict[str, set[int]] = defaultdict(set)
    for entry in entries:
        keys[known[entry.id]].add(entry.patient_key)
        people[entry.patient_key].add(known[entry.id])
    apart = [f"patient {person} has {len(found)} keys" for person, found in keys.items() if len(found) > 1]
    return apart + [f"one key stands for patients {sorted(found)}" for found in people.values() if len(found) > 1]
