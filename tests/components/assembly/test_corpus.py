"""Validated records are read with facts first, images on demand."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from components.assembly.corpus import Corpus
from components.storage.workspace import Workspace


def test_images_come_by_id(assemble_corpus, corpus, tmp_path: Path) -> None:
    assemble_corpus(name="a")
    found = Corpus(Workspace(tmp_path / "a").validated, ["tissue", "mri"])
    by_id = {record.id: record for record in [*corpus["tissue"], *corpus["mri"]]}
    assert [entry.id for entry in found.entries] == sorted(by_id)
    for entry in found.entries[::7]:
        image, targets, more = found.images(entry)
        assert image == by_id[entry.id].image.data and more == []
        assert targets == dict(by_id[entry.id].targets) and set(entry.targets) == set(targets)


def test_records_that_were_validated_before_origins_were_written_are_read(assemble_corpus, tmp_path: Path) -> None:
    assemble_corpus(name="a")
    validated = Workspace(tmp_path / "a").validated
    assert all(entry.origins.keys() == entry.facts.keys() for entry in Corpus(validated, ["mri"]).entries)
    for file in (validated / "mri").glob("records-*.parquet"):
        pq.write_table(pq.read_table(file).drop_columns(["origins"]), file)
    older = Corpus(validated, ["mri"]).entries
    assert older and all(entry.facts and not entry.origins for entry in older)


def test_a_source_that_was_not_validated_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds no records; run `unimed retrain` to validate ct"):
        Corpus(tmp_path, ["ct"])
