"""PMC-OA in the layout that its documentation describes, with drawn images: no real download lies with the samples."""

import json
from collections import Counter

from components.records.vocabulary import Split, TurnKind


def test_pmc_oa_json_lines_keep_article_licence_and_split(read, draw, tmp_path):
    for number in range(2):
        draw(tmp_path / "caption_T060_filtered_top4_sep_v0_subfigures" / f"PMC12_Fig1_{number}.jpg", number)
    rows = [
        {"image": "PMC12_Fig1_0.jpg", "caption": " Axial CT. ", "license": "CC BY-NC"},
        {"image": "PMC12_Fig1_1.jpg", "caption": "MRI."},
        {"image": "PMC13_Fig1_0.jpg", "caption": "Gone."},
        {"image": "PMC12_Fig1_0.jpg", "caption": ""},
    ]
    (tmp_path / "valid.jsonl").write_text("\n".join(map(json.dumps, rows)))
    records, unreadable = read(tmp_path, "pmc-oa")
    assert Counter(item.reason for item in unreadable) == {"missing image": 1, "missing field": 1}
    first, second = records.values()
    assert (first.turns[0].answer, first.turns[0].kind) == ("Axial CT.", TurnKind.CAPTION)
    assert first.subject == second.subject == "PMC12" and first.delivered_split is Split.VAL
    assert first.licence == "CC BY-NC" and "not stated" in second.licence


def test_pmc_oa_csv_states_its_article_with_or_without_letters(read, draw, tmp_path):
    for number, name in enumerate(("a.jpg", "b.jpg", "c.jpg")):
        draw(tmp_path / "figures" / name, number)
    (tmp_path / "train.csv").write_text(
        'PMC_ID,Figure_path,Caption\nPMC7,a.jpg,"CT, axial."\n7,b.jpg,MRI.\n,c.jpg,X.\n'
    )
    records, (item,) = read(tmp_path, "pmc-oa")
    assert [record.subject for record in records.values()] == ["PMC7", "PMC7"]
    assert item.reason == "missing field" and "'c.jpg'" in item.detail
