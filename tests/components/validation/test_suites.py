import numpy as np
import pytest

from components.records.vocabulary import Modality
from components.validation.suites import run_suite, table


@pytest.fixture
def failures(settings):
    def run(*records):
        return run_suite(table(records), settings)

    return run


def colourful() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 255, (50, 60, 3), dtype=np.uint8)


def test_good_records_break_nothing(failures, make):
    good = make("a", facts={"plane": "axial", "organs": "liver;right kidney", "level": "upper", "colour": "no"})
    assert failures(good, make("b"), make("c", facts={})) == []


def test_a_pale_stain_is_no_grey_image(failures, make):
    pale = np.random.default_rng(3).integers(200, 215, (50, 60, 3), dtype=np.uint8)
    pale[:3, :3] = (170, 190, 205)
    tissue = {"modality": Modality.HISTOPATHOLOGY, "anatomy": "tissue", "facts": {"stain": "immunohistochemistry"}}
    assert not make("a", pale).image.colour
    assert failures(make("a", pale, **tissue, targets={"cell_map": b""})) == []


def test_nothing_to_judge_is_no_failure(failures):
    assert failures() == []


@pytest.mark.parametrize(
    ("fields", "reason", "words"),
    [
        ({"facts": {"plane": "oblique"}}, "mislabelled", "plane is 'oblique'"),
        ({"facts": {"tumour": "maybe"}}, "mislabelled", "tumour is 'maybe'"),
        ({"facts": {"organs": "liver;lever"}}, "mislabelled", "organs 'lever'"),
        ({"facts": {"mood": "fine"}}, "mislabelled", "fact 'mood'"),
        ({"targets": {"t3": b""}}, "mislabelled", "target 't3'"),
        ({"facts": {"colour": "yes"}}, "mislabelled", "colour is not what the pixels show"),
        ({"anatomy": "belly"}, "mislabelled", "anatomy is 'belly'"),
        ({"modality": Modality.TEXT}, "mislabelled", "modality text is for records without"),
        ({"modality": Modality.HISTOPATHOLOGY}, "mislabelled", "colours are not those of its modality"),
        ({"image_": colourful()}, "mislabelled", "colours are not those of its modality"),
        ({"image_": np.full((50, 60), 9, np.uint8)}, "blank image", "deviation is 0.0"),
        (
            {"modality": Modality.FUNDUS, "image_": np.full((50, 60, 3), (120, 20, 20), np.uint8)},
            "blank image",
            "deviation is 0.0",
        ),
        ({"image_": np.eye(60, dtype=np.uint8)[:30] * 250}, "too small", "side is 30"),
        ({"image_": np.eye(60, dtype=np.uint8) * 255}, "clipped image", "clipped is 1.0"),
        ({"image_": np.tile(np.r_[np.full(56, 255), 90:94], (60, 1)).astype(np.uint8)}, "clipped image", "widen"),
        ({"subject": ""}, "no subject", "labels.csv"),
        ({"licence": ""}, "no licence", "labels.csv"),
    ],
)
def test_each_defect_has_its_reason_and_spares_its_neighbours(failures, make, fields, reason, words):
    image = fields.pop("image_", None) if "image_" in fields else None
    bad = make("bad", image, **fields)
    if image is not None:
        fields["image_"] = image
    found = failures(make("a"), bad, make("z"))
    assert {failure.id for failure in found} == {"s/bad"}
    assert found[0].reason == reason
    assert words in found[0].detail
    assert "expect_column_values" in found[0].expectation


def test_size_limit_is_the_recipes(make):
    from components.recipes.validation import ValidationSettings

    record = make("a")
    (failure,) = run_suite(
        table([record]),
        ValidationSettings(min_side=1, max_pixels=2999, stop_above=0.5),
    )
    assert failure.reason == "too large"
    assert "pixels is 3000" in failure.detail


def test_both_holders_of_an_id_are_named(failures, make):
    found = failures(make("a"), make("a"), make("b"))
    assert [failure.reason for failure in found] == ["duplicate id"] * 2


def test_two_defects_come_in_the_order_of_the_suite(failures, make):
    found = failures(make("a", np.full((50, 60), 9, np.uint8), facts={"plane": "oblique"}))
    assert [failure.reason for failure in found] == ["mislabelled", "blank image"]


def test_a_blank_or_small_image_is_called_so_and_not_mislabelled_by_its_colour(failures, make):
    eye = {"modality": Modality.FUNDUS, "facts": {"colour": "no"}}
    blank, small = make("blank", np.zeros((50, 60), np.uint8), **eye), make("small", np.eye(8, dtype=np.uint8), **eye)
    first: dict[str, str] = {}
    for failure in failures(blank, small):
        first.setdefault(failure.id, failure.reason)
    assert first == {"s/blank": "blank image", "s/small": "too small"}


def test_a_claim_that_does_not_hold_is_told_in_words(failures, make):
    (found,) = failures(make("a", modality=Modality.HISTOPATHOLOGY))
    assert found.detail == "its colours are not those of its modality; correct labels.csv"
