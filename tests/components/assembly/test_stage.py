"""The stage: everything accounted for, the same bytes in any order, whole or not at all."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.assembly.corpus import Corpus
from components.assembly.dataset import Dataset
from components.assembly.description.manifest import account_sources
from components.assembly.description.report import _quarantined
from components.assembly.selection.bins import select
from components.context import Interrupted
from components.images.stored import StoredImage
from components.recipes.assembly import AssemblySettings
from components.records.record import Record
from components.records.vocabulary import HELD_OUT, VALIDATION, Split
from components.storage.file_hashes import file_sha256
from components.storage.workspace import Workspace
from components.validation.review import _passed

Assemble = Callable[..., Path]
Sources = dict[str, list[Record]]
BINS = ("kept", "filtered", "quarantined", "duplicate", "contaminating", "heldout")


def test_every_raw_record_is_in_exactly_one_bin_per_source_and_together(
    assemble_corpus: Assemble, corpus: Sources
) -> None:
    manifest = Dataset(assemble_corpus(quarantined=3)).manifest
    for name, records in corpus.items():
        account = manifest["sources"][name]
        assert account["raw"] == len(records) + 3 == sum(account[where] for where in BINS)
        assert account["quarantined"] == 3 and account["reasons"]["quarantined: empty file"] == 3
    assert manifest["total"]["raw"] == sum(manifest["total"][where] for where in BINS)
    assert manifest["sources"]["ct"]["heldout"] == 8
    assert manifest["sources"]["mri"]["filtered"] == manifest["sources"]["mri"]["reasons"]["filtered: guard-band"] > 0


def test_the_data_set_does_not_depend_on_the_order_of_records_or_sources(
    assemble_corpus: Assemble, corpus: Sources
) -> None:
    first = assemble_corpus(name="a")
    turned = {source: list(reversed(records)) for source, records in reversed(corpus.items())}
    second = assemble_corpus(turned, name="b")
    assert Dataset(first).dataset_id == Dataset(second).dataset_id
    for file in sorted(first.iterdir()):
        assert file.read_bytes() == (second / file.name).read_bytes(), file.name


def test_another_image_gives_another_identity_and_another_seed_the_same_benchmark(
    assemble_corpus: Assemble, corpus: Sources, picture
) -> None:
    base = Dataset(assemble_corpus(name="a")).manifest
    seeded = Dataset(assemble_corpus(name="b", seed=2)).manifest
    assert base["dataset_id"] != seeded["dataset_id"]
    assert all(base[asked]["id"] == seeded[asked]["id"] for asked in ("benchmark", "exam"))
    corpus["scan"][0] = replace(corpus["scan"][0], image=StoredImage.of(picture("other")))
    assert Dataset(assemble_corpus(corpus, name="c")).dataset_id != base["dataset_id"]


def test_a_stopped_assembly_leaves_nothing_half_written(assemble_corpus: Assemble, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        assemble_corpus(name="a", stopped=True)
    assert not (tmp_path / "a" / "data" / "unimed").exists()
    assert not list((tmp_path / "a" / "data").glob(".writing-*"))


def test_only_the_sources_of_the_recipe_are_read(assemble_corpus: Assemble) -> None:
    folder = assemble_corpus(sources=["ct", "scan"])
    assert set(Dataset(folder).manifest["sources"]) == {"ct", "scan"}


def test_no_patient_and_no_image_stands_on_both_sides(assemble_corpus: Assemble) -> None:
    dataset = Dataset(assemble_corpus())
    train = set(dataset.samples("train").column("patient_key"))
    chosen_on, test = ({i.patient_key for i in dataset.images(split)} for split in (Split.VAL, Split.TEST))
    assert chosen_on and test and not train & test and not train & chosen_on and not chosen_on & test
    trained, validation, held_out = (
        {image.sha256 for image in dataset.images(*side)} for side in ((Split.TRAIN,), VALIDATION, HELD_OUT)
    )
    assert not trained & held_out and not trained & validation and not validation & held_out
    assert {item.split for item in dataset.benchmark()} == set(VALIDATION)
    assert {item.split for item in dataset.exam()} == set(HELD_OUT)
    assert dataset.samples("val").column("patient_key") and set(dataset.samples("train").column("split")) == {"train"}


def test_every_shard_is_listed_with_its_true_hash_and_every_dropped_record_with_its_reason(
    assemble_corpus: Assemble,
) -> None:
    folder = assemble_corpus()
    dataset = Dataset(folder)
    listed = {shard["file"]: shard["sha256"] for shard in dataset.manifest["shards"]}
    assert listed == {path.name: file_sha256(path) for path in folder.glob("*.parquet")}
    rows = pq.read_table(folder / "decisions-00000.parquet").to_pylist()
    assert len(rows) == dataset.manifest["total"]["raw"]
    assert all(row["reason"] for row in rows if row["bin"] not in ("kept", "heldout"))


def test_a_lost_record_is_an_error_that_names_the_source(
    assemble_corpus: Assemble, settings: AssemblySettings, tmp_path: Path
) -> None:
    assemble_corpus(name="a")
    accounting = tmp_path / "a" / "data" / "validated" / "ct" / "accounting.json"
    text = accounting.read_text().replace('"kept": 20', '"kept": 21').replace('"raw": 20', '"raw": 21')
    accounting.write_text(text)
    validated = tmp_path / "a" / "data" / "validated"
    decisions = select(Corpus(validated, ["ct"]).entries, settings)
    with pytest.raises(ValueError, match=r"source ct: validation kept 21 records but .* holds 20"):
        account_sources(validated, ["ct"], decisions)


def test_a_subject_that_is_not_there_is_noticed_in_the_manifest(
    assemble_corpus: Assemble, settings: AssemblySettings
) -> None:
    splits = replace(settings.splits, test={**settings.splits.test, "mri": ("haed",)})
    manifest = Dataset(assemble_corpus(settings=replace(settings, splits=splits))).manifest
    assert manifest["notices"] == ["assembly.splits names mri/haed, but no validated record belongs to it"]


def test_what_a_copy_knows_is_sealed_with_the_kept_record_and_a_large_take_is_told(
    assemble_corpus: Assemble, corpus: Sources, picture
) -> None:
    """A second delivery of the eyes, with a map for two of them, another label for two, nothing new for the rest."""
    eyes = [record for record in corpus["scan"] if record.subject == "us-one"]
    labelled = [replace(record, facts={**record.facts, "tumour": "no"}) for record in eyes[:2]]
    corpus["scan"] = [*labelled, *(record for record in corpus["scan"] if record not in eyes[:2])]
    again = [
        replace(
            eye, id=f"web/{number}", source="web", facts={**eye.facts, "tumour": "yes"} if number < 2 else eye.facts
        )
        for number, eye in enumerate(eyes)
    ]
    corpus["web"] = [replace(eye, targets={"lesion_map": picture("map")}) for eye in again]
    folder = assemble_corpus(corpus)
    dataset = Dataset(folder)
    shown = {image.id: image for image in dataset.images()}
    assert set(shown[eyes[2].id].targets) == {"lesion_map"} and set(shown[eyes[3].id].targets) == {"lesion_map"}
    reasons = dataset.manifest["sources"]["web"]["reasons"]
    assert reasons == {"duplicate: same pixels, what it adds is merged": 2, "filtered: label conflict": 2}
    assert dataset.manifest["sources"]["scan"]["reasons"]["filtered: label conflict"] == 2
    notices = dataset.manifest["notices"]
    assert any("'label conflict' takes 2 of 4 records of web (50%)" in notice for notice in notices)
    page = (folder / "report.html").read_text()
    assert "label conflict" in page and "takes 2 of 4 records of web" in page
    workspace = Workspace(folder.parents[1])
    groups = {group.reason: group for group in _passed(workspace, "web", {})}
    details = {one.id: one.detail for one in groups["label conflict"].shown}
    assert details["web/0"] == f"tumour: yes here, no in {eyes[0].id}"


def test_the_report_is_self_contained_and_shows_bins_reasons_and_gaps(assemble_corpus: Assemble) -> None:
    page = (assemble_corpus(quarantined=1) / "report.html").read_text()
    for text in (
        "guard-band",
        "empty file",
        "bicubic",
        "one answer only",
        "bad-0.png",
        "&lt;0 bytes&gt;",
        "data:image/png;base64,",
    ):
        assert text in page
    assert "http" not in page and "<script src" not in page


def test_a_reason_with_many_records_does_not_hide_another(tmp_path: Path) -> None:
    many = [
        {"id": f"s/a.jpg-{k:02}", "file": "a.jpg", "locator": f"{k}", "reason": "mislabelled", "detail": "d"}
        for k in range(12)
    ]
    late = {"id": "s/z.jpg-00", "file": "z.jpg", "locator": "0", "reason": "mislabelled", "detail": "d"}
    empty = {"id": "s/zz.jpg", "file": "zz.jpg", "locator": "", "reason": "empty file", "detail": "d"}
    (tmp_path / "s").mkdir()
    pq.write_table(pa.Table.from_pylist([*many, late, empty]), tmp_path / "s" / "quarantine.parquet")
    groups = {group["reason"]: group for group in _quarantined(tmp_path, "s")}
    assert groups["mislabelled"]["count"] == 13 and groups["empty file"]["records"] == [empty]
    assert {row["file"] for row in groups["mislabelled"]["records"]} == {"a.jpg", "z.jpg"}
