"""CheXpert in the layouts that it is published and unpacked in (tests/samples), counted independently."""

import shutil
from collections import Counter

from components.records.record import LeftOut
from components.records.vocabulary import Split, TurnKind
from tests.components.sources.chest_tables import HEADS, bins, listed, table


def test_chexpert_uncertain_is_neither_yes_nor_no(public, read, draw, tmp_path):
    shutil.copy(public / HEADS / "chexpert_train.head200.csv", tmp_path / "train.csv")
    rows = table(tmp_path / "train.csv")
    for number, row in enumerate(rows):
        draw(tmp_path / row["Path"], number)
    draw(tmp_path / "CheXpert-v1.0-small" / "train" / "patient99999" / "study1" / "view1_frontal.jpg", 7)
    records, unreadable = read(tmp_path, "chexpert")
    assert len(rows) == len(records) and bins(unreadable) == {"unnamed image": 1}
    said = Counter()
    for row in rows:
        record = records["chexpert/" + row["Path"].removeprefix("CheXpert-v1.0-small/").removesuffix(".jpg")]
        assert record.subject == row["Path"].split("/")[2] and record.delivered_split is Split.TRAIN
        assert record.facts["view"] == (row["AP/PA"] or "lateral") and not record.turns
        none = row["No Finding"] == "1.0" and row["Edema"] == ""
        where = {"1.0": "findings", "0.0": "absent_findings"}.get("0.0" if none else row["Edema"])
        for fact in ("findings", "absent_findings"):
            assert ("pulmonary oedema" in listed(record, fact)) == (fact == where)
            said[fact, "pulmonary oedema"] += fact == where
    edema = Counter(row["Edema"] for row in rows)
    assert edema["-1.0"] > 0 and said["findings", "pulmonary oedema"] == edema["1.0"] > 0
    none = sum(row["No Finding"] == "1.0" and row["Edema"] == "" for row in rows)
    assert said["absent_findings", "pulmonary oedema"] == edema["0.0"] + none and edema["0.0"] > 0
    assert not any("any abnormality" in listed(record, "absent_findings") for record in records.values())


def test_chexpert_never_takes_another_patients_view_for_the_one_named(read, draw, tmp_path):
    (tmp_path / "valid.csv").write_text("Path,Edema\nCheXpert-v1.0/valid/patient1/study1/view1_frontal.jpg,1\n")
    draw(tmp_path / "valid" / "patient2" / "study1" / "view1_frontal.jpg")
    records, unreadable = read(tmp_path, "chexpert")
    assert not records and bins(unreadable) == {"missing image": 1, "unnamed image": 1}
    draw(tmp_path / "valid" / "patient1" / "study1" / "view1_frontal.png", 1)
    records, _ = read(tmp_path, "chexpert")
    assert records["chexpert/valid/patient1/study1/view1_frontal"].delivered_split is Split.VAL


def test_chexpert_5x200_has_reports(public, read, draw, tmp_path):
    # A head of the published file may end inside its last cell: then its quote is closed here.
    said = (public / "unimed-clip" / "chexpert-5x200.csv").read_text()
    (tmp_path / "chexpert-5x200.csv").write_text(said + '"\n' * (said.count('"') % 2))
    rows = table(tmp_path / "chexpert-5x200.csv")
    for number, row in enumerate(rows):
        draw(tmp_path / row["imgpath"], number)
    records, unreadable = read(tmp_path, "chexpert")
    silent = sum(not row["Report Impression"].strip() for row in rows)
    assert len(records) == len(rows) and not unreadable, "a row without a report keeps its labels"
    assert sum(not record.turns for record in records.values()) == silent
    study = rows[1]["imgpath"].removeprefix("CheXpert-v1.0-small/").rpartition("/")[0]
    record = records[f"chexpert/{study}/report"]
    assert record.turns[0].answer == f"Impression: {' '.join(rows[1]['Report Impression'].split())}"


def test_chexpert_plus_reports_are_of_a_study_with_all_its_views(read, draw, tmp_path):
    """Columns as the set's documentation has them: no copy of it lies with the samples."""
    (tmp_path / "df_chexpert_plus_240401.csv").write_text(
        "path_to_image,frontal_lateral,ap_pa,deid_patient_id,split,section_findings,section_impression\n"
        'train/patient1/study2/view1_lateral.jpg,Lateral,,patient1,train,"Clear\nlungs.",Normal.\n'
        'train/patient1/study2/view2_frontal.jpg,Frontal,AP,patient1,train,"Clear\nlungs.",Normal.\n'
        "train/patient1/study3/view1_frontal.jpg,Frontal,AP,patient1,train,,\n"
    )
    for number, view in enumerate(("study2/view1_lateral", "study2/view2_frontal", "study3/view1_frontal")):
        draw(tmp_path / "PNG" / "train" / "patient1" / f"{view}.png", number)
    records, unreadable = read(tmp_path, "chexpert")
    (record,) = records.values()
    assert record.id == "chexpert/train/patient1/study2/report" and len(record.images) == 2
    assert record.facts["view"] == "AP", "the frontal view stands first"
    assert record.turns[0].answer == "Findings: Clear lungs.\nImpression: Normal."
    assert record.turns[0].kind is TurnKind.REPORT and record.subject == "patient1"
    assert bins(unreadable) == {"empty text": 1} and isinstance(unreadable[0], LeftOut)


def test_chexpert_as_its_archives_unpack_with_other_labellers_tables_beside_it(read, draw, tmp_path):
    head = "Path,Frontal/Lateral,AP/PA,No Finding,Edema\n"
    row = "CheXpert-v1.0/{},Frontal,AP,,1.0\n"
    paths = [f"train/patient{n:05d}/study1/view1_frontal.jpg" for n in range(1, 81)]
    valid = "valid/patient64541/study1/view1_frontal.jpg"
    first = tmp_path / "CheXpert-v1.0 batch 1 (validate & csv)"
    first.mkdir()
    for name in ("train.csv", "train_cheXbert.csv", "train_visualCheXbert.csv"):
        (first / name).write_text(head + "".join(row.format(path) for path in paths))
    (first / "valid.csv").write_text(head + row.format(valid))
    draw(first / valid, 99)
    for number, path in enumerate(paths):
        batch = "batch 2 (train 1)" if number < 40 else "batch 3 (train 2)"
        draw(tmp_path / f"CheXpert-v1.0 {batch}" / path.removeprefix("train/"), number)
    records, unreadable = read(tmp_path, "chexpert")
    assert len(records) == 81 and "chexpert/train/patient00080/study1/view1_frontal" in records
    assert records["chexpert/valid/patient64541/study1/view1_frontal"].delivered_split is Split.VAL
    assert bins(unreadable) == {"further labels": 2} and all(isinstance(item, LeftOut) for item in unreadable)
