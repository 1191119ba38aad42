"""Captions and reports in the layout that they are published in (tests/samples), counted independently."""

import json
import re
import shutil
from collections import Counter
from xml.etree import ElementTree

import pytest

from components.records.record import LeftOut
from components.records.vocabulary import Modality, Split, TurnKind
from components.sources.reading.panels import panels


def bins(unreadable) -> Counter[str]:
    return Counter(item.reason for item in unreadable)


def test_roco_1_captions_licences_and_articles(public, read, draw, tmp_path):
    shutil.copytree(public / "roco", tmp_path / "roco")
    folder = tmp_path / "roco" / "data" / "test" / "radiology"
    captions = [line.split("\t", 1) for line in (folder / "captions.txt").read_text().splitlines()]
    licences = [line.split(",") for line in (folder / "licences.txt").read_text().splitlines()[1:]]
    for number, (figure, _) in enumerate(captions[:30]):
        draw(folder / "images" / f"{figure}.jpg", number)
    records, unreadable = read(tmp_path / "roco", "roco")
    compound = [caption for _, caption in captions if panels(caption)]
    shown = sum(not panels(caption) for _, caption in captions[:30])
    assert len(captions) > 30 and len(records) == shown
    assert bins(unreadable)["compound figure"] == len(compound)
    assert bins(unreadable)["missing image"] == len(captions) - shown - len(compound)
    origin = {row[0]: (re.match(r"PMC\d+", row[1])[0], row[2]) for row in licences}  # type: ignore[index]
    for figure, caption in captions[:30]:
        if panels(caption):
            continue
        record = records[f"roco/{figure}"]
        assert record.turns[0].answer == caption.strip() and record.turns[0].kind is TurnKind.CAPTION
        assert (record.subject, record.licence) == origin[figure]
        assert record.delivered_split is Split.TEST and record.modality is Modality.UNKNOWN


def test_roco_2_tables_beside_their_folders_of_images(read, draw, tmp_path):
    """Files made by hand in the exact native layout: no copy of the set lies with the samples."""
    (tmp_path / "valid_captions.csv").write_text(
        'ID,Caption\nROCOv2_1,"CT, axial."\nROCOv2_2,Gone.\nROCOv2_3,A film.\nROCOv2_4,"(a) CT, (b) MRI."\nROCOv2_5,Both.\n'
    )
    (tmp_path / "valid_concepts.csv").write_text("ID,CUIs\nROCOv2_1,C0040405;C1\nROCOv2_5,C0040405;C0024485\n")
    (tmp_path / "valid_concepts_manual.csv").write_text("ID,CUIs\nROCOv2_3,C1306645;C0817096\n")
    (tmp_path / "license_information.csv").write_text("ID,License,Link\nROCOv2_1,CC BY-NC,PMC77_fig.jpg\n")
    for number in (1, 3, 4, 5):
        draw(tmp_path / "valid_images" / f"ROCOv2_{number}.jpg", number)
    records, unreadable = read(tmp_path, "roco")
    assert bins(unreadable) == {"missing image": 1, "compound figure": 1}
    record = records["roco/ROCOv2_1"]
    assert (record.subject, record.licence, record.delivered_split) == ("PMC77", "CC BY-NC", Split.VAL)
    assert record.turns[0].answer == "CT, axial." and record.modality is Modality.CT
    film = records["roco/ROCOv2_3"]
    assert (film.modality, film.anatomy) == (Modality.XRAY, "chest")
    assert records["roco/ROCOv2_5"].modality is Modality.UNKNOWN, "two modalities are none"


def test_a_broken_table_beside_the_captions_is_counted_once_and_costs_no_caption(read, draw, tmp_path):
    for split in ("train", "valid"):
        (tmp_path / f"{split}_captions.csv").write_text(f"ID,Caption\nROCOv2_{split},CT.\n")
        draw(tmp_path / f"{split}_images" / f"ROCOv2_{split}.jpg", len(split))
    (tmp_path / "train_concepts.csv").write_bytes(b"")
    (tmp_path / "license_information.csv").write_text("ID,License,Link\nROCOv2_valid,CC BY\nROCOv2_train,CC BY,x\n")
    records, unreadable = read(tmp_path, "roco")
    assert len(records) == 2 and bins(unreadable) == {"empty file": 1, "broken row": 1}
    assert records["roco/ROCOv2_train"].licence == "CC BY"


def test_medicat_figures_of_several_panels_are_set_aside(public, read, tmp_path):
    shutil.copytree(public / "medicat", tmp_path / "medicat")
    rows = [json.loads(line) for line in (tmp_path / "medicat" / "sample" / "sample.jsonl").read_text().splitlines()]
    records, unreadable = read(tmp_path / "medicat", "medicat")
    compound = [row for row in rows if "(B" in row["s2_caption"]]
    assert (len(rows), len(compound), bins(unreadable)["compound figure"]) == (10, 5, 5)
    assert sum(len(panels(row["s2_caption"])) for row in rows) == 13
    assert len(records) == 10 - len(compound) and set(bins(unreadable)) == {"compound figure"}
    assert all(isinstance(item, LeftOut) for item in unreadable), "most figures are compound: no fault of the delivery"
    for row in rows:
        record = records.get(f"medicat/{row['pdf_hash']}_{row['fig_uri'].removesuffix('.png')}")
        if record:
            assert row["s2_caption"].endswith(record.turns[0].answer)
            assert not record.turns[0].answer.startswith("Figure")
            assert record.subject == row["pdf_hash"]
            assert (row["oa_info"]["oa"]["license"] or "not stated") in record.licence
            assert "research only" in record.licence


@pytest.fixture
def reports(public, tmp_path):
    shutil.copytree(public / "iu-xray" / "ecgen-radiology", tmp_path / "iu" / "ecgen-radiology")
    return tmp_path / "iu"


def said(path) -> list[str]:
    root = ElementTree.parse(path).getroot()
    found = {node.get("Label"): (node.text or "").strip() for node in root.iter("AbstractText")}
    return [found[label] for label in ("FINDINGS", "IMPRESSION") if found.get(label)]


def test_open_i_reports_join_their_views(reports, read, draw):
    files = sorted((reports / "ecgen-radiology").glob("*.xml"))
    views = {path: re.findall(r'<parentImage id="([^"]+)"', path.read_text()) for path in files}
    whole = [path for path in files if views[path] and said(path)]
    for path in whole[:20]:
        for number, view in enumerate(views[path]):
            draw(reports / "NLMCXR_png" / f"{view}.png", number + int(path.stem))
    records, unreadable = read(reports, "iu-xray")
    assert len(files) > 40 and len(records) == 20
    empty = sum(not said(path) for path in files)
    assert bins(unreadable) == {"empty text": empty, "missing image": len(files) - 20 - empty}
    for path in whole[:20]:
        record = records[f"iu-xray/CXR{path.stem}"]
        (turn,) = record.turns
        assert turn.kind is TurnKind.REPORT
        assert [line.split(": ", 1)[1] for line in turn.answer.splitlines()] == said(path)
        assert 1 + len(record.more_images) == len(views[path])
        assert (record.subject, record.modality, record.delivered_split) == (f"CXR{path.stem}", Modality.XRAY, None)
        compared = re.search(r'Label="COMPARISON">\s*(\w*)', path.read_text())
        assert ("comparison" in record.facts) == (compared is not None and compared[1].lower() in ("none", "no"))
    assert any("XXXX" in record.turns[0].answer for record in records.values()), "redactions are kept"


def test_the_test_set_of_medevalkit_is_held_out(public, read, draw, tmp_path):
    shutil.copy(public / "iu-xray" / "medevalkit" / "test.json", tmp_path)
    rows = json.loads((tmp_path / "test.json").read_text())
    for number, image in enumerate(rows[0]["image"]):
        draw(tmp_path / "images" / image, number)
    records, unreadable = read(tmp_path, "iu-xray")
    assert len(records) == 1 and bins(unreadable) == {"missing image": len(rows) - 1}
    (patient,) = {image.split("_")[0] for image in rows[0]["image"]}
    record = records[f"iu-xray/{patient}"]
    assert record.delivered_split is Split.TEST and record.subject == patient
    assert record.turns[0].answer == f"Findings: {rows[0]['findings']}\nImpression: {rows[0]['impression']}"


@pytest.mark.parametrize(
    "content",
    [
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><eCitation>&c;</eCitation>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><eCitation/>',
        b"<eCitation><uId",
        b"",
    ],
)
def test_hostile_and_broken_reports_are_refused(read, tmp_path, content):
    (tmp_path / "1.xml").write_bytes(content)
    records, (item,) = read(tmp_path, "iu-xray")
    assert not records and item.reason == "not XML"
