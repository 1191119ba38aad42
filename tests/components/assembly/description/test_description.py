"""croissant.json names every file and column as they are; the card's numbers are the manifest's."""

import hashlib
import json
from dataclasses import replace

import pyarrow.parquet as pq
from ruamel.yaml import YAML

from components.recipes.sources import SourceSettings
from components.sources.private import FACES, PIXELS, WORDS, handling
from components.validation.validated import READER, readers


def test_croissant_names_every_shard_with_its_hash_and_only_columns_that_are_there(assemble_corpus) -> None:
    folder = assemble_corpus()
    described = json.loads((folder / "croissant.json").read_text())
    files = {file["@id"]: file for file in described["distribution"]}
    assert set(files) == {path.name for path in folder.glob("*.parquet")}
    for name, file in files.items():
        assert file["sha256"] == hashlib.sha256((folder / name).read_bytes()).hexdigest()
    for record_set in described["recordSet"]:
        (name,) = {field["source"]["fileObject"]["@id"] for field in record_set["field"]}
        columns = {field["source"]["extract"]["column"] for field in record_set["field"]}
        assert columns and columns <= set(pq.read_schema(folder / name).names)
    shown = {field["@id"] for record_set in described["recordSet"] for field in record_set["field"]}
    assert "images-00000/image" in shown and "decisions-00000/reason" in shown


def test_the_card_has_the_front_matter_of_the_hub_and_the_manifest_s_numbers(assemble_corpus, corpus) -> None:
    corpus["scan"] = [replace(record, language="es") for record in corpus["scan"]]
    folder = assemble_corpus(corpus)
    _, front, body = (folder / "README.md").read_text().split("---\n", 2)
    matter = YAML(typ="safe").load(front)
    assert {"text-to-image", "visual-question-answering"} <= set(matter["task_categories"])
    for split in matter["configs"][0]["data_files"]:
        assert list(folder.glob(split["path"]))
    manifest = json.loads((folder / "manifest.json").read_text())
    assert matter["language"] == ["en", "es"] and manifest["languages"]["es"] == len(corpus["scan"])
    total = manifest["total"]
    assert f"| all | {total['raw']} | {total['kept']} |" in body and manifest["dataset_id"] in body
    for source, licences in manifest["licences"].items():
        assert f"- {source}: {'; '.join(licences)}" in body


def test_card_and_croissant_say_which_sources_are_private_and_what_was_done_about_each(assemble_corpus) -> None:
    options = {
        "mri": ("nifti", {}),
        "ct": ("dicom", {"defaced": True, "burned_in": "allow"}),
        "tissue": ("images", {"private": True}),
        "scan": ("images", {}),
    }
    sources = {name: SourceSettings(path="x", format=kind, options=said) for name, (kind, said) in options.items()}
    folder = assemble_corpus(sources=sources)
    did = json.loads((folder / "manifest.json").read_text())["private"]
    assert set(did) == {"mri", "ct", "tissue"}
    assert "heads are held" in did["mri"]["faces"] and "its owner says" in did["ct"]["faces"]
    assert did["ct"]["text in pixels"].startswith("not searched") and did["tissue"]["words"].startswith("searched")
    card = (folder / "README.md").read_text()
    (said,) = [json.loads((folder / "croissant.json").read_text())["rai:personalSensitiveInformation"]]
    for source, done in did.items():
        assert f"| {source} | {' | '.join(done[what] for what in (PIXELS, WORDS, FACES))} |" in card
        assert any(line.startswith(f"{source}: ") and all(text in line for text in done.values()) for line in said)
    assert "No search finds everything." in card and any("No search finds everything." in line for line in said)


def test_the_card_names_what_read_the_text_in_pixels(assemble_corpus, tmp_path) -> None:
    sources = {name: SourceSettings(path="x", format="dicom") for name in ("mri", "ct")}
    folder = assemble_corpus(
        sources=sources | {n: SourceSettings(path="x", format="images") for n in ("tissue", "scan")}
    )
    did = json.loads((folder / "manifest.json").read_text())["private"]
    assert "nothing reads them" in did["mri"][PIXELS]
    account = tmp_path / "work" / "data" / "validated" / "ct" / "accounting.json"
    account.write_text(json.dumps({**json.loads(account.read_text()), READER: "a reader 1.0"}))
    assert readers(account.parents[1], sources) == {"ct": "a reader 1.0"}
    assert handling(sources, readers(account.parents[1], sources))["ct"][PIXELS].startswith(
        "read by a reader 1.0; held"
    )


def test_a_data_set_of_public_sources_says_that_none_is_private(assemble_corpus) -> None:
    folder = assemble_corpus()
    assert "No source is private." in (folder / "README.md").read_text()
    assert json.loads((folder / "manifest.json").read_text())["private"] == {}
