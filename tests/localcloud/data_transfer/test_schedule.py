"""Schedules in the words of App Engine's cron."""

from datetime import UTC, datetime, timedelta

import pytest

from localcloud.data_transfer import schedule

START = datetime(2024, 2, 27, 10, 7, tzinfo=UTC)
"""A Tuesday."""


@pytest.mark.covers("scheduled queries")
@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("every 24 hours", ["02-28 10:07", "02-29 10:07"]),
        ("every 15 minutes", ["02-27 10:22", "02-27 10:37"]),
        ("every 6 hours synchronized", ["02-27 12:00", "02-27 18:00", "02-28 00:00"]),
        ("every 30 mins from 10:00 to 11:00", ["02-27 10:30", "02-27 11:00", "02-28 10:00"]),
        ("every 2 hours from 22:00 to 02:00", ["02-27 22:00", "02-28 00:00", "02-28 02:00"]),
        ("every day 09:00", ["02-28 09:00", "02-29 09:00", "03-01 09:00"]),
        ("Every Mon,Thursday 7:30", ["02-29 07:30", "03-04 07:30"]),
        ("every monday of january, march 00:00", ["03-04 00:00", "03-11 00:00"]),
        ("first sunday of quarter 00:00", ["04-07 00:00", "07-07 00:00"]),
        ("1st,third mon of month 15:30", ["03-04 15:30", "03-18 15:30", "04-01 15:30"]),
        ("1,15 of month 06:00", ["03-01 06:00", "03-15 06:00"]),
        ("29 of feb 12:00", ["02-29 12:00"]),
    ],
)
def test_a_schedule_tells_its_runs(text: str, runs: list[str]) -> None:
    found = schedule.parse(text)

    moments, moment = [], START
    for _ in runs:
        moment = found.after(moment, START)
        moments.append(moment.strftime("%m-%d %H:%M"))

    assert moments == runs


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no schedule; write it like 'every 24 hours'"),
        ("every 24 hour at noon", "is no schedule"),
        ("every day 24:00", "is no schedule"),
        ("0 9 * * *", "is no schedule"),
        ("every 4 minutes", "runs too often; the shortest interval is 5 minutes"),
        ("every 7 hours synchronized", "its interval must divide 24 hours"),
        ("30 of feb 00:00", "never runs"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        schedule.parse(text)


def test_an_interval_goes_on_from_its_first_run() -> None:
    found = schedule.parse("every 1 hours")

    late = found.after(START + timedelta(hours=5, minutes=1), START)

    assert late == START + timedelta(hours=6)
