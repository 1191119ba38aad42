"""A cron text that is not one is refused with the fix."""

import os
import shutil
import subprocess
import sys
from datetime import datetime

import pytest

from flows.cron import check_cron, check_timezone, local_timezone, next_run


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


def test_the_machines_zone_is_that_of_tz_where_it_names_one(monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    assert local_timezone() == "America/New_York"
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    assert check_timezone(local_timezone())


@pytest.mark.parametrize("text", ["0 3 13 * 5", "30 2 * * *", "0 3 * * mon-fri/2", "15 3 L * *"])
def test_what_is_shown_is_what_prefects_server_will_run(text):
    from prefect.server.schemas.schedules import CronSchedule

    zone = "Europe/Berlin"
    due = next(CronSchedule(cron=text, timezone=zone)._get_dates_generator(n=1))
    assert next_run(text, zone) == due


def test_an_hour_that_the_clock_leaves_out_or_shows_twice_is_one_run_a_day():
    from datetime import UTC, datetime
    from itertools import pairwise

    from prefect.server.schemas.schedules import CronSchedule

    for month in (3, 10):
        start = datetime(2027, month, 25, tzinfo=UTC)
        due = list(CronSchedule(cron="30 2 * * *", timezone="Europe/Berlin")._get_dates_generator(n=8, start=start))
        assert all(22 <= (b - a).total_seconds() / 3600 <= 26 for a, b in pairwise(due))


ASK = """
from datetime import datetime, UTC
from flows.cron import local_timezone, next_run
now, zone = datetime.now(UTC), local_timezone()
due = next_run("30 2 * * *", zone)
print(zone, now.isoformat(), due.isoformat())
"""


@pytest.mark.skipif(not shutil.which("faketime"), reason="faketime is a Debian package")
@pytest.mark.parametrize(
    ("now", "most_hours"),
    [
        ("2027-03-28 00:45:00", 26),  # half past two does not come in Berlin on that day
        ("2027-10-31 00:45:00", 3),  # it comes twice
        ("2027-10-30 23:45:00", 4),  # the same clock, set back an hour
    ],
)
def test_the_next_firing_lies_ahead_whatever_the_clock_does(now, most_hours):
    environment = {**os.environ, "TZ": "Europe/Berlin", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    said = subprocess.run(
        ["faketime", f"{now}", sys.executable, "-c", ASK], env=environment, text=True, capture_output=True
    )
    assert said.returncode == 0, said.stderr
    zone, here, due = said.stdout.split()
    assert zone == "Europe/Berlin"
    assert 0 < (datetime.fromisoformat(due) - datetime.fromisoformat(here)).total_seconds() / 3600 <= most_hours
