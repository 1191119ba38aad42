"""Question sets in the layout that they are published in (tests/samples), counted by a few independent lines."""

import base64
import json
import shutil
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from components.images.stored import decode_stored
from components.records.vocabulary import Modality, Split, TurnKind


def bins(unreadable) -> Counter[str]:
    return Counter(item.reason for item in unreadable)


@pytest.fixture(scope="module")
def slake(public, tmp_path_factory):
    """SLAKE as published, with a picture for each of three image folders."""
    folder = tmp_path_factory.mktemp("slake")
    shutil.copytree(public / "slake" / "Slake1.0", folder / "Slake1.0")
    return folder / "Slake1.0"


def test_slake_without_images_is_counted_and_no_crash(slake, read):
    raw = {name: json.loads((slake / f"{name}.json").read_text()) for name in ("train", "validate", "test")}
    records, unreadable = read(slake, "slake")
    assert not records
    empty = sum(not str(row["answer"]).strip() for rows in raw.values() for row in rows)
    assert bins(unreadable) == {"missing image": sum(map(len, raw.values())) - empty, "missing field": empty}
    assert len({item.id for item in unreadable}) == sum(map(len, raw.values())) > 100


def test_slake_rows_keep_language_split_kind_and_share_their_image(slake, read, draw, tmp_path):
    shutil.copytree(slake, tmp_path / "Slake1.0")
    raw = [(s, row) for s in ("train", "validate", "test") for row in json.loads((slake / f"{s}.json").read_text())]
    names = sorted({row["img_name"] for split, row in raw if split == "test"})[:3]
    for number, name in enumerate(names):
        draw(tmp_path / "Slake1.0" / "imgs" / name, number)
    (tmp_path / "Slake1.0" / "imgs" / names[0]).with_name("detection.json").write_text("[]")
    (tmp_path / "Slake1.0" / "KG").mkdir()
    (tmp_path / "Slake1.0" / "KG" / "en_organ.csv").write_text("a#b#c\n")
    records, unreadable = read(tmp_path, "slake")
    expected = [(split, row) for split, row in raw if row["img_name"] in names and str(row["answer"]).strip()]
    assert len(records) == len(expected) > 20 and set(bins(unreadable)) <= {"missing image", "missing field"}
    splits = {"train": Split.TRAIN, "validate": Split.VAL, "test": Split.TEST}
    for split, row in expected:
        record = records[f"slake/{row['img_name'].split('/')[0]}/{split}-{row['qid']}"]
        (turn,) = record.turns
        assert (turn.prompt, turn.answer) == (row["question"].strip(), row["answer"].strip())
        assert (turn.kind is TurnKind.CLOSED) == (row["answer_type"].strip() == "CLOSED")
        assert (record.language, record.delivered_split) == (row["q_lang"], splits[split])
        assert record.subject == row["img_name"] and record.licence.startswith("CC BY 4.0")
        assert record.modality is {"CT": Modality.CT, "MRI": Modality.MRI, "X-Ray": Modality.XRAY}[row["modality"]]
        assert record.anatomy != "unknown"
    shown = {(record.delivered_split, record.subject) for record in records.values()}
    assert len({id(record.image) for record in records.values()}) == len(shown), "rows of one image share its bytes"


def test_slake_s_masks_boxes_and_graph_are_read(read, draw, tmp_path):
    """Files made by hand in the layout that the set's documentation describes."""
    question = {"img_name": "xmlab1/source.jpg", "question": "Is it?", "answer": "Yes", "q_lang": "en", "qid": 1,
                "modality": "CT", "location": "Abdomen", "answer_type": "CLOSED"}  # fmt: skip
    for split, rows in (("train", [question]), ("validate", []), ("test", [{**question, "qid": 2}])):
        (tmp_path / f"{split}.json").write_text(json.dumps(rows))
    folder = tmp_path / "imgs" / "xmlab1"
    draw(folder / "source.jpg", 1)
    mask = np.zeros((60, 80, 3), np.uint8)
    mask[10:20, 10:30] = (128, 0, 0)
    Image.fromarray(mask).save(folder / "mask.png")
    (folder / "detection.json").write_text(json.dumps([{"Liver": [10, 10, 20, 10]}, {"Spleen": [40, 30, 8, 6]}]))
    (folder / "question.json").write_text("[]")
    (tmp_path / "KG").mkdir()
    (tmp_path / "KG" / "en_disease.csv").write_text("disease#attribute#value\nPneumonia#symptom#cough, fever\n")
    (tmp_path / "KG" / "cn_organ.csv").write_text("器官#属性#值\n肝脏#功能#解毒\n")
    records, unreadable = read(tmp_path, "slake")
    assert not unreadable
    places = records["slake/xmlab1/places"]
    assert [(turn.prompt.split("?")[0], turn.answer) for turn in places.turns] == [
        ("Which parts of this image are labelled liver", "[125, 167, 375, 333]"),
        ("Which parts of this image are labelled spleen", "[500, 500, 600, 600]"),
    ]
    np.testing.assert_array_equal(decode_stored(places.targets["structure_map"]), mask)
    assert (places.modality, places.anatomy, places.delivered_split) == (Modality.CT, "abdomen", Split.TEST)
    english, chinese = records["slake/KG/en_disease-000001"], records["slake/KG/cn_organ-000001"]
    assert (english.turns[0].answer, english.modality, english.language) == ("cough, fever", Modality.TEXT, "en")
    assert chinese.language == "zh" and "肝脏" in chinese.turns[0].prompt


def test_pathvqa_of_the_book_part_and_pickles(public, read, tmp_path, draw):
    shutil.copy(public / "pathvqa" / "QA_pairs_vb.json", tmp_path)
    (tmp_path / "pvqa" / "qas").mkdir(parents=True)
    (tmp_path / "pvqa" / "qas" / "train_vqa.pkl").write_bytes(b"\x80\x04N.")
    rows = json.loads((tmp_path / "QA_pairs_vb.json").read_text())
    _, unreadable = read(tmp_path, "pathvqa")
    assert bins(unreadable) == {"missing image": len(rows), "pickle refused": 1} and rows


def test_pathvqa_as_parquet_takes_the_image_from_the_row(read, draw, tmp_path):
    """A file made by hand in the exact layout of the Hugging Face mirror."""
    first, second = (draw(tmp_path / "made" / f"{n}.png", n, colour=True).read_bytes() for n in range(2))
    images = [{"bytes": first, "path": None}, {"bytes": first, "path": "x.jpg"}, {"bytes": second, "path": None}, None]
    table = pa.table(
        {"image": images, "question": ["Is it?", "What?", "Where?", "Who?"], "answer": ["yes", "a", "b", "c"]}
    )
    (tmp_path / "set" / "data").mkdir(parents=True)
    pq.write_table(table, tmp_path / "set" / "data" / "test-00000-of-00001.parquet")
    records, unreadable = read(tmp_path / "set", "pathvqa")
    assert bins(unreadable) == {"missing image": 1}
    assert Counter(record.subject for record in records.values()).most_common(1)[0][1] == 2
    assert {record.delivered_split for record in records.values()} == {Split.TEST}
    assert Counter(r.turns[0].kind.value for r in records.values()) == {"closed": 1, "open": 2}


def test_vqa_med_2019_answers_and_their_alternatives(public, read, draw, tmp_path):
    for path in (public / "vqa-med-2019").iterdir():
        shutil.copy(path, tmp_path)
    lines = (tmp_path / "VQAMed2019_Test_Questions_w_Ref_Answers.txt").read_text().splitlines()
    for number, line in enumerate(lines[:40]):
        draw(tmp_path / "VQAMed2019_Test_Images" / f"{line.split('|')[0]}.jpg", number)
    records, unreadable = read(tmp_path, "vqa-med-2019")
    assert bins(unreadable) == {"missing image": len(lines) - len(records), "no answers": 1} and len(records) >= 40
    for number, line in enumerate(lines[:40]):
        image, _, question, answer = line.split("|")
        record = records[f"vqa-med-2019/{image}/VQAMed2019_Test_Questions_w_Ref_Answers-{number:06d}"]
        assert record.turns[0].prompt == question.strip()
        assert record.turns[0].answer == answer.split("#")[0].strip()
        assert record.delivered_split is Split.TEST


def test_rad_restruct_keeps_the_order_and_the_questions_above(public, read, draw, tmp_path):
    shutil.copytree(public / "radrestruct", tmp_path / "test_qa_pairs")
    files = sorted(path for path in (tmp_path / "test_qa_pairs").iterdir() if path.stem.isdigit())
    mapping = {path.stem: [f"CXR{path.stem}_1_IM-0001-4001"] for path in files[1:]}
    (tmp_path / "id_to_img_mapping_frontal_reports.json").write_text(json.dumps(mapping))
    for number, names in enumerate(mapping.values()):
        draw(tmp_path / "images" / f"{names[0]}.png", number)
    records, unreadable = read(tmp_path, "rad-restruct")
    raw = {path.stem: json.loads(path.read_text()) for path in files}
    assert bins(unreadable) == {"missing image": len(raw[files[0].stem])}
    assert len(records) == sum(len(raw[name]) for name in mapping)
    for name in mapping:
        asked = [records[f"rad-restruct/CXR{name}/{number:04d}"] for number in range(len(raw[name]))]
        for record, (question, answers, history, meta) in zip(asked, raw[name], strict=True):
            (turn,) = record.turns
            assert turn.answer == "; ".join(answers)
            assert turn.prompt.splitlines()[len(history)].startswith(question)
            assert len(turn.prompt.splitlines()) == len(history) + 1
            choice = meta["answer_type"] == "single_choice" and set(meta["options"]) != {"yes", "no"}
            assert (turn.kind is TurnKind.CHOICE) == choice and turn.options == tuple(meta["options"] if choice else ())
            assert (record.subject, record.delivered_split) == (f"CXR{name}", Split.TEST)


VQA_RAD = [
    {"qid": 1, "image_name": "synpic1.jpg", "image_organ": "HEAD", "question": "Is it big?", "answer": "Yes",
     "answer_type": "CLOSED ", "question_type": "SIZE", "phrase_type": "freeform"},
    {"qid": "2", "image_name": "synpic1.jpg", "image_organ": "HEAD", "question": "How many?", "answer": 3,
     "answer_type": "OPEN", "question_type": "COUNT, ATTRIB", "phrase_type": "test_freeform"},
    {"qid": "3", "image_name": "synpic2.jpg", "image_organ": "ABD", "question": "Is it large?", "answer": "no",
     "answer_type": "CLOSED", "question_type": "SIZE", "phrase_type": "para"},
    {"qid": "4", "image_name": "synpic3.jpg", "image_organ": "CHEST", "question": "Where?", "answer": "left",
     "answer_type": "OPEN", "question_type": "POS", "phrase_type": "test_para"},
]  # fmt: skip


def test_vqa_rad_integer_answers_trailing_blanks_and_its_test_side(read, draw, tmp_path):
    """A file made by hand in the exact native layout: no copy of the set lies with the samples."""
    (tmp_path / "VQA_RAD Dataset Public.json").write_text(json.dumps(VQA_RAD))
    for number in (1, 2):
        draw(tmp_path / "VQA_RAD Image Folder" / f"synpic{number}.jpg", number)
    records, unreadable = read(tmp_path, "vqa-rad")
    assert bins(unreadable) == {"missing image": 1}
    found = [records[f"vqa-rad/{name}"] for name in ("synpic1/1", "synpic1/2", "synpic2/3")]
    assert [r.turns[0].kind for r in found] == [TurnKind.CLOSED, TurnKind.OPEN, TurnKind.CLOSED]
    assert [r.delivered_split for r in found] == [Split.TRAIN, Split.TEST, Split.TRAIN]
    assert [r.anatomy for r in found] == ["brain", "brain", "abdomen"]
    assert found[1].turns[0].answer == "3"
    assert found[0].subject == found[1].subject != found[2].subject


def test_rad_restruct_with_a_torn_mapping_says_so_and_stops_at_nothing(read, tmp_path):
    (tmp_path / "test_qa_pairs").mkdir()
    (tmp_path / "test_qa_pairs" / "7.json").write_text('[["Is it?", ["no"], [], {}]]')
    (tmp_path / "id_to_img_mapping_frontal_reports.json").write_text('{"7": ["CXR7')
    records, unreadable = read(tmp_path, "rad-restruct")
    assert not records and bins(unreadable)["not JSON"] == 1 and len(unreadable) == 2


def test_vqa_rad_as_parquet_takes_the_image_from_the_row(read, draw, tmp_path):
    """A file made by hand in the layout of the copy on Hugging Face."""
    image = draw(tmp_path / "made" / "a.png").read_bytes()
    rows = {"image": [{"bytes": image, "path": None}] * 2, "question": ["Is it?", "Where?"], "answer": ["no", "left"]}
    (tmp_path / "set" / "data").mkdir(parents=True)
    for split in ("train", "test"):
        pq.write_table(pa.table(rows), tmp_path / "set" / "data" / f"{split}-00000-of-00001.parquet")
    records, unreadable = read(tmp_path / "set", "vqa-rad")
    assert not unreadable and len(records) == 4
    first, second = (records[f"vqa-rad/data/test-00000-of-00001-000000{n}"] for n in range(2))
    assert [found.turns[0].kind for found in (first, second)] == [TurnKind.CLOSED, TurnKind.OPEN]
    assert first.delivered_split is Split.TEST and first.subject == second.subject


def test_pmc_vqa_of_both_versions(read, draw, tmp_path):
    """Files made by hand in the exact native layout: no copy of the set lies with the samples."""
    (tmp_path / "train.csv").write_text(
        "Figure_path,Question,Answer,Choice A,Choice B,Choice C,Choice D,Answer_label\n"
        "PMC1_Fig1.jpg,What is it?,a cyst, A: a cyst , B: a nerve, C: a bone, D: air,A\n"
        "PMC1_Fig2.jpg,What is it?,gone, A: a cyst , B: a nerve, C: a bone, D: air,\n"
        'PMC2_Fig1.jpg,"Which, then?",bone, A: air , B: bone,,,B\n'
    )
    (tmp_path / "test_2.csv").write_text(
        "index,Figure_path,Caption,Question,Choice A,Choice B,Choice C,Choice D,Answer,split\n"
        "0,PMC1_Fig1.jpg,A cyst.,Which?,A:one,B:two,C:three,D:four,C,test\n"
    )
    for name in ("PMC1_Fig1", "PMC1_Fig2", "PMC2_Fig1"):
        draw(tmp_path / "images" / f"{name}.jpg", len(name))
    records, unreadable = read(tmp_path, "pmc-vqa")
    assert bins(unreadable) == {"bad options": 1, "missing field": 1}
    first = records["pmc-vqa/PMC1_Fig1/train-0000000"]
    assert (first.turns[0].answer, first.turns[0].options) == ("a cyst", ("a cyst", "a nerve", "a bone", "air"))
    second = records["pmc-vqa/PMC1_Fig1/test_2-0000000"]
    assert (second.turns[0].answer, second.delivered_split) == ("three", Split.TEST)
    assert first.subject == second.subject == "PMC1"


def test_evaluation_sets_are_held_out_whatever_their_files_are_called(read, draw, tmp_path):
    """Files made by hand in the exact native layouts: no copy of either set lies with the samples."""
    rows = [
        {"dataset": "X", "question_id": f"X_{n}", "question_type": "Modality", "question": "Which?", "gt_answer": answer,
         "image_path": "Images/train/a.png", "option_A": "CT", "option_B": "MR", "modality_type": "CT(Computed Tomography)"}
        for n, answer in enumerate(("MR", "PET"))
    ]  # fmt: skip
    omni = tmp_path / "omni"
    png = draw(omni / "Images" / "train" / "a.png").read_bytes()
    (omni / "QA_information" / "Open-access").mkdir(parents=True)
    (omni / "QA_information" / "Open-access" / "train.json").write_text(json.dumps(rows))
    records, unreadable = read(omni, "omnimedvqa")
    assert bins(unreadable) == {"bad options": 1}
    (record,) = records.values()
    assert (record.delivered_split, record.turns[0].answer, record.turns[0].options) == (Split.TEST, "MR", ("CT", "MR"))
    assert record.modality is Modality.CT

    gmai = tmp_path / "gmai"
    gmai.mkdir()
    image = base64.b64encode(png).decode()
    head = "index\timage\tquestion\tA\tB\tC\tD\tE\tanswer\tcategory"
    lines = [
        f"1\t{image}\tWhich, then?\tlung\tliver\t\t\t\tB\torgan",
        f"2\t{image}\tWhich?\tlung\tliver\t\t\t\t\torgan",
    ]
    lines.append("3\t!!\tWhich?\tlung\tliver\t\t\t\tA\torgan")
    (gmai / "GMAI_mm_bench_TRAIN.tsv").write_text("\n".join([head, *lines]))
    records, unreadable = read(gmai, "gmai-mmbench")
    assert bins(unreadable) == {"missing field": 1, "not an image": 1}
    (record,) = records.values()
    assert (record.delivered_split, record.turns[0].answer) == (Split.TEST, "liver")
