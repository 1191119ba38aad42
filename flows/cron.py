"""Cron texts and time zones, checked before anything is started, by the reader that will run them: Prefect's."""

import asyncio
import os
from datetime import datetime
from pathlib import Path

EXAMPLE = "'0 3 * * *' is every night at three"


def check_cron(text: str) -> str:
    """The cron text with single blanks; raises ValueError that says what is wrong and how to write it."""
    fields = text.split()
    if len(fields) != 5:
        raise ValueError(
            f"cron text {text!r} has {len(fields)} fields, not five: minute hour day-of-month month day-of-week; {EXAMPLE}"
        )
    clean = " ".join(fields)
    try:
        found = next_run(clean, "UTC")
    except ValueError:
        raise ValueError(
            f"cron text {text!r} cannot be read; minute 0-59, hour 0-23, day 1-31, month 1-12, weekday 0-7; {EXAMPLE}"
        ) from None
    if found is None:
        raise ValueError(f"cron text {text!r} names a day that never comes; {EXAMPLE}")
    return clean


def next_run(cron: str, timezone: str) -> datetime | None:
    """The next instant at which Prefect fires it; None where there is none. Raises ValueError for what is no cron text."""
    from prefect._vendor.croniter import CroniterBadDateError
    from prefect.server.schemas.schedules import CronSchedule

    schedule = CronSchedule(cron=cron, timezone=timezone)
    try:
        return next(iter(asyncio.run(schedule.get_dates(1))), None)
    except CroniterBadDateError:
        return None


def check_timezone(name: str) -> str:
    """The name of a time zone that this machine knows; raises ValueError for another one."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"unknown time zone {name!r}; write it like Europe/Berlin or UTC") from None
    return name


def local_timezone() -> str:
    """This machine's time zone by name: $TZ's where that is one, else /etc/localtime's; UTC when it has none."""
    try:
        return check_timezone(os.environ.get("TZ", "").removeprefix(":"))
    except ValueError:
        pass  # unset, or a rule such as CET-1CEST without a name
    target = str(Path("/etc/localtime").resolve())
    _, found, name = target.partition("/zoneinfo/")
    return name if found and name else "UTC"
