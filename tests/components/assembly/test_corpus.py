"""Validated records are read with facts first, images on demand."""

from pathlib import Path

import numpy as np
import pytest

from components.assembly.corpus import Corpus, is_coloured, pixel_hash
from components.storage.workspace import Workspace


def test_grey_and_the_same_image_as_rgb_are_equal_and_another_shape_is_not() -> None:
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert pixel_hash(grey) == pixel_hash(np.repeat(grey[..., None], 3, axis=2))
    assert pixel_hash(grey) != pixel_hash(grey.reshape(4, 3))


def test_colour_is_seen_in_a_small_doppler_patch_but_not_in_grey_rgb() -> None:
    image = np.full((50, 50, 3), 90, np.uint8)
    assert not is_coloured(image)
    image[:5, :5] = (200, 40, 40)
    assert is_coloured(image)


def test_images_come_by_id_and_colour_is_measured_where_no_label_says_it(
    assemble_corpus, corpus, tmp_path: Path
) -> None:
    assemble_corpus(name="a")
    found = Corpus(Workspace(tmp_path / "a").validated, ["tissue", "mri"])
    by_id = {record.id: record for record in [*corpus["tissue"], *corpus["mri"]]}
    assert [entry.id for entry in found.entries] == sorted(by_id)
    for entry in found.entries[::7]:
        image, targets, more = found.images(entry.id)
        assert image == by_id[entry.id].image and more == []
        assert targets == dict(by_id[entry.id].targets) and set(entry.targets) == set(targets)
        assert entry.facts["colour"] == ("yes" if entry.source == "tissue" else "no")


def test_a_source_that_was_not_validated_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds no records; run `unimed retrain` to validate ct"):
        Corpus(tmp_path, ["ct"])
