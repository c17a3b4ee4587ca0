"""Which days are holidays.

Days come from the package `holidays`, which knows those of countries; Google's own table has other
names, other events and longer windows. https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-time-series#holiday_data
"""

import datetime
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from localcloud.bqml.errors import BqmlError

CONTINENTS: Mapping[str, frozenset[str]] = {
    "GLOBAL": frozenset(),
    "NA": frozenset({"CA", "US"}),
    "JAPAC": frozenset("AU CN HK ID IN JP KR MY NZ PH PK SG TH TW VN".split()),  # noqa: SIM905
    "EMEA": frozenset(
        """
        AE AT BE CH CZ DE DK DZ EE EG ES FI FR GB GR HU IE IL IR IT LV MA NG NL NO PL PT RO RS RU
        SA SE SI SK TR UA ZA
        """.split()  # noqa: SIM905 - a table of codes reads better than a list of quotes
    ),
    "LAC": frozenset("AR BR CL CO EC MX PE VE".split()),  # noqa: SIM905
}
"""Regions that are no country, with their countries; GLOBAL has all."""
COUNTRIES = frozenset(
    """
    AE AR AT AU BE BR CA CH CL CN CO CZ DE DK DZ EC EE EG ES FI FR GB GR HK HU ID IE IL IN IR IT JP
    KR LV MA MX MY NG NL NO NZ PE PH PK PL PT RO RS RU SA SE SG SI SK TH TR TW UA US VE VN ZA
    """.split()  # noqa: SIM905 - a table of codes reads better than a list of quotes
)
WINDOW = 1
"""Days before and after a holiday that count with it unless it is said otherwise."""
WIDEST = 30
MOST_ROWS = 50_000
MOST_NAMES = 500


@dataclass(frozen=True)
class Holiday:
    """One day that a holiday fell or will fall on.

    Attributes:
        region: Whose it is.
        name: Such as `NewYearsDay`: part of a column's name.
        date: The day.
        before: Days before it that count with it.
        after: Days after it that count with it.
    """

    region: str
    name: str
    date: datetime.date
    before: int = WINDOW
    after: int = WINDOW


def of_regions(regions: Sequence[str], first: int, last: int) -> list[Holiday]:
    """Holidays of some regions in the years from `first` to `last`.

    Of a region that is no country they are the days that half of its countries keep or more, by
    the name that most of these have for them.
    """
    found: list[Holiday] = []
    for region in regions:
        if region not in CONTINENTS:
            found += [Holiday(region, name, day) for day, name in _of_country(region, first, last)]
            continue
        countries = COUNTRIES if region == "GLOBAL" else CONTINENTS[region]
        names: dict[datetime.date, Counter[str]] = {}
        keepers: dict[datetime.date, set[str]] = {}
        for country in sorted(countries):
            for day, name in _of_country(country, first, last):
                names.setdefault(day, Counter())[name] += 1
                keepers.setdefault(day, set()).add(country)
        for day, kept_by in sorted(keepers.items()):
            if 2 * len(kept_by) >= len(countries):
                name = min(names[day], key=lambda one: (-names[day][one], one))
                found.append(Holiday(region, name, day))
    return found


def _of_country(country: str, first: int, last: int) -> list[tuple[datetime.date, str]]:
    import holidays

    days = holidays.country_holidays(
        country, years=range(first, last + 1), observed=False, language="en_US"
    )
    return [
        (day, name)
        for day, written in sorted(days.items())
        # Two on one day are written together.
        for name in dict.fromkeys(_column_name(part) for part in written.split("; "))
        if name
    ]


def custom(table: pa.Table) -> list[Holiday]:
    """The rows of CUSTOM_HOLIDAY.

    Raises:
        BqmlError: A column is missing, or a row is not what Google's page asks for.
    """
    needed = {"region", "holiday_name", "primary_date"}
    names = [name.casefold() for name in table.column_names]
    rows = table.rename_columns(names).to_pylist()
    if missing := sorted(needed - set(names)):
        raise BqmlError(f"custom_holiday lacks {', '.join(missing)}; it gives {', '.join(names)}")
    if len(rows) > MOST_ROWS:
        raise BqmlError(f"custom_holiday gives {len(rows):,} rows; {MOST_ROWS:,} are allowed")
    found = [_custom(row) for row in rows]
    by_name: dict[tuple[str, str], set[tuple[int, int]]] = {}
    for holiday in found:
        by_name.setdefault((holiday.region, holiday.name), set()).add(
            (holiday.before, holiday.after)
        )
    for (_, name), windows in by_name.items():
        if len(windows) > 1:
            raise BqmlError(f"custom_holiday '{name}' has different windows in different rows")
    if len({name for _, name in by_name}) > MOST_NAMES:
        raise BqmlError(f"custom_holiday gives more than {MOST_NAMES} different holidays")
    return found


def merged(built_in: Iterable[Holiday], given: Sequence[Holiday]) -> list[Holiday]:
    """Built-in holidays, but those that are given too as they are given."""
    own = {(holiday.region, holiday.name) for holiday in given}
    kept = [holiday for holiday in built_in if (holiday.region, holiday.name) not in own]
    return sorted([*kept, *given], key=lambda h: (h.region, h.name, h.date))


def _custom(row: Mapping[str, Any]) -> Holiday:
    region, name, date = row["region"], row["holiday_name"], row["primary_date"]
    if not isinstance(region, str) or not isinstance(name, str):
        raise BqmlError(f"custom_holiday: region and holiday_name are STRING, in {dict(row)!r}")
    if not isinstance(date, datetime.date) or isinstance(date, datetime.datetime):
        raise BqmlError(f"custom_holiday: primary_date is {date!r}; it must be a DATE")
    if not re.fullmatch(r"[A-Za-z0-9_]+", name):
        raise BqmlError(
            f"custom_holiday: holiday_name '{name}' becomes part of a column's name; give letters, "
            "digits and underscores"
        )
    before, after = row.get("preholiday_days"), row.get("postholiday_days")
    before, after = (WINDOW if days is None else days for days in (before, after))
    if before < 1 or after < 1 or before + after + 1 > WIDEST:
        raise BqmlError(
            f"custom_holiday '{name}' has {before} days before it and {after} after it; give 1 or "
            f"more on each side and a window of {WIDEST} days at most"
        )
    return Holiday(region, name, date, before, after)


def _column_name(written: str) -> str:
    words = re.findall(r"[A-Za-z0-9]+", written.replace("'", "").replace("\u2019", ""))
    return "".join(word[0].upper() + word[1:] for word in words)
