"""Times in the five fields of unix-cron, with a time zone before them.

https://cloud.google.com/scheduler/docs/configuring/cron-job-schedules
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_MONTHS = {
    name: place
    for place, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_DAYS = {
    name: place for place, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))
}
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of month", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 7, _DAYS),
)
_FARTHEST = 366 * 8
"""Days until a 29 February comes at the latest."""
_ITEM = re.compile(r"(?P<from>\*|\w+)(?:-(?P<to>\w+))?(?:/(?P<step>\d+))?")


@dataclass(frozen=True)
class Cron:
    """When something runs.

    Attributes:
        minutes: Minutes of the hour.
        hours: Hours of the day.
        days: Days of the month.
        months: Months.
        weekdays: Days of the week, Sunday is 0.
        any_day: Whether a day has to be both of `days` and `weekdays`: one of them is all days.
        zone: The time zone the fields are in.
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    zone: ZoneInfo

    def after(self, moment: datetime) -> datetime:
        """The first time after a moment, in UTC.

        Raises:
            ValueError: It never comes.
        """
        first = moment.astimezone(self.zone).date()
        for offset in range(_FARTHEST):
            day = first + timedelta(days=offset)
            if self._is_on(day):
                for run in self._times(day):
                    if run > moment:
                        return run
        raise ValueError("it names a day that never comes")

    def _is_on(self, day: date) -> bool:
        by_month = day.day in self.days
        by_week = day.isoweekday() % 7 in self.weekdays
        on = (by_month and by_week) if self.any_day else (by_month or by_week)
        return on and day.month in self.months

    def _times(self, day: date) -> Iterator[datetime]:
        for hour in sorted(self.hours):
            for minute in sorted(self.minutes):
                local = datetime.combine(day, time(hour, minute), self.zone)
                moment = local.astimezone(UTC)
                # An hour that the clocks skip in spring is no time of that day.
                if moment.astimezone(self.zone).time() == local.time():
                    yield moment


def parse(text: str) -> Cron:
    """Read a schedule such as `TZ=Europe/Berlin 0 9 * * 1-5`.

    Raises:
        ValueError: It is none.
    """
    words = text.split()
    zone = ZoneInfo("UTC")
    if words and (found := re.fullmatch(r"(?:CRON_)?TZ=(\S+)", words[0])):
        try:
            zone = ZoneInfo(found[1])
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"cron {text!r}: {found[1]!r} is not a time zone of IANA") from error
        words = words[1:]
    if len(words) != len(_FIELDS):
        raise ValueError(
            f"cron {text!r} must have five fields, minute, hour, day of month, month and day of "
            "week, such as 'TZ=Europe/Berlin 0 9 * * 1-5'"
        )
    minutes, hours, days, months, weekdays = (
        _field(text, word, *field) for word, field in zip(words, _FIELDS, strict=True)
    )
    return Cron(
        minutes,
        hours,
        days,
        months,
        frozenset(day % 7 for day in weekdays),
        words[2].startswith("*") or words[4].startswith("*"),
        zone,
    )


def _field(
    text: str, word: str, name: str, least: int, most: int, names: dict[str, int]
) -> frozenset[int]:
    found: set[int] = set()
    for item in word.lower().split(","):
        read = _ITEM.fullmatch(item)
        if read is None:
            raise ValueError(f"cron {text!r}: {item!r} is not a {name}")
        step = int(read["step"] or 1)
        if read["from"] == "*":
            start, end = least, most
        else:
            start = _number(text, read["from"], name, names)
            end = _number(text, read["to"], name, names) if read["to"] else start
            if read["step"] and not read["to"]:
                end = most
        if not least <= start <= end <= most or step < 1:
            raise ValueError(f"cron {text!r}: {item!r} is not a {name} of {least} to {most}")
        found.update(range(start, end + 1, step))
    return frozenset(found)


def _number(text: str, word: str, name: str, names: dict[str, int]) -> int:
    if word in names:
        return names[word]
    if not word.isdigit():
        raise ValueError(f"cron {text!r}: {word!r} is not a {name}")
    return int(word)
