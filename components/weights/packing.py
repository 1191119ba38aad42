"""Packing a start: a workspace's finished checkpoint, what it was trained on, and what it is, in one folder."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from components.assembly.corpus import Corpus, Entry
from components.assembly.dataset import Dataset
from components.assembly.selection.started import SEEN_SCHEMA, seen_rows
from components.recipes.recipe import Recipe
from components.recipes.training import TRAIN
from components.records.vocabulary import Bin, Split
from components.sources.starts import CARD, FACTS, SCHEMA, SCORES, SEEN
from components.storage.atomic import atomic_folder, read_object, write_json, write_text
from components.storage.file_hashes import checkpoint_sha256, file_sha256
from components.storage.workspace import Workspace
from components.weights.importing import open_published, write_incoming


@dataclass(frozen=True, kw_only=True, slots=True)
class Making:
    """How long the weights took and on what."""

    hours: float
    processor: str
    torch: str


def write_start(workspace: Workspace, recipe: Recipe, name: str, folder: Path, making: Making) -> dict[str, Any]:
    """Put the start into `folder`, whole or not at all; returns its facts, as start.json holds them.

    Raises ValueError where the workspace's weights, data set, records and evaluation are not of one run, and for weights
    that themselves began with a start: what that one was trained on is not on record here.
    """
    if recipe.start.source != TRAIN:
        raise ValueError(
            f"the weights of this workspace began with {recipe.start.source}, and a start answers for all that it was "
            "trained on; train one from nothing (`unimed retrain --recipe tiny-start` in an empty workspace)"
        )
    checkpoint, data = workspace.checkpoints / recipe.final_stage, Dataset(workspace.dataset)
    opened = open_published(checkpoint)
    weights, evaluated = checkpoint_sha256(checkpoint), read_object(workspace.evaluation / "evaluation.json")
    if (evaluated["weights_sha256"], evaluated["dataset_id"]) != (weights, data.dataset_id):
        raise ValueError(
            "evaluation.json is of other weights or data than lie here; `unimed retrain` brings them together"
        )
    corpus, trained = trained_on(workspace, recipe, data)
    with atomic_folder(folder) as out:
        write_incoming(opened, out, opened.checkpoint.image_settings)
        shutil.copyfile(workspace.evaluation / "scores" / SCORES, out / SCORES)
        rows = pa.Table.from_pylist(seen_rows(corpus, trained), schema=SEEN_SCHEMA)
        pq.write_table(rows, out / SEEN, compression="zstd", compression_level=19)
        facts = {
            "schema": SCHEMA,
            "name": name,
            "recipe": recipe.recipe,
            "seed": recipe.seed,
            "steps": _steps(recipe),
            "dataset_id": data.dataset_id,
            "images": rows.num_rows,
            "patients": len({entry.patient_key for entry in trained}),
            "licences": _licences(data.manifest, trained),
            "weights_sha256": weights,
            "metrics": read_object(workspace.evaluation / "metrics.json"),
            **asdict(making),
        }
        write_text(out / CARD, _card(facts))
        files = {file.name: file_sha256(file) for file in sorted(out.iterdir())}
        write_json(out / FACTS, {**facts, "files": files})
    return read_object(folder / FACTS)


def trained_on(workspace: Workspace, recipe: Recipe, data: Dataset) -> tuple[Corpus, list[Entry]]:
    """The validated records, and those of them that the data set trains on. Raises ValueError where they are not here."""
    wanted = [("bin", "=", Bin.KEPT.value), ("split", "=", Split.TRAIN.value)]
    files = sorted(data.folder.glob("decisions-*.parquet"))
    ids = {name for path in files for name in pq.read_table(path, columns=["id"], filters=wanted)[0].to_pylist()}
    corpus = Corpus(workspace.validated, list(recipe.sources))
    trained = [entry for entry in corpus.entries if entry.id in ids]
    if len(trained) != len(ids):
        lost = len(ids) - len(trained)
        raise ValueError(f"{lost} records that were trained on are not in {workspace.validated}; run `unimed retrain`")
    return corpus, trained


def _steps(recipe: Recipe) -> dict[str, int]:
    own = {"autoencoder": recipe.start.autoencoder.steps, "vision": recipe.start.vision.steps}
    return own | {name: stage.steps for name, stage in recipe.curriculum.items()}


def _licences(manifest: Mapping[str, Any], trained: list[Entry]) -> dict[str, list[str]]:
    """Source -> under what its records that were trained on came."""
    found: dict[str, set[str]] = {}
    for entry in trained:
        found.setdefault(entry.source, set()).add(entry.licence)
    ours = {name: set(texts) for name, texts in manifest["licences"].items() if name not in manifest["sources"]}
    return {name: sorted(texts) for name, texts in sorted({**found, **ours}.items())}


def _card(facts: Mapping[str, Any]) -> str:
    """The card, as Markdown."""
    steps = ", ".join(f"{name} {count}" for name, count in facts["steps"].items())
    licences = "\n".join(f"- {name}: {'; '.join(texts)}" for name, texts in facts["licences"].items())
    figures = "\n".join(f"| {name} | {value:.4g} |" for name, value in sorted(facts["metrics"].items()))
    return _CARD.format(**{**facts, "steps": steps, "licences": licences, "metrics": figures})


_CARD = """# Start {name}

Finished weights that a UniMed run begins with: tokenizer, autoencoder and network, made by the recipe `{recipe}`.

**Research only. Not a medical device; no output of it may reach a diagnosis or a patient.**

| | |
|---|---|
| recipe, seed | {recipe}, {seed} |
| steps | {steps} |
| data set | `{dataset_id}`, its training side alone: {images} images of {patients} patients and averages |
| weights | sha256 `{weights_sha256}` |
| took | {hours:.2f} hours on {processor}, torch {torch} |

The hash is promised; the bytes are not: made again on another processor, the same recipe gives other floats.
`seen.parquet` holds keys of patients, hashes of pixels and looks of all that it was trained on. Records off the training
side of any workspace that match leave every comparison there.

## Licences and attributions of what it was trained on

{licences}

## Figures on the validation side

| metric | value |
|---|---|
{metrics}
"""
