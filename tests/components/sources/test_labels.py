import pytest

from components.images.limits import ImageError
from components.records.record import Provenance, Record
from components.records.schema import record_row, record_table
from components.records.vocabulary import Modality
from components.sources.labels import Labels
from components.sources.reading.stored_labels import StoredLabels


def write(folder, text: str | bytes) -> Labels:
    path = folder / "labels.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Labels.read(folder)


def record(file: str = "a/b.png") -> Record:
    return Record(
        id="s/1",
        source="s",
        subject="x",
        modality=Modality.CT,
        anatomy="chest",
        image=b"",
        facts={"plane": "axial", "colour": "no"},
        licence="CC0",
        provenance=Provenance(file=file),
    )


def test_no_file_means_no_labels(tmp_path):
    assert Labels.read(tmp_path).of("a") == {}


def test_the_nearest_label_wins(tmp_path):
    labels = write(tmp_path, "\ufefffile,fact,value\n*,plane,sagittal\na/,plane,coronal\na/b.png,anatomy,heart\n")
    assert labels.of("a/b.png") == {"plane": "coronal", "anatomy": "heart"}
    assert labels.of("c.png") == {"plane": "sagittal"}
    assert labels.missing({"a/b.png"}) == []
    assert labels.missing({"c.png"}) == ["a/", "a/b.png"]


def test_labels_override_and_add(tmp_path):
    labels = write(
        tmp_path,
        "file,fact,value\na/b.png,modality,MRI\na/b.png,subject,y\na/b.png,tumour,no\na/b.png,crop,0 0 5 5\n",
    )
    changed = labels.apply(record())
    assert changed.modality is Modality.MRI
    assert changed.subject == "y"
    assert changed.facts == {"plane": "axial", "colour": "no", "tumour": "no"}
    assert labels.apply(record("other.png")) == record("other.png")


@pytest.mark.parametrize("mark", [";", "\t"])
def test_a_spreadsheet_s_own_marks_and_order_of_columns_are_read(tmp_path, mark):
    rows = (("fact", "value", "file"), ("anatomy", '"heart"', "a b.png"))
    labels = write(tmp_path, "\ufeff" + "".join(mark.join(row) + "\r\n" for row in rows))
    assert labels.of("a b.png") == {"anatomy": "heart"}


def test_a_large_table_is_looked_up_on_disk_and_says_the_same(tmp_path, monkeypatch):
    rows = [f"d{n % 7}/{n}.png,fact{n % 3},{n}" for n in range(500)]
    text = "\n".join(["file,fact,value", *rows, "*,plane,axial", "d1/,plane,coronal", "d1/1.png,fact1,again", ""])
    small = write(tmp_path, text)
    monkeypatch.setattr("components.sources.labels._IN_MEMORY", 100)
    large = Labels.read(tmp_path)
    assert isinstance(large.by_file, StoredLabels) and not isinstance(small.by_file, StoredLabels)
    names = {f"d{n % 7}/{n}.png" for n in range(500)}
    assert [list(large.of(name).items()) for name in sorted(names)] == [
        list(small.of(name).items()) for name in sorted(names)
    ]
    assert large.of("d1/1.png") == {"plane": "coronal", "fact1": "again"}
    assert large.missing({"d1/1.png"}) == small.missing({"d1/1.png"}) == sorted(names - {"d1/1.png"})


def test_unknown_modality_is_a_mislabelled_record(tmp_path):
    with pytest.raises(ImageError) as caught:
        write(tmp_path, "file,fact,value\na/b.png,modality,MRT\n").apply(record())
    assert caught.value.reason == "mislabelled"
    assert "MRT" in caught.value.detail


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,what\na,b\n", "needs the columns file, fact, value"),
        ("file,fact,value\na,b\n", "line 2 does not hold"),
        ("file,fact,value\na,b,c,d\n", "line 2 does not hold"),
        ("file,fact,value\n,b,c\n", "line 2 does not hold"),
        (b"file,fact,value\na,b,\xff\n", "line 2 .* byte 0xff .* is not UTF-8"),
        (b"\x00\x00", "1 cells where the header has 3"),
        ('file,fact,value\n"a,b,c\n', "a quote opened in line 2 is not closed"),
    ],
)
def test_broken_tables_say_where(tmp_path, text, words):
    with pytest.raises(ImageError, match=words) as caught:
        write(tmp_path, text)
    assert caught.value.reason == "bad labels"


@pytest.mark.parametrize("text", ["1 2 3", "a b c d", "5 5 5 9", "-1 0 4 4"])
def test_crop_must_be_a_box(tmp_path, text):
    with pytest.raises(ImageError, match="crop of a"):
        write(tmp_path, f"file,fact,value\na,crop,{text}\n").crop("a")


def test_every_fact_is_written_with_who_says_it_and_labels_csv_says_its_own(tmp_path, read, draw) -> None:
    draw(tmp_path / "a.png")
    (tmp_path / "labels.csv").write_text("file,fact,value\n*,plane,axial\n*,modality,CT\n*,laterality,left\n")
    (record,) = read(tmp_path, "hub", "images")[0].values()
    row = record_table([record_row(record, patient_key="k")]).to_pylist()[0]
    assert dict(row["origins"]).keys() == dict(row["facts"]).keys()
    assert dict(row["origins"]) == {"colour": "pixels", "plane": "label", "laterality": "label"}
