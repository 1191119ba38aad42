"""What was lent is trained on and leaves by no page and no export; refused licences leave nothing behind at all."""

import base64
import json
import re
from collections import Counter
from dataclasses import replace

import pytest

from components.assembly.dataset import Dataset
from components.assembly.export import export_jsonl
from components.recipes.assembly import LicenceSettings
from components.recipes.sources import SourceSettings

TERMS = "lent by the scanner's maker"
_PICTURE = re.compile(r"data:image/(?:png|jpeg);base64,([A-Za-z0-9+/=]+)")


def sources(*lent):
    kinds = {name: {"lent": True, "terms": TERMS} if name in lent else {} for name in ("mri", "ct", "tissue", "scan")}
    return {name: SourceSettings(path=f"data/raw/{name}", format="images", options=o) for name, o in kinds.items()}


@pytest.fixture
def folder(assemble_corpus):
    return assemble_corpus(sources=sources("ct", "scan"))


def images_of(folder, *names):
    shards = Dataset(folder).images("train", "val", "test", "within-subject")
    rows = [row for row in shards if row.source in names]
    return {data for row in rows for data in (row.image, *row.targets.values())}


def test_the_page_shows_no_image_and_no_conversation_of_a_lent_source(folder):
    page = (folder / "report.html").read_text()
    shown = {base64.b64decode(text) for text in _PICTURE.findall(page)}
    assert shown & images_of(folder, "mri", "tissue")
    assert images_of(folder, "ct", "scan") and not shown & images_of(folder, "ct", "scan")
    lent = [sample.id for sample in map(Dataset(folder).samples("train").read, range(40)) if sample.source == "ct"]
    assert lent and not any(f"{identity} ·" in page for identity in lent)
    assert "ct, scan were lent" in page


def test_the_export_leaves_lent_sources_out_by_name(folder, tmp_path):
    index = Dataset(folder).samples("train")
    counts = Counter(index.read(number).source for number in range(len(index)))
    done = export_jsonl(folder, tmp_path / "out", "train")
    assert done.left_out == {"ct": counts["ct"], "scan": counts["scan"]}
    lines = [json.loads(line) for line in (tmp_path / "out" / "train.jsonl").read_text().splitlines()]
    assert len(lines) == done.conversations == len(index) - counts["ct"] - counts["scan"]
    assert {line["dataset"] for line in lines}.isdisjoint({"ct", "scan"})
    written = {path.read_bytes() for path in (tmp_path / "out" / "images").iterdir()}
    assert len(written) == done.images and not written & images_of(folder, "ct", "scan")


def test_what_the_recipe_calls_lent_now_stays_too_although_the_manifest_is_older(folder, tmp_path):
    done = export_jsonl(folder, tmp_path / "out", "train", lent=("mri",))
    assert set(done.left_out) == {"ct", "mri", "scan"}


def test_an_export_of_lent_sources_alone_is_refused_and_leaves_no_folder(folder, tmp_path):
    with pytest.raises(ValueError, match=r"every conversation of heldout is of a source that was lent .*: ct, "):
        export_jsonl(folder, tmp_path / "out", "heldout", lent=("ct", "scan", "mri", "tissue"))
    assert not (tmp_path / "out").exists()


def test_card_croissant_and_manifest_name_them_with_their_terms(folder, assemble_corpus):
    assert json.loads((folder / "manifest.json").read_text())["lent"] == {"ct": TERMS, "scan": TERMS}
    card = (folder / "README.md").read_text()
    assert "## Lent" in card and f"- ct: {TERMS}" in card
    assert f"ct: {TERMS}" in json.loads((folder / "croissant.json").read_text())["conditionsOfAccess"]
    free = assemble_corpus(name="free")
    assert "## Lent" not in (free / "README.md").read_text()
    assert "conditionsOfAccess" not in json.loads((free / "croissant.json").read_text())


def test_the_data_set_s_id_does_not_depend_on_who_lent_it(folder, assemble_corpus):
    free = assemble_corpus(name="free", sources=sources())
    assert Dataset(folder).dataset_id == Dataset(free).dataset_id


def test_records_under_a_refused_licence_are_filtered_on_every_side_and_counted(assemble_corpus, corpus, settings):
    licences = {"ct": "CC BY-NC-SA 4.0", "tissue": "CC BY-ND 4.0", "scan": "unknown"}
    for source, licence in licences.items():
        corpus[source] = [replace(record, licence=licence) for record in corpus[source]]
    refusing = replace(settings, licences=LicenceSettings(refuse=("SA", "NC", "ND")))
    manifest = json.loads((assemble_corpus(corpus, refusing) / "manifest.json").read_text())
    found = {name: account["reasons"] for name, account in manifest["sources"].items()}
    assert found["ct"] == {"filtered: licence SA": len(corpus["ct"])}
    assert found["tissue"] == {"filtered: licence ND": len(corpus["tissue"])}
    assert manifest["sources"]["ct"]["heldout"] == 0 and manifest["sources"]["scan"]["kept"] > 0
    assert set(manifest["licences"]) & set(licences) == {"scan"}


def test_lent_sources_can_be_refused_as_a_licence_is(assemble_corpus, settings):
    refusing = replace(settings, licences=LicenceSettings(refuse=("lent",)))
    folder = assemble_corpus(settings=refusing, sources=sources("ct"))
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["sources"]["ct"]["reasons"] == {"filtered: licence lent": manifest["sources"]["ct"]["raw"]}
    assert not images_of(folder, "ct") and images_of(folder, "scan")
