"""What a start was trained on examines nothing in any workspace, and is counted."""

import io
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import skimage.data

from components.assembly.corpus import Corpus, Entry
from components.assembly.dataset import Dataset
from components.assembly.selection.started import KNOWN, SEEN_SCHEMA, Seen, check_start, seen_rows
from components.images.looks import look_of
from components.recipes.assembly import Slab
from components.recipes.shipped import read_shipped
from components.recipes.training import StartSettings
from components.records.vocabulary import Modality, Split
from components.sources.former_keys import Change, FormerKeys, write_changes
from components.sources.starts import FACTS, SCHEMA, SEEN, Start
from components.storage.atomic import write_json
from components.storage.file_hashes import file_sha256
from components.storage.keys import patient_key, public_secret
from components.storage.workspace import Workspace
from tests.components.assembly.conftest import SETTINGS, assemble_validated, make_corpus, record, write_validated

NAME = "small-1"


@pytest.fixture(scope="module")
def validated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """data/validated of the small corpus, with one image of a CT again under another patient's name, held out."""
    workspace = Workspace(tmp_path_factory.mktemp("validated"))
    records = make_corpus()
    first = records["ct"][0]
    records["scan"].append(replace(record("scan", "again", "us-two", Modality.ULTRASOUND, "eye"), image=first.image))
    write_validated(workspace, records)
    return workspace.validated


@pytest.fixture
def workspace(validated: Path, tmp_path: Path) -> Workspace:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "validated").symlink_to(validated)
    return Workspace(tmp_path)


def lay(workspace: Workspace, trained: Iterable[str]) -> StartSettings:
    """A start in the workspace that was trained on the records whose ids begin so; what the recipe says of it."""
    begin = tuple(trained)
    corpus = Corpus(workspace.validated, ["mri", "ct", "tissue", "scan"])
    rows = seen_rows(corpus, [entry for entry in corpus.entries if entry.id.startswith(begin)])
    folder = workspace.starts / NAME
    folder.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=SEEN_SCHEMA), folder / SEEN)
    told = {"name": NAME, "recipe": "tiny-start", "dataset_id": "d" * 32, "licences": {"ct": ["CC0"]}}
    write_json(folder / FACTS, {"schema": SCHEMA, **told, "files": {SEEN: file_sha256(folder / SEEN)}})
    tiny = read_shipped("tiny-scratch").start
    return replace(tiny, source=f"shipped:{NAME}", sha256=file_sha256(folder / FACTS))


def ends(folder: Path) -> dict[str, dict[str, str]]:
    return {row["id"]: row for path in folder.glob("decisions-*.parquet") for row in pq.read_table(path).to_pylist()}


def key(source: str, subject: str) -> str:
    return patient_key(public_secret(source), subject)


def test_a_held_out_patient_of_the_starts_leaves_every_comparison_and_is_counted(workspace):
    before = ends(assemble_validated(workspace.root))
    folder = assemble_validated(workspace.root, start=lay(workspace, ["ct/ct-two", "scan/us-three-0", "mri/mean-"]))
    after, data = ends(folder), Dataset(folder)
    gone = {name for name, row in after.items() if row["reason"] == KNOWN}
    by_patient = {name for name in before if name.startswith(("ct/ct-two", "scan/us-three"))}
    assert by_patient <= gone and {after[name]["other"] for name in gone} == {f"start {NAME}"}
    assert {before[name]["bin"] for name in gone} <= {"heldout", "kept"}
    assert not gone & {item.record_id for item in (*data.exam(), *data.benchmark())}
    assert {name for name in before if before[name]["bin"] != after[name]["bin"]} == gone, "nothing else moved"
    counted = sum(source["reasons"].get(f"filtered: {KNOWN}", 0) for source in data.manifest["sources"].values())
    assert counted == len(gone)
    for source in data.manifest["sources"].values():
        bins = ("kept", "filtered", "quarantined", "duplicate", "contaminating", "heldout")
        assert source["raw"] == sum(source[name] for name in bins)
    assert f"{len(gone)} held-out and validation records are in no comparison: {KNOWN}" in data.manifest["notices"]
    assert data.manifest["start"]["name"] == NAME


def test_the_same_pixels_under_another_patients_name_are_known(workspace):
    after = ends(assemble_validated(workspace.root, start=lay(workspace, ["ct/ct-one-00"])))
    known = {name: row["detail"] for name, row in after.items() if row["reason"] == KNOWN}
    assert known == {"scan/again": "its pixels"}


def test_slices_of_a_slab_are_known_by_their_pixels_and_not_by_their_subject(workspace):
    slab = Slab(source="mri", subject="mean", plane="coronal", low=0, high=8, guard=4)
    settings = replace(SETTINGS, splits=replace(SETTINGS.splits, slabs=(*SETTINGS.splits.slabs, slab)))
    start = lay(workspace, ["mri/mean-T1-coronal", "mri/mean-gr-axial-09"])
    after = ends(assemble_validated(workspace.root, settings, start=start))
    known = {name for name, row in after.items() if row["reason"] == KNOWN}
    assert known and all(name.startswith("mri/mean-T1-coronal") for name in known)
    assert any(row["bin"] == "heldout" and row["split"] == "within-subject" for row in after.values())


def test_a_comparison_that_would_be_emptied_is_refused_with_what_to_do(workspace):
    start = lay(workspace, ["ct/ct-two", "tissue/slide-two", "scan/us-two", "mri/mean-"])
    with pytest.raises(
        ValueError, match=rf"(?s)start {NAME} was trained on all \d+ held-out records.*tiny-scratch --switch"
    ):
        assemble_validated(workspace.root, start=start)


def test_a_patient_who_was_taken_out_and_trained_the_start_is_refused_before_anything_runs(workspace):
    recipe = read_shipped("tiny-scratch")
    taken_out = replace(recipe.assembly, excluded_patients=(key("ct", "ct-one"),))
    named = replace(recipe, start=lay(workspace, ["ct/ct-one"]), assembly=taken_out)
    with pytest.raises(ValueError, match=rf"{NAME} was trained on {key('ct', 'ct-one')} .*weights do not forget"):
        check_start(workspace, named)
    settings = replace(SETTINGS, excluded_patients=taken_out.excluded_patients)
    with pytest.raises(ValueError, match="weights do not forget"):
        assemble_validated(workspace.root, settings, start=named.start)
    check_start(workspace, replace(named, assembly=replace(taken_out, excluded_patients=(key("ct", "ct-two"),))))


def test_a_patient_of_the_starts_is_found_under_the_key_of_today(workspace):
    recipe = read_shipped("tiny-scratch")
    now = "0123456789abcdef01234567"
    write_changes(workspace.patients, [Change("ct", key("ct", "ct-one"), now)])
    excluded = replace(recipe.assembly, excluded_patients=(now,))
    with pytest.raises(ValueError, match=now):
        check_start(workspace, replace(recipe, start=lay(workspace, ["ct/ct-one"]), assembly=excluded))


def image_entry(entry: Entry, pixels: np.ndarray, patient: str, split: Split) -> Entry:
    return replace(entry, patient_key=patient, pixels="00" * 16, looks=(look_of(pixels),), split=split)


def test_a_picture_handed_on_or_mirrored_is_known_under_another_patients_name(workspace):
    eye = skimage.data.retina()[200:1200, 200:1200]
    out = io.BytesIO()
    PIL.Image.fromarray(eye).save(out, "PNG")
    corpus = Corpus(workspace.validated, ["mri", "ct", "tissue", "scan"])
    entry = corpus.entries[0]
    corpus.images = lambda _: (out.getvalue(), {}, [])  # type: ignore[method-assign]
    rows = seen_rows(corpus, [image_entry(entry, eye, "p" * 24, Split.TRAIN)])
    folder = workspace.root / "start"
    folder.mkdir()
    pq.write_table(pa.Table.from_pylist(rows, schema=SEEN_SCHEMA), folder / SEEN)
    seen = Seen.read(Start(folder=folder, facts={}), FormerKeys())
    small = np.asarray(PIL.Image.fromarray(eye).resize((320, 320)))
    shown = {"again": small, "mirrored": np.ascontiguousarray(small[:, ::-1]), "other": skimage.data.astronaut()}
    asked = [
        replace(image_entry(entry, pixels, "q" * 24, Split.TEST), id=name, pixels=f"{number:032x}")
        for number, (name, pixels) in enumerate(shown.items(), start=1)
    ]
    assert seen.known(asked) == {"again": "its look", "mirrored": "its mirror image"}
    within = [replace(one, patient_key="p" * 24, split=Split.WITHIN_VAL) for one in asked]
    assert seen.known(within) == {}, "slices of one subject look alike as they should"
