"""A control must change the right answer, or there is none: exchanges that change nothing test nothing."""

from dataclasses import replace

import numpy as np
import pytest

from components.evaluation.controls import grey_image, shuffled_images
from components.evaluation.images import decode, encode
from components.records.vocabulary import Modality, Split
from tests.components.evaluation.material import item, png


def group(*answers: str, **changes):
    return [item(number, reference=answer, **changes) for number, answer in enumerate(answers)]


def test_the_other_image_has_another_answer_and_is_of_another_patient():
    items = group("CT", "CT", "MRI", "MRI")
    shown = shuffled_images(items, same_modality=False)
    by_image = {one.image: one for one in items}
    assert len(shown) == 4
    for one in items:
        donor = by_image[shown[one.item_id]]
        assert donor.reference != one.reference and donor.patient_key != one.patient_key


def test_where_every_image_has_the_same_answer_nothing_is_exchanged():
    assert shuffled_images(group("CT", "CT", "CT"), same_modality=False) == {}


def test_the_only_other_answer_on_the_same_patient_is_not_taken_on_the_test_split_but_is_within_a_subject():
    items = group("CT", "MRI", patient_key="one")
    assert shuffled_images(items, same_modality=False) == {}
    within = [replace(one, split=Split.WITHIN_SUBJECT) for one in items]
    assert set(shuffled_images(within, same_modality=False)) == {one.item_id for one in items}


def closed(number: int, prompt: str, answer: str, **changes):
    return item(number, answer_type="closed", options=("yes", "no"), prompt=prompt, reference=answer, **changes)


def test_a_closed_question_is_exchanged_only_for_an_image_that_answers_this_question_otherwise():
    ct_yes = closed(0, "Is it CT?", "yes")
    mri_no = closed(1, "Is it CT?", "no")
    other_question = closed(2, "Is it an X-ray?", "no")
    shown = shuffled_images([ct_yes, mri_no, other_question], same_modality=False)
    assert shown == {ct_yes.item_id: mri_no.image, mri_no.item_id: ct_yes.image}


def test_a_yes_may_borrow_an_image_whose_value_another_form_tells():
    ct_yes = closed(0, "Is it CT?", "yes")
    ct_choice = item(0, item_id="choice/0", reference="CT")
    mri_choice = item(1, reference="MRI")
    shown = shuffled_images([ct_yes, ct_choice, mri_choice], same_modality=False)
    assert shown[ct_yes.item_id] == mri_choice.image


def test_within_a_modality_only_its_own_images_are_exchanged():
    items = group("axial", "coronal", question_type="plane", modality=Modality.MRI)
    foreign = item(9, reference="coronal", question_type="plane", modality=Modality.CT)
    shown = shuffled_images([*items, foreign], same_modality=True)
    assert shown == {items[0].item_id: items[1].image, items[1].item_id: items[0].image}


def test_the_draw_does_not_depend_on_the_order_of_the_items():
    items = group("CT", "MRI", "CT", "MRI", "MRI")
    assert shuffled_images(items, same_modality=False) == shuffled_images(items[::-1], same_modality=False)


def test_grey_is_the_mean_of_the_images_in_their_size():
    dark, bright = (encode(np.full((6, 6, 3), level, np.uint8)) for level in (10, 90))
    grey = decode(grey_image([item(0, image=dark), item(1, image=bright), item(2, image=bright)]))
    assert grey.shape == (6, 6, 3) and np.unique(grey).tolist() == [50]
    with pytest.raises(ValueError, match="no mean grey"):
        grey_image([item(0, image=None)])


def test_an_item_without_its_image_is_an_error_that_names_it():
    with pytest.raises(ValueError, match="vqa/007"):
        shuffled_images([item(7, image=None), item(1, image=png(1))], same_modality=False)
