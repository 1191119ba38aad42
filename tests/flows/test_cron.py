"""A cron text that is not one is refused with the fix."""

import pytest

from flows.cron import check_cron, check_timezone, local_timezone


@pytest.mark.parametrize("text", ["0 3 * * *", "*/15 * * * 1-5", "  30  2 1 * * "])
def test_a_cron_text_is_taken_with_single_blanks(text):
    assert check_cron(text) == " ".join(text.split())


@pytest.mark.parametrize("text", ["every night", "", "0 3 * *", "0 3 * * * *"])
def test_a_text_without_five_fields_is_refused_with_their_names(text):
    with pytest.raises(ValueError, match=r"not five: minute hour day-of-month month day-of-week; '0 3 \* \* \*'"):
        check_cron(text)


@pytest.mark.parametrize("text", ["61 3 * * *", "0 24 * * *", "a b c d e", "0 0 30 2 *"])
def test_numbers_that_no_clock_shows_are_refused_with_an_example(text):
    with pytest.raises(ValueError, match=r"cron text .*every night at three"):
        check_cron(text)


def test_an_unknown_time_zone_is_refused_and_the_machines_own_is_known():
    with pytest.raises(ValueError, match="unknown time zone 'Mars/Olympus'"):
        check_timezone("Mars/Olympus")
    assert check_timezone(local_timezone())
