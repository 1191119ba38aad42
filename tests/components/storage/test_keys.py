from hypothesis import given
from hypothesis import strategies as st

from components.storage.keys import generator, keyed_hash, patient_key, public_secret, unit_interval


def test_part_boundaries_count():
    assert keyed_hash("a", "b") != keyed_hash("ab") != keyed_hash("a", "b", "")


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="\x1f", exclude_categories=("Cs",)))))
def test_a_unit_draw_is_a_pure_function_in_the_half_open_interval(parts):
    draw = unit_interval(*parts)
    assert 0 <= draw < 1 and draw == unit_interval(*parts)


def test_generators_of_equal_parts_agree_and_of_others_do_not():
    assert generator("x", 1).random() == generator("x", 1).random() != generator("x", 2).random()


def test_a_patient_of_two_sources_has_two_keys_and_no_name_in_them():
    first = patient_key(public_secret("a"), "smith")
    assert first != patient_key(public_secret("b"), "smith") and "smith" not in first
