"""Chest X-ray sets in the layout that they are published in (tests/samples), counted independently."""

import json
import shutil
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from components.images.stored import decode_stored
from components.records.origins import origins
from components.records.record import LeftOut
from components.records.vocabulary import Modality, Split, TurnKind
from components.sources.published.siim import mask_of
from tests.components.sources.chest_tables import HEADS, bins, listed, table


def save16(path, seed: int) -> None:
    """A 12-bit radiograph in 16 bits, as PadChest has them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(seed).integers(0, 4096, (70, 50), dtype=np.uint16)
    Image.fromarray(values).save(path)


def test_nih_table_and_its_images(public, read, draw, tmp_path):
    name = "Data_Entry_2017_v2020"
    shutil.copy(public / HEADS / f"{name}.head200.csv", tmp_path / f"{name}.csv")
    for image in ("00000001_000.png", "00027426_000.png"):
        (tmp_path / "images_001" / "images").mkdir(parents=True, exist_ok=True)
        shutil.copy(public / "cxr-tests" / image, tmp_path / "images_001" / "images")
    rows = table(tmp_path / f"{name}.csv")
    others = [row["Image Index"] for row in rows[1:40]]
    for number, image in enumerate(others):
        draw(tmp_path / "images_002" / "images" / image, number)
    (tmp_path / "train_val_list.txt").write_text("\n".join(others[:30]))
    (tmp_path / "test_list.txt").write_text("\n".join(others[30:]))
    records, unreadable = read(tmp_path, "nih-cxr")
    assert len(rows) > 40 and len(records) == 40
    assert bins(unreadable) == {"missing image": len(rows) - 40, "unnamed image": 1}, "00027426_000 is of no row"
    present, splits = Counter(), Counter()
    for row in rows[:40]:
        record = records[f"nih-cxr/{row['Image Index'][:-4]}"]
        labels = set(row["Finding Labels"].split("|"))
        splits[record.delivered_split] += 1
        present.update(listed(record, "findings"))
        assert record.subject == row["Patient ID"] and record.facts["view"] == row["View Position"]
        assert ("cardiomegaly" in listed(record, "findings")) == ("Cardiomegaly" in labels)
        assert origins(record.facts, record.origins)["absent_findings"] == "tool", "read out of reports by a program"
        assert origins(record.facts, record.origins)["view"] == "label"
        assert ("pleural effusion" in listed(record, "absent_findings")) == ("Effusion" not in labels)
        assert "any abnormality" not in listed(record, "absent_findings"), "none of 14 labels is not nothing at all"
        assert not listed(record, "findings") & listed(record, "absent_findings")
    expected = Counter(label for row in rows[:40] for label in row["Finding Labels"].split("|"))
    assert present["pleural effusion"] == expected["Effusion"] > 0
    assert present["hiatal hernia"] == expected["Hernia"] > 0
    assert splits == {Split.TRAIN: 30, Split.TEST: 9, None: 1}


def test_nih_boxes_and_a_box_without_its_image(read, draw, tmp_path):
    """Files made by hand in the layout of the set's documentation."""
    (tmp_path / "Data_Entry_2017.csv").write_text(
        "Image Index,Finding Labels,Follow-up #,Patient ID\n00000013_005.png,Atelectasis,0,13\n"
    )
    (tmp_path / "BBox_List_2017.csv").write_text(
        "Image Index,Finding Label,Bbox [x,y,w,h],,,\n"
        "00000013_005.png,Atelectasis,102.4,204.8,512,51.2,,,\n00000014_001.png,Infiltrate,1,2,3,4,,,\n"
        "00000013_005.png,Mass,much,2,3,4,,,\n"
    )
    draw(tmp_path / "images" / "00000013_005.png")
    records, unreadable = read(tmp_path, "nih-cxr")
    assert bins(unreadable) == {"stray annotation": 1, "bad box": 1}
    (turn,) = records["nih-cxr/00000013_005"].turns
    assert (turn.kind, turn.answer) == (
        TurnKind.BOXES,
        "[100, 200, 600, 250]",
    ) and "labelled atelectasis?" in turn.prompt


def test_rsna_patients_are_those_of_chestxray14_where_the_mapping_says_so(read, draw, tmp_path):
    (tmp_path / "stage_2_train_labels.csv").write_text(
        "patientId,x,y,width,height,Target\na-1,,,,,0\na-2,10,20,30,40,1\nb-1,,,,,0\n"
    )
    mapping = [{"subset_img_id": name, "img_id": f"0000001{name[0]}_00{name[2]}.png".replace("a", "3").replace("b", "4").replace("z", "5"),
                "orig_labels": ["Effusion"]} for name in ("a-1", "a-2", "b-1", "z-9")]  # fmt: skip
    (tmp_path / "pneumonia-challenge-dataset-mappings_2018.json").write_text(json.dumps(mapping))
    for number, name in enumerate(("train_images/a-1", "train_images/a-2", "train_images/b-1", "test_images/t-1")):
        draw(tmp_path / f"stage_2_{name}.png", number)
    records, unreadable = read(tmp_path, "rsna")
    assert {name: record.subject for name, record in records.items()} == {
        "rsna/a-1": "13", "rsna/a-2": "13", "rsna/b-1": "14",
    }  # fmt: skip
    assert bins(unreadable) == {"no labels": 1} and isinstance(unreadable[0], LeftOut), "an image of the test stage"


def test_nih_rows_without_labels_are_left_out_and_boxes_have_a_word(read, draw, tmp_path):
    (tmp_path / "Data_Entry_2017.csv").write_text(
        "Image Index,Finding Labels,Patient ID,View Position\n1_000.png,Infiltration,1,PA\n2_000.png,,2,PA\n"
    )
    (tmp_path / "BBox_List_2017.csv").write_text(
        "Image Index,Finding Label,Bbox [x,y,w,h]\n1_000.png,Infiltrate,10,10,50,50\n"
    )
    for number in (1, 2):
        draw(tmp_path / "images" / f"{number}_000.png", number)
    records, unreadable = read(tmp_path, "nih-cxr")
    assert records["nih-cxr/1_000"].turns[0].prompt == (
        "Which parts of this image are labelled infiltration? "
        "Answer with boxes [left, top, right, bottom] in thousandths of the image."
    )
    assert bins(unreadable) == {"no labels": 1} and isinstance(unreadable[0], LeftOut)


def test_padchest_spanish_reports_of_16_bit_images(public, read, tmp_path):
    name = "PADCHEST_chest_x_ray_images_labels_160K_01.02.19"
    shutil.copy(public / HEADS / f"{name}.head200.csv", tmp_path / f"{name}.csv")
    rows = table(tmp_path / f"{name}.csv")
    for number, row in enumerate(rows[:50]):
        save16(tmp_path / row["ImageDir"] / row["ImageID"], number)
    records, unreadable = read(tmp_path, "padchest")
    assert len(rows[0]) == 36 and len(rows) > 50
    assert len(records) == 50 and bins(unreadable) == {"missing image": len(rows) - 50}
    normal = sum("'normal'" in row["Labels"] for row in rows[:50])
    assert sum("any abnormality" in listed(r, "absent_findings") for r in records.values()) == normal > 0
    for row in rows[:50]:
        record = records[f"padchest/{row['ImageID'][:-4]}"]
        assert record.subject == row["PatientID"] and record.language == "es"
        assert record.turns[0].answer == row["Report"].strip() and record.turns[0].prompt.startswith("Escribe")
        assert ("cardiomegaly" in listed(record, "findings")) == ("'cardiomegaly'" in row["Labels"])
        pixels = record.image.decode()
        assert pixels.std() > 60 and (pixels == 255).mean() < 0.02, "16 bits are scaled, never clipped"


def test_padchest_rows_without_labels_and_excluded_ones_are_counted(read, tmp_path):
    head = "ImageID,PatientID,Projection,Report,Labels\n"
    rows = [
        "a.png,1,PA,. x .,\"['normal']\"",
        "b.png,1,PA,. x .,nan",
        'c.png,1,PA,. x .,"[""exclude""]"',
        'd.png,1,EXCLUDE,. x .,"[""normal""]"',
        'e.png,2,L, . ,"[""normal""]"',
        f'f.png,2,L,x,"[open(""{tmp_path}/ran.pkl"", ""w"").name]"',
        "g.png,2,L,x,[]",
    ]
    (tmp_path / "padchest.csv").write_text(head + "\n".join(rows) + "\n")
    for number, row in enumerate(rows):
        save16(tmp_path / "0" / row.split(",")[0], number)
    records, unreadable = read(tmp_path, "padchest")
    assert bins(unreadable) == {"no labels": 2, "excluded": 2, "bad label": 1}
    filtered = [item for item in unreadable if isinstance(item, LeftOut)]
    assert bins(filtered) == {"no labels": 2, "excluded": 2}, "the set's own rule is no fault of the delivery"
    assert records["padchest/a"].turns and not records["padchest/e"].turns, "an empty report says nothing"
    assert records["padchest/e"].facts["view"] == "lateral"


def test_covid_images_are_found_by_patient_and_a_and_b_are_one(public, read, tmp_path):
    shutil.copytree(public / "covid-figure1", tmp_path / "covid")
    rows = table(tmp_path / "covid" / "metadata.csv", encoding="cp1252")
    images = {path.stem for path in (tmp_path / "covid" / "images").iterdir()}
    records, unreadable = read(tmp_path / "covid", "covid-cxr")
    named = [row["patientid"] for row in rows if row["patientid"] in images]
    assert (
        0 < len(named) < len(rows)
        and len(records) == len(named)
        and bins(unreadable)["missing image"] == len(rows) - len(named)
    )
    assert bins(unreadable)["unnamed image"] == len(images - set(named))
    assert records["covid-cxr/COVID-00003a"].subject == records["covid-cxr/COVID-00003b"].subject == "COVID-00003"
    patients = {name.rstrip("abcdefgh") for name in named}
    assert {record.subject for record in records.values()} == patients
    sick = sum(row["finding"] == "COVID-19" for row in rows if row["patientid"] in images)
    assert sum(record.facts.get("description") == "COVID-19" for record in records.values()) == sick > 0
    assert not any({"findings", "absent_findings"} & set(record.facts) for record in records.values()), (
        "the diagnosis is the patient's, and a film taken before may be clear"
    )
    assert all(record.modality is Modality.XRAY and not record.turns for record in records.values())


def test_covid_rows_of_ieee8023_name_their_file(read, draw, tmp_path):
    """Columns as the set's documentation has them."""
    (tmp_path / "metadata.csv").write_text(
        "patientid,finding,view,modality,folder,filename,license\n"
        "2,Pneumonia/Viral/COVID-19,PA,X-ray,images,auntminnie-a.jpeg,CC BY-NC-SA\n"
        "3,No Finding,Axial,CT,images,slice.png,\n4,,L,PETscan,images,odd.png,\n"
    )
    with (tmp_path / "metadata.csv").open("a") as handle:
        handle.write("5,todo,PA,X-ray,images,later.png,\n")
    for number, name in enumerate(("auntminnie-a.jpeg", "slice.png", "odd.png", "later.png")):
        draw(tmp_path / "images" / name, number)
    records, unreadable = read(tmp_path, "covid-cxr")
    assert bins(unreadable) == {"unknown modality": 1}
    first, second = records["covid-cxr/auntminnie-a"], records["covid-cxr/slice"]
    assert first.licence == "CC BY-NC-SA" and first.facts["description"] == "Pneumonia; Viral; COVID-19"
    assert "findings" not in first.facts and "description" not in records["covid-cxr/later"].facts
    assert second.modality is Modality.CT and "view" not in second.facts


def test_siim_masks_have_the_area_of_their_runs(public, read, draw, tmp_path):
    shutil.copy(public / HEADS / "siim-pneumothorax-train-rle.head200.csv", tmp_path / "train-rle.csv")
    rows = table(tmp_path / "train-rle.csv")
    for number, row in enumerate(rows[:30]):
        draw(tmp_path / "dicom-images-train" / row["ImageId"] / f"{row['ImageId']}.png", number)
    records, unreadable = read(tmp_path, "siim")
    assert len(rows) > 30 and len(records) == 30
    assert bins(unreadable) == {"missing image": len({row["ImageId"] for row in rows}) - 30}
    for row in rows[:30]:
        record = records[f"siim/{row['ImageId']}"]
        runs = row[" EncodedPixels"]
        assert (runs == "-1") == ("pneumothorax" in listed(record, "absent_findings")) == (not record.targets)
        if runs != "-1":
            mask = mask_of(runs)
            assert mask.sum() == sum(map(int, runs.split()[1::2]))
            drawn = decode_stored(record.targets["pneumothorax_map"])
            assert drawn.shape == (60, 80) and set(np.unique(drawn)) <= {0, 255}
            assert abs(drawn.mean() / 255 - mask.mean()) < 0.005


def test_siim_runs_go_down_the_columns_and_several_rows_are_one_mask(read, draw, tmp_path):
    mask = mask_of("1 2 1021 3")
    assert [tuple(map(int, place)) for place in np.argwhere(mask)] == [(0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]
    (tmp_path / "train-rle.csv").write_text(
        "ImageId, EncodedPixels\n1.2.3, 0 524288\n1.2.3, 524288 524288\n1.2.4, 7\n1.2.5, 1048570 90\n1.2.6,\n"
    )
    for number, name in enumerate(("1.2.3", "1.2.4", "1.2.5")):
        draw(tmp_path / f"{name}.png", number)
    records, unreadable = read(tmp_path, "siim")
    assert bins(unreadable) == {"bad mask": 2, "missing field": 1}
    assert (decode_stored(records["siim/1.2.3"].targets["pneumothorax_map"]) == 255).all()


def test_vindr_rows_of_the_competition(public, read, draw, tmp_path):
    shutil.copy(public / HEADS / "vinbigdata-train.head200.csv", tmp_path / "train.csv")
    rows = table(tmp_path / "train.csv")
    for number, row in enumerate(rows[:60]):
        draw(tmp_path / "train" / f"{row['image_id']}.png", number)
    meta = "".join(f"{row['image_id']},4000,5000\n" for row in rows)
    (tmp_path / "train_meta.csv").write_text("image_id,dim0,dim1\n" + meta)
    records, unreadable = read(tmp_path, "vindr-cxr")
    assert len(records) == 60 and bins(unreadable) == {"missing image": len(rows) - 60}
    boxed = sum(bool(row["x_min"]) for row in rows[:60])
    assert sum(bool(record.turns) for record in records.values()) == boxed > 0
    for row in rows[:60]:
        record = records[f"vindr-cxr/{row['image_id']}"]
        if row["x_min"]:
            x0, y0, x1, y1 = (float(row[name]) for name in ("x_min", "y_min", "x_max", "y_max"))
            expected = [round(1000 * value) for value in (x0 / 5000, y0 / 4000, x1 / 5000, y1 / 4000)]
            assert record.turns[0].answer == str(expected)
        assert ("cardiomegaly" in listed(record, "findings")) == (row["class_name"] == "Cardiomegaly")


def test_vindr_readers_vote(read, draw, tmp_path):
    """Files in the layout of the set's documentation: three readers, one of them alone with a nodule."""
    folder = tmp_path / "annotations"
    folder.mkdir()
    (folder / "annotations_train.csv").write_text(
        "image_id,rad_id,class_name,x_min,y_min,x_max,y_max\n"
        "a,R1,Cardiomegaly,10,20,40,50\na,R2,Cardiomegaly,20,10,50,40\na,R1,Nodule/Mass,1,1,5,5\n"
        "a,R3,Cardiomegaly,70,50,79,59\na,R3,Cardiomegaly,1,y,3,4\n"
    )
    (folder / "image_labels_train.csv").write_text(
        "image_id,rad_id,Cardiomegaly,Nodule/Mass,Pneumothorax,No finding\n"
        "a,R1,1,1,0,0\na,R2,1,0,0,0\na,R3,1,0,0,0\nb,R1,0,0,1,0\nb,R2,0,0,1,0\nb,R3,0,0,0,1\n"
    )
    (tmp_path / "train_meta.csv").write_text("image_id,dim0,dim1\na,60,80\n")
    draw(tmp_path / "train" / "a.png")
    draw(tmp_path / "train" / "b.png", 1)
    records, unreadable = read(tmp_path, "vindr-cxr")
    assert bins(unreadable) == {"bad box": 1}
    first, second = records["vindr-cxr/a"], records["vindr-cxr/b"]
    assert listed(first, "findings") == {"cardiomegaly", "any abnormality"}
    assert listed(first, "absent_findings") == {"pneumothorax"}, "a nodule that one of three sees is neither"
    assert [turn.answer for turn in first.turns] == ["[125, 167, 625, 833]"], "the hull of what two readers drew"
    assert "any abnormality" in listed(second, "findings") and first.delivered_split is Split.TRAIN


def test_vindr_boxes_are_asked_in_the_size_of_pictures_that_hold_them(read, draw, tmp_path):
    """No table of sizes: 80 x 60 pictures, then one more whose boxes show that all are smaller copies."""
    head = "image_id,class_name,rad_id,x_min,y_min,x_max,y_max\n"
    rows = "a,Cardiomegaly,R1,8,6,40,30\nb,No finding,R1,,,,\n"
    (tmp_path / "train.csv").write_text(head + rows)
    for number, name in enumerate("abc"):
        draw(tmp_path / "train" / f"{name}.png", number)
    records, (unnamed,) = read(tmp_path, "vindr-cxr")
    assert [turn.answer for turn in records["vindr-cxr/a"].turns] == ["[100, 100, 500, 500]"]
    assert unnamed.reason == "unnamed image"
    (tmp_path / "train.csv").write_text(head + rows + "c,Cardiomegaly,R1,691,1375,1653,1831\n")
    records, left_out = read(tmp_path, "vindr-cxr")
    assert len(records) == 3 and not any(record.turns for record in records.values())
    assert "cardiomegaly" in listed(records["vindr-cxr/a"], "findings")
    assert [item.reason for item in left_out] == ["not read"] * 2 and "train_meta.csv" in left_out[0].detail


def test_tbx11k_folders_and_boxes(public, read, tmp_path):
    shutil.copytree(public / "cxr-tests" / "tbx11k_test_data", tmp_path / "tbx")
    records, unreadable = read(tmp_path / "tbx", "tbx11k")
    assert not unreadable and len(records) == 3
    healthy, active = records["tbx11k/health/h0001"], records["tbx11k/tb/tb0005"]
    assert listed(healthy, "absent_findings") == {"tuberculosis", "any abnormality"} and not healthy.turns
    assert listed(active, "findings") == {"active tuberculosis", "tuberculosis", "any abnormality"}
    marks = json.loads((tmp_path / "tbx" / "annotations" / "json" / "TBX11K_train.json").read_text())["annotations"]
    x, y, width, height = marks[0]["bbox"]
    box = (x, y, x + width, y + height)
    assert active.turns[0].answer == str([round(1000 * value / 512) for value in box])
    assert len(records["tbx11k/tb/tb0007"].turns[0].answer.split("] [")) == 2
    assert {record.delivered_split for record in records.values()} == {Split.TRAIN}


def test_rsna_boxes_and_classes(read, draw, tmp_path):
    """Columns as the competition's documentation has them."""
    (tmp_path / "stage_2_train_labels.csv").write_text(
        "patientId,x,y,width,height,Target\na,512,0,256,512,1\na,0,512,256,256,1\nb,,,,,0\nc,,,,,0\nd,1000,0,90,90,1\n"
    )
    (tmp_path / "stage_2_detailed_class_info.csv").write_text(
        "patientId,class\na,Lung Opacity\na,Lung Opacity\nb,Normal\nc,No Lung Opacity / Not Normal\nd,Lung Opacity\n"
    )
    for number, name in enumerate("abcd"):
        draw(tmp_path / "stage_2_train_images" / f"{name}.png", number)
    records, unreadable = read(tmp_path, "rsna")
    assert bins(unreadable) == {"bad box": 1}
    assert [turn.answer for turn in records["rsna/a"].turns] == ["[0, 500, 250, 750] [500, 0, 750, 500]"]
    assert "any abnormality" in listed(records["rsna/b"], "absent_findings")
    assert listed(records["rsna/c"], "absent_findings") == {"lung opacity"}


@pytest.mark.parametrize(
    "name", ["nih-cxr", "chexpert", "padchest", "vindr-cxr", "siim", "rsna", "covid-cxr", "tbx11k"]
)
def test_an_image_that_no_row_names_is_counted(read, draw, tmp_path, name):
    draw(tmp_path / "images" / "stranger.png")
    (tmp_path / "link.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "weights.pkl").write_bytes(b"\x80")
    records, unreadable = read(tmp_path, name)
    assert not records and bins(unreadable) == {"unnamed image": 2, "pickle refused": 1}


def test_the_patient_of_a_dicom_file_is_its_headers(raw, read, tmp_path):
    import pydicom

    name = "J2K_pixelrep_mismatch.dcm"
    shutil.copy(raw / "dicom" / name, tmp_path / "1.2.3.dcm")
    (tmp_path / "train-rle.csv").write_text("ImageId, EncodedPixels\n1.2.3, -1\n")
    (record,) = read(tmp_path, "siim")[0].values()
    header = pydicom.dcmread(raw / "dicom" / name)
    assert record.subject == header.PatientID != ""
    assert record.image.decode().shape == (header.Rows, header.Columns)
