"""Schedules in the words of App Engine's cron, which BigQuery Data Transfer takes, in UTC.

https://cloud.google.com/appengine/docs/flexible/scheduling-jobs-with-cron-yaml#formatting_the_schedule
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

LEAST = timedelta(minutes=5)
"""Scheduled queries do not run more often."""
EXAMPLES = (
    "every 24 hours",
    "every 15 minutes",
    "every 30 minutes from 10:00 to 14:00",
    "every day 09:00",
    "every mon,thu 07:30",
    "first sunday of quarter 00:00",
    "1,15 of month 06:00",
)
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = "(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?|monday"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    "|sep(?:t|tember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_ORDINALS = {
    **{
        word: place for place, word in enumerate(("first", "second", "third", "fourth", "fifth"), 1)
    },
    **{word: place for place, word in enumerate(("1st", "2nd", "3rd", "4th", "5th"), 1)},
}
_ORDINAL = "|".join(_ORDINALS)
_TIME = r"(?P<{0}>(?:[01]?\d|2[0-3]):[0-5]\d)"


def _list_of(item: str) -> str:
    return f"(?:{item})(?:\\s*,\\s*(?:{item}))*"


_INTERVAL = re.compile(
    r"every\s+(?P<number>\d+)\s+(?P<unit>hours?|hrs?|minutes?|mins?)"
    rf"(?:\s+(?P<synchronized>synchronized)|\s+from\s+{_TIME.format('start')}"
    rf"\s+to\s+{_TIME.format('end')})?"
)
_WEEKLY = re.compile(
    rf"(?:every|(?P<ordinals>{_list_of(_ORDINAL)}))\s+(?P<days>day|{_list_of(_DAY)})"
    rf"(?:\s+of\s+(?P<months>month|quarter|{_list_of(_MONTH)}))?\s+{_TIME.format('at')}"
)
_MONTHLY = re.compile(
    rf"(?P<days>{_list_of(r'[12]?[0-9]|3[01]')})\s+of\s+(?P<months>month|quarter|{_list_of(_MONTH)})"
    rf"\s+{_TIME.format('at')}"
)
_FARTHEST = timedelta(days=5 * 366)
"""A day that does not come within this time, such as 30 February, never comes."""


@dataclass(frozen=True)
class Interval:
    """Every so often.

    Attributes:
        length: From one run to the next.
        window: From when to when on each day; None for round the clock.
        synchronized: Whether runs are counted from midnight instead of from the first run.
    """

    length: timedelta
    window: tuple[time, time] | None
    synchronized: bool

    def after(self, moment: datetime, anchor: datetime) -> datetime:
        """The next run after a moment.

        Args:
            moment: A run at this very moment is none after it.
            anchor: The first run.
        """
        if self.window is None and not self.synchronized:
            if moment < anchor:
                return anchor
            return anchor + ((moment - anchor) // self.length + 1) * self.length
        start, end = self.window or (time(0), time(23, 59, 59))
        for run in self._within_days(moment.date(), start, end):
            if run > moment:
                return run
        raise AssertionError("there is a run every day")

    def _within_days(self, first: date, start: time, end: time) -> Iterator[datetime]:
        # From yesterday on: a window such as 22:00 to 02:00 begins there.
        for offset in (-1, 0, 1, 2):
            day = first + timedelta(days=offset)
            run = datetime.combine(day, start, UTC)
            last = datetime.combine(day, end, UTC)
            last += timedelta(days=1) if end < start else timedelta()
            while run <= last:
                yield run
                run += self.length


@dataclass(frozen=True)
class Days:
    """At a time of certain days.

    Attributes:
        at: The time.
        months: Numbers of months.
        days: Days of the month; empty when weekdays say it.
        weekdays: Weekdays, Monday is 0.
        ordinals: Which of these weekdays in the month; empty for every one.
    """

    at: time
    months: frozenset[int]
    days: frozenset[int]
    weekdays: frozenset[int]
    ordinals: frozenset[int]

    def after(self, moment: datetime, anchor: datetime) -> datetime:
        """The next run after a moment, and not before the anchor; see `Interval.after`.

        Raises:
            ValueError: There is no such day.
        """
        day = max(moment, anchor - timedelta(microseconds=1)).date()
        for offset in range(_FARTHEST.days):
            run = datetime.combine(day + timedelta(days=offset), self.at, UTC)
            if self._is_on(run.date()) and run > moment and run >= anchor:
                return run
        raise ValueError("there is no day on which it would run")

    def _is_on(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        if self.days:
            return day.day in self.days
        place = (day.day - 1) // 7 + 1
        return day.weekday() in self.weekdays and (not self.ordinals or place in self.ordinals)


def parse(text: str) -> Interval | Days:
    """Read a schedule.

    Raises:
        ValueError: It is none, runs more often than every five minutes, or never.
    """
    words = " ".join(text.lower().split())
    if found := _INTERVAL.fullmatch(words):
        return _interval(found, text)
    if found := _WEEKLY.fullmatch(words):
        days = found["days"]
        return _checked(
            Days(
                _time(found["at"]),
                _months(found["months"]),
                frozenset(),
                frozenset(range(7) if days == "day" else _places(days, _WEEKDAYS)),
                frozenset(
                    _ORDINALS[word.strip()] for word in (found["ordinals"] or "").split(",") if word
                ),
            ),
            text,
        )
    if found := _MONTHLY.fullmatch(words):
        numbers = frozenset(int(number) for number in found["days"].split(","))
        if numbers and 0 not in numbers:
            return _checked(
                Days(
                    _time(found["at"]), _months(found["months"]), numbers, frozenset(), frozenset()
                ),
                text,
            )
    raise ValueError(
        f"{text!r} is no schedule; write it like {', '.join(repr(e) for e in EXAMPLES)}"
    )


def _interval(found: re.Match[str], text: str) -> Interval:
    number = int(found["number"])
    hours = found["unit"].startswith("h")
    length = timedelta(hours=number) if hours else timedelta(minutes=number)
    if length < LEAST:
        raise ValueError(f"{text!r} runs too often; the shortest interval is 5 minutes")
    synchronized = bool(found["synchronized"])
    if synchronized and timedelta(days=1) % length:
        raise ValueError(f"{text!r} is synchronized, so its interval must divide 24 hours")
    window = (_time(found["start"]), _time(found["end"])) if found["start"] else None
    return Interval(length, window, synchronized)


def _checked(days: Days, text: str) -> Days:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    try:
        days.after(start, start)
    except ValueError as error:
        raise ValueError(f"{text!r} never runs: {error}") from error
    return days


def _time(text: str) -> time:
    hour, minute = text.split(":")
    return time(int(hour), int(minute))


def _months(text: str | None) -> frozenset[int]:
    if text is None or text == "month":
        return frozenset(range(1, 13))
    if text == "quarter":
        return frozenset((1, 4, 7, 10))
    return frozenset(place + 1 for place in _places(text, _MONTHS))


def _places(text: str, names: tuple[str, ...]) -> list[int]:
    return [names.index(word.strip()[:3]) for word in text.split(",")]
