import pytest

from components.sources.names.medicine import is_clearly_of_medicine, is_of_medicine


@pytest.mark.parametrize(
    "word", ["Hepatosplenomegalie", "subpleural", "Colelitiasis", "retroperitoneal", "Malignität", "anterolistesis"]
)
def test_what_only_medicine_makes_is_clearly_of_it(word):
    assert is_clearly_of_medicine(word)


@pytest.mark.parametrize(
    "word", ["Browning", "Salgado", "Chesterly", "Randall", "Bianchini", "Subramanian", "Biddlington"]
)
def test_names_that_end_or_begin_like_words_of_reports_are_not_clearly_of_medicine(word):
    assert not is_clearly_of_medicine(word)


def test_an_ordinary_ending_is_enough_where_any_word_has_its_capital():
    assert is_of_medicine("Anterograding") and not is_clearly_of_medicine("Anterograding")
