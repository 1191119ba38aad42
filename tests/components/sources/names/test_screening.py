from datetime import timedelta

import pytest

from components.sources.names.screening import BARE, DATE, screened, written_in

NO_SHIFT = timedelta(days=0)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("No acute disease.", "en"),
        ("Kein Pleuraerguss.", "de"),
        ("Regelrechter Befund beidseits.", "de"),
        ("Sin hallazgos.", "es"),
        ("Derrame pleural bilateral.", "es"),
    ],
)
def test_the_language_of_a_few_words_is_told(text, language):
    assert written_in(text) == language


def test_kinds_are_said_and_words_are_not():
    found = screened("Kowalczyk came on 03/04/2023", shift=NO_SHIFT)
    assert found.kinds == (DATE, BARE)
    assert screened("Kowalczyk came on 03/04/2023", shift=NO_SHIFT, order="day first", guesses=False).kinds == ()


def test_digits_of_a_moved_date_are_no_number_and_what_was_taken_out_is_nothing():
    assert screened("CT of 2019-05-12, MRN ___, by Dr. [redacted]", shift=timedelta(days=2)).kinds == ()
