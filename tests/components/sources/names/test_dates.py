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
        ("en", "21Sep22; 13‑01‑2024", "11Sep22; 03‑01‑2024"),
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
        # A day and a month alone: beside what is done on a day, or too great for a share.
        ("en", "her 4/17 ultrasound"),
        ("en", "drain out 14/6, none since"),
        ("en", "from 3/14-3/20"),
        ("de", "Tumorboard 6.6.: Konsens"),
        ("de", "Drainage gezogen 14.06."),
        ("de", "ED 8/18, seither stabil"),
        ("de", "3.-7.3."),
        ("es", "cambio de yeso 27/9"),
        # A month that no preposition announces, shortened or in part.
        ("en", "her July film"),
        ("en", "since early May"),
        ("en", "Jan/Feb"),
        ("en", "Nov '21"),
        ("de", "Mitte Okt."),
        ("es", "octubre del 17"),
        ("es", "a finales de mayo"),
        # A day whose month is said by the day of writing.
        ("en", "the 12th of last month"),
        ("en", "first of the month"),
        ("de", "am 21. des Vormonats"),
        ("de", "17. ds."),
        ("es", "alta el 21 del mes pasado"),
        ("es", "el 15 del pdo."),
        ("en", "on the 3rd she fell"),
        ("de", "am 3. gegen Mittag"),
        ("es", "visto el 12"),
        # Days of the week shortened.
        ("en", "Mon/Wed/Fri"),
        ("en", "Tues 4/9"),
        ("de", "Mi., 4.9."),
        ("de", "Mo, Mi und Fr"),
        ("es", "mié. 4"),
        ("es", "L-X-V"),
        # Years, quarters and seasons, short or in words.
        ("en", "nineteen ninety-eight"),
        ("de", "zweitausendzwölf"),
        ("es", "mil novecientos noventa y ocho"),
        ("en", "Q2/21"),
        ("de", "III. Quartal 22"),
        ("es", "otoño del 18"),
        ("de", "in den 90er Jahren"),
        ("en", "2024 Jan 12"),
        ("en", "2022 03 14"),
        ("de", "Fasching"),
        ("es", "Domingo de Pascua"),
        ("en", "Night sweats Sept through Nov, then nothing"),
        ("en", "s/p CABG '11"),
        ("en", "LMP 3/2"),
        ("en", "adm 4/3 after a fall"),
        ("en", "III/2021"),
        ("en", "12/04 09:14"),
        ("de", "zwischen Mai und Juli"),
        ("de", "Z. n. CABG III/21"),
        ("de", "letzte Regel 3.4."),
        ("es", "Sudores nocturnos de sept. a nov., luego nada"),
        ("es", "desde finales de oct"),
        ("es", "FUR 3/4"),
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
        "image 12/24; VA 6/18; 3/17 lymph nodes; 2/14 cores; LK 3/17; pT2 N1 (3/15); SSW 24/3; semanas 24/3; 24/7 care",
        "Lesion 3 may represent a cyst. May be artefact. March fracture of the second metatarsal. Mayo score 6",
        "SUVmax 5.2. Liver normal; on the 1st and 2nd ribs; am 3. und 4. LWK; am zweiten Tag; el día 3 postoperatorio; el 15 %",
        "Christmas tree appearance; sun exposure; 14 Fr. Drainage; Puntuación de Mayo 6; el segundo trimestre; WHO; C5/6",
        "the 2021 WHO classification",
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
