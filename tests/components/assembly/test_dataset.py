"""What comes out of the sealed data set is what went in, by index, without loading it whole."""

import io
import json
import pickle
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from components.assembly.dataset import IMAGE_SCHEMA, Dataset, ImageShape
from components.records.record import Provenance
from components.records.sample import Clinical, Image, Sample, Text
from components.records.schema import BENCHMARK_SCHEMA, SAMPLE_SCHEMA, SCHEMA_VERSION, sample_row
from components.records.shards import write_shards
from components.records.vocabulary import ImageRole, Modality, Split, TaskGroup
from components.storage.keys import sha256_bytes


def png(seed: int, height: int = 12, width: int = 20) -> bytes:
    out = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width), dtype=np.uint8)
    PIL.Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def sample(number: int) -> Sample:
    image = png(number)
    return Sample(
        id=f"mri/case-{number:04d}#vqa-0",
        source="mri",
        group=TaskGroup.I2T,
        task="vqa",
        modality=Modality.MRI,
        anatomy="brain",
        patient_key="p",
        split=Split.TRAIN,
        pieces=(
            Image(role=ImageRole.UNDERSTAND, data=image, sha256=sha256_bytes(image)),
            Clinical(fields={"Age": "74", "Sex": "F"}),
            Text(text="Which plane?"),
            Text(text=f"axial {number}", supervised=True),
        ),
        licence="CC0",
        provenance=Provenance(file="a.nii", locator=f"axial {number}", sha256="0", method="template"),
    )


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    sealed = [
        (
            "samples",
            "train",
            write_shards(map(sample_row, map(sample, range(150))), SAMPLE_SCHEMA, tmp_path, "train", 20_000),
        ),
        ("samples", "val", write_shards([], SAMPLE_SCHEMA, tmp_path, "val", 20_000)),
        ("images", "all", write_shards([], IMAGE_SCHEMA, tmp_path, "images", 20_000)),
        ("benchmark", "benchmark", write_shards([], BENCHMARK_SCHEMA, tmp_path, "benchmark", 20_000)),
    ]
    shards = [
        {
            "kind": kind,
            "split": split,
            "file": s.file,
            "rows": s.rows,
            "bytes": s.bytes,
            "md5": s.md5,
            "sha256": s.sha256,
        }
        for kind, split, shards in sealed
        for s in shards
    ]
    (tmp_path / "manifest.json").write_text(
        json.dumps({"schema": SCHEMA_VERSION, "dataset_id": "abc", "shards": shards})
    )
    return tmp_path


def test_every_sample_comes_back_whole_and_in_order_from_several_shards(dataset: Path) -> None:
    index = Dataset(dataset).samples("train")
    assert len(index) == 150
    assert len(list(dataset.glob("train-*.parquet"))) > 1
    assert list(index) == [sample(number) for number in range(150)]
    assert index.read(149) == sample(149)
    assert index.ids[149] == sample(149).id
    assert index.column("group")[0] == "i2t" and index.column("task")[7] == "vqa"


def test_layout_gives_texts_and_image_sizes_without_image_bytes(dataset: Path) -> None:
    index = Dataset(dataset).samples("train")
    _, pieces = index.read_with_layout(3)
    rows = list(index.layouts())
    assert rows[3] == (sample(3).id, "i2t", sample(3).source, pieces)
    assert [name for name, *_ in rows] == list(index.ids)
    shape, fields, question, answer = pieces
    assert shape == ImageShape(role=ImageRole.UNDERSTAND, width=20, height=12)
    assert fields == Clinical(fields={"Age": "74", "Sex": "F"})
    assert question == Text(text="Which plane?")
    assert answer == Text(text="axial 3", supervised=True)


def test_an_index_travels_to_another_process(dataset: Path) -> None:
    index = pickle.loads(pickle.dumps(Dataset(dataset).samples("train")))
    assert index.read(5) == sample(5)


def test_a_split_without_samples_is_an_empty_index_and_an_unknown_one_an_error(dataset: Path) -> None:
    assert len(Dataset(dataset).samples("val")) == 0
    with pytest.raises(ValueError, match=r"no samples of split 'tests'; known: train, val"):
        Dataset(dataset).samples("tests")


def test_a_cut_shard_is_named_when_the_dataset_is_opened(dataset: Path) -> None:
    shard = dataset / "train-00000.parquet"
    shard.write_bytes(shard.read_bytes()[:-10])
    with pytest.raises(ValueError, match=r"train-00000\.parquet has \d+ bytes, the manifest says"):
        Dataset(dataset)
