"""Cron texts and time zones, checked before anything is started."""

from pathlib import Path

EXAMPLE = "'0 3 * * *' is every night at three"


def check_cron(text: str) -> str:
    """The cron text with single blanks; raises ValueError that says what is wrong and how to write it."""
    from cronsim import CronSim, CronSimError

    fields = text.split()
    if len(fields) != 5:
        raise ValueError(
            f"cron text {text!r} has {len(fields)} fields, not five: minute hour day-of-month month day-of-week; {EXAMPLE}"
        )
    from datetime import UTC, datetime

    clean = " ".join(fields)
    try:
        next(CronSim(clean, datetime.now(UTC)))
    except CronSimError as error:
        raise ValueError(
            f"cron text {text!r}: {error}; minute 0-59, hour 0-23, day 1-31, month 1-12, weekday 0-7; {EXAMPLE}"
        ) from None
    except StopIteration:
        raise ValueError(f"cron text {text!r} names a day that never comes; {EXAMPLE}") from None
    return clean


def check_timezone(name: str) -> str:
    """The name of a time zone that this machine knows; raises ValueError for another one."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"unknown time zone {name!r}; write it like Europe/Berlin or UTC") from None
    return name


def local_timezone() -> str:
    """This machine's time zone by name; UTC when it has none."""
    target = str(Path("/etc/localtime").resolve())
    _, found, name = target.partition("/zoneinfo/")
    return name if found and name else "UTC"
