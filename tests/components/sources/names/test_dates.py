from datetime import timedelta

import pytest

from components.sources.names.dates import dates, moved

TEN_DAYS = timedelta(days=10)


def earlier(text: str, language: str = "en", order: str = "", shift: timedelta = TEN_DAYS) -> str:
    return moved(text, dates(text, language=language, order=order), shift)[0]


@pytest.mark.parametrize(
    ("language", "text", "said"),
    [
        ("en", "CT of 2019-05-12T14:30", "CT of 2019-05-02T14:30"),
        ("en", "on 03/14/2023 and 1/5/23", "on 03/04/2023 and 12/26/22"),
        ("en", "March 3, 2019; 12-Mar-2023; 5th of May 2020", "February 21, 2019; 02-Mar-2023; 25th of April 2020"),
        ("en", "seen on Wednesday", "seen on Sunday"),
        ("de", "vom 12.03.2023, 1. Februar 2022", "vom 02.03.2023, 22. Januar 2022"),
        ("de", "am Montagmorgen", "am Freitagmorgen"),
        ("es", "TC del 12/03/2023, 3 de marzo de 2021", "TC del 02/03/2023, 21 de febrero de 2021"),
        ("es", "MARZO 2020", "MARZO 2020"),
        ("es", "1.º de dic. 2022; 12 mzo 2020", "21.º de nov. 2022; 02 mar 2020"),
        ("de", "3. Jän. 2020, 2020_03_12", "24. Dez. 2019, 2020_03_02"),
    ],
)
def test_a_certain_date_moves_in_its_own_form(language, text, said):
    assert earlier(text, language) == said
    assert all(found.moved for found in dates(text, language=language))


def test_a_year_and_a_month_of_a_year_move_with_the_days():
    year = timedelta(days=400)
    assert earlier("since 2015, May 2018, 11/2018", shift=year) == "since 2014, April 2017, 10/2017"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "on 03/04/2023"),
        ("en", "seen on 12/03."),
        ("en", "in March"),
        ("en", "March 12 was better"),
        ("en", "12/14 March 2023"),
        ("en", "the film 2011"),
        ("en", "May 3rd"),
        ("en", "on Monday the 12th"),
        ("de", "12.IV.2023"),
        ("de", "Montag, den 12."),
        ("de", "das war 5.4., danach"),
        ("de", "12.-14.03.2023"),
        ("de", "am 5.4. gesehen"),
        ("de", "seit März"),
        ("es", "el 5/4"),
        ("es", "12 de marzo"),
        ("en", "the fifth of June 2018"),
        ("en", "booked for July twenty-second"),
        ("en", "over Christmas"),
        ("en", "until Wed"),
        ("en", "in '98"),
        ("de", "am neunten Mai"),
        ("de", "an Heiligabend"),
        ("de", "KW 12/2020"),
        ("de", "am 3.XI.2020"),
        ("en", "the 5th inst."),
        ("en", "planned for the week of 9/14"),
        ("de", "vom 5. d. M."),
        ("de", "Op. 11/18"),
        ("es", "el 5 de los corrientes"),
        ("es", "el dos de mayo"),
        ("es", "desde el año 98"),
        ("es", "12 del 5 de 2020"),
        ("es", "tras la Nochebuena de 2019"),
    ],
)
def test_what_only_may_be_a_date_is_found_and_stays(language, text):
    assert [found.moved for found in dates(text, language=language)] == [None]
    assert earlier(text, language) == text


@pytest.mark.parametrize(
    "text",
    [
        "5/5 strength; C5-6, L4/5, T2 2/3; series 3/45; BI-RADS 4",
        "2000 ml, 1950 x 2400, 10-12-14 mm, 3.4 x 2.1 cm",
        "It may represent atelectasis and march on.",
        "WHO 2016 grade 2; T12 and the 12th rib",
        "árbol de Navidad; primero de ellos; the second marching band; erste Mahlzeit; uno de cada diez",
    ],
)
def test_measures_scores_and_editions_are_no_dates(text):
    assert dates(text) == []


def test_an_order_that_is_given_or_shown_by_another_date_settles_the_others():
    assert earlier("on 03/04/2023", order="day first") == "on 24/03/2023"
    assert earlier("on 03/04/2023", order="month first") == "on 02/22/2023"
    assert earlier("on 03/04/2023, before 01/31/2023") == "on 02/22/2023, before 01/21/2023"


def test_a_day_that_no_calendar_has_is_none():
    assert dates("31.02.2023", language="de") == []


def test_a_place_in_the_text_goes_where_its_words_go():
    text = "On Wednesday <image> was worse"
    said, place = moved(text, dates(text), TEN_DAYS)
    assert said[place(text.index("<image>")) :] == "<image> was worse"
