import numpy as np
import pyarrow as pa
import pytest

from components.images.stored import StoredImage
from components.records.accounting import Account, total
from components.records.record import Provenance, Record, Turn
from components.records.sample import Clinical, Image, Sample, Text
from components.records.schema import (
    SAMPLE_SCHEMA,
    record_row,
    record_table,
    sample_from_row,
    sample_row,
    turn_from_row,
)
from components.records.vocabulary import Bin, ImageRole, Modality, Split, TaskGroup, TurnKind

IMAGE = StoredImage.of_pixels(np.zeros((3, 5), dtype=np.uint8))
PNG = IMAGE.data


def a_sample() -> Sample:
    return Sample(
        id="s/1#vqa",
        source="s",
        group=TaskGroup.I2T,
        task="vqa",
        modality=Modality.CT,
        anatomy="abdomen",
        patient_key="k",
        split=Split.TRAIN,
        pieces=(
            Image(role=ImageRole.UNDERSTAND, data=PNG, sha256="0" * 64),
            Clinical(fields={"Age": "74", "Sex": "F"}),
            Text(text="Which plane?"),
            Text(text="axial", supervised=True),
        ),
        licence="CC0",
        provenance=Provenance(file="a.nii.gz", locator="axial 3", sha256="1" * 64),
    )


def test_a_sample_survives_parquet_form():
    table = pa.Table.from_pylist([sample_row(a_sample())], schema=SAMPLE_SCHEMA)
    assert sample_from_row(table.to_pylist()[0]) == a_sample()


def test_a_clinical_record_is_rendered_in_field_order():
    assert Clinical(fields={"Age": "74", "Sex": "F"}).render() == "Age: 74; Sex: F"


def test_accounts_add_up_or_fail():
    account = Account(source="s")
    account.count(Bin.KEPT)
    account.count(Bin.QUARANTINED, "empty file")
    assert total({"s": account.to_json()})["raw"] == 2
    account.raw += 1
    with pytest.raises(ValueError, match="a record got lost"):
        account.to_json()


def test_a_records_own_conversation_and_further_images_survive_parquet_form():
    turns = (
        Turn(
            prompt="Which organ?", answer="liver", kind=TurnKind.CHOICE, options=("liver", "spleen"), images_at=(0, 5)
        ),
        Turn(prompt="", answer="Axial CT.", kind=TurnKind.CAPTION, images_at=(0,)),
    )
    record = Record(
        id="s/1",
        source="s",
        subject="ann",
        modality=Modality.CT,
        anatomy="abdomen",
        image=IMAGE,
        more_images=(IMAGE, IMAGE),
        turns=turns,
        language="zh",
        licence="CC0",
        provenance=Provenance(file="a.json", locator="row 1"),
    )
    (row,) = record_table([record_row(record, patient_key="k")]).to_pylist()
    assert tuple(turn_from_row(turn) for turn in row["turns"]) == turns
    assert (row["more_images"], row["language"]) == ([PNG, PNG], "zh")
