import pytest

from components.sources.names.compounds import is_compound, is_medical_compound


@pytest.mark.parametrize(
    "word", ["weichteilschwellung", "wabenmuster", "rückenlagerung", "nachtschweiß", "bildqualität"]
)
def test_words_made_of_known_ones_are_compounds(word):
    assert is_compound(word)


@pytest.mark.parametrize(
    "word",
    ["katzenbeißer", "bierbrecher", "glockenschleifer", "wiesenkamp", "glockenhagen", "hövelmanns", "schweinsteiger"],
)
def test_what_ends_as_names_end_is_none(word):
    assert not is_compound(word)


def test_a_medical_compound_has_a_part_of_medicine():
    assert is_medical_compound("randwinkelerguss") and is_medical_compound("brustkrebs")
    assert not is_medical_compound("friedlinde") and not is_medical_compound("bierbrecher")
