"""The published score: read strictly, scaled over the source, never guessed."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.assembly.alignment.published import PublishedAlignment


def write(folder: Path, **columns: object) -> Path:
    known = {"id": ["mri/a", "mri/b", "mri/c"], "caption_cosine": [0.7, 0.9, 0.8], "image_text": [0.1, 0.2, 0.5]}
    table = {name: column for name, column in {**known, **columns}.items() if column is not None}
    pq.write_table(pa.table(table), folder / "mri.parquet")
    return folder


def scores(folder: Path, make_entry, *names: str) -> list[float | None]:
    return PublishedAlignment(folder, ["mri"]).scores("mri", [make_entry(name) for name in names])


def test_the_score_is_half_of_each_number_scaled_over_the_source(tmp_path, make_entry) -> None:
    found = scores(write(tmp_path), make_entry, "c", "a", "b")
    assert found == pytest.approx([0.5 * 0.5 + 0.5 * 1.0, 0.0, 0.5 * 1.0 + 0.5 * 0.25])


def test_it_is_scaled_over_the_records_that_are_ranked_alone(tmp_path, make_entry) -> None:
    assert scores(write(tmp_path), make_entry, "b", "c") == pytest.approx([0.5, 0.5])
    assert scores(write(tmp_path), make_entry, "b") == [0.5], "one record tells nothing apart"


@pytest.mark.parametrize("kind", [pa.list_(pa.float32()), pa.list_(pa.float64(), 5), pa.large_list(pa.float32())])
def test_of_five_cosines_the_largest_counts(tmp_path, make_entry, kind) -> None:
    five = pa.array([[0.7, 0.1, 0.2, 0.3, 0.4], [0.5, 0.9, 0.1, 0.1, 0.1], [0.0, 0.1, 0.2, 0.3, 0.8]], type=kind)
    found = scores(write(tmp_path, caption_cosine=five), make_entry, "a", "b", "c")
    assert found == pytest.approx(scores(write(tmp_path), make_entry, "a", "b", "c"))


def test_half_precision_and_rows_of_other_records_are_taken(tmp_path, make_entry) -> None:
    half = np.array([0.7, 0.9, 0.8], np.float16)
    assert scores(write(tmp_path, caption_cosine=half), make_entry, "a", "b") == pytest.approx([0.0, 1.0])


def test_a_source_without_captions_needs_no_file(tmp_path) -> None:
    PublishedAlignment(tmp_path, ["mri", "web"])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"caption_cosine": [0.7, float("nan"), 0.8]}, r"mri.parquet, column caption_cosine: .*finite.*\(mri/b\)"),
        (
            {"image_text": [None, 0.2, float("inf")]},
            r"column image_text: 2 rows hold no finite number \(mri/a, mri/c\)",
        ),
        ({"image_text": [-9.5, 0.2, 0.3]}, r"column image_text: 1 rows lie outside -1 to 1 \(mri/a\).*not a logit"),
        (
            {"id": ["mri/a", "mri/a", "mri/c"]},
            r"column id: 1 ids stand there more than once \(mri/a\); one row a record",
        ),
        ({"id": ["mri/a", None, "mri/c"]}, r"column id: 1 rows have none"),
        ({"id": [1, 2, 3]}, r"column id is of type int64; the record's id, a string, is needed"),
        ({"image_txt": [1, 2, 3]}, r"unknown column 'image_txt'; did you mean 'image_text'\?; leave it out"),
        ({"image_text": None}, r"column image_text is missing"),
        ({"image_text": ["a", "b", "c"]}, r"column image_text is of type string; a number is needed"),
        (
            {"caption_cosine": [["a"]] * 3},
            r"column caption_cosine is of type list.*; a number or a list of 5 is needed",
        ),
        (
            {"caption_cosine": [[0.1] * 5, [0.1] * 4, None]},
            r"caption_cosine: 2 rows have not 5 numbers \(mri/b, mri/c\)",
        ),
        (
            {"caption_cosine": [[0.1] * 5, [0.1, 0.1, None, 0.1, 0.1], [0.2] * 5]},
            r"column caption_cosine: 1 rows hold no finite number \(mri/b\)",
        ),
    ],
)
def test_what_is_wrong_is_named_with_file_column_and_record(tmp_path, columns, message) -> None:
    with pytest.raises(ValueError, match=message):
        PublishedAlignment(write(tmp_path, **columns), ["mri"])


def test_everything_wrong_in_one_kind_is_listed_at_once(tmp_path) -> None:
    folder = write(tmp_path, caption_cosine=[2.0, 0.1, 0.1], image_text=[0.1, float("nan"), 0.1])
    with pytest.raises(ValueError) as error:
        PublishedAlignment(folder, ["mri"])
    assert len(str(error.value).splitlines()) == 2


def test_a_record_without_a_row_and_a_source_without_a_file_are_errors_with_their_fix(tmp_path, make_entry) -> None:
    with pytest.raises(ValueError, match=r"mri.parquet, column id: no row for 1 of 2 .*\(mri/z\); compute"):
        scores(write(tmp_path), make_entry, "a", "z")
    with pytest.raises(ValueError, match=r"web.parquet is missing, but 1 captions .* set assembly.alignment.scorer"):
        PublishedAlignment(tmp_path, ["web"]).scores("web", [make_entry("a", source="web")])


def test_a_file_that_is_no_parquet_is_refused(tmp_path) -> None:
    (tmp_path / "mri.parquet").write_text("id,caption_cosine\n")
    with pytest.raises(ValueError, match=r"mri.parquet is not a Parquet file"):
        PublishedAlignment(tmp_path, ["mri"])
