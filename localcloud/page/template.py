"""The templates, and how values are written in them."""

import functools
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import ChainableUndefined, Environment, FileSystemLoader, Undefined, UndefinedError
from jinja2.utils import missing

from localcloud.page import address, shown

TEMPLATES = Path(__file__).parent / "templates"
NONE = "\N{EN DASH}"
UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


class _Absent(ChainableUndefined):
    """A field that a resource lacks is empty; a name that a template is not given is an error."""

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = missing,
        name: str | None = None,
        exc: type[Exception] = UndefinedError,
    ) -> None:
        super().__init__(hint, obj, name)
        if obj is missing:
            raise UndefinedError(hint or f"the template is not given {name}")


@functools.cache
def environment() -> Environment:
    """What reads the templates; every value is escaped."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=_Absent,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "bytes": size,
        "count": count,
        "number": number,
        "moment": moment,
        "pretty": pretty,
        "last": lambda name: str(name).rsplit("/", 1)[-1],
        "state": state,
    }
    made.globals |= {
        "link": shown.link,
        "of_resource": address.of_resource,
        "of_dataset": address.of_dataset,
        "of_model": address.of_model,
    }
    return made


def rendered(name: str, values: Mapping[str, Any]) -> str:
    """A template with values."""
    return environment().get_template(name).render(values)


def size(value: Any) -> str:
    """Bytes in units of 1024."""
    left = float(value or 0)
    unit = 0
    while left >= 1024 and unit < len(UNITS) - 1:
        left /= 1024
        unit += 1
    return f"{left:.0f} {UNITS[unit]}" if unit == 0 else f"{left:.1f} {UNITS[unit]}"


def count(value: Any) -> str:
    """A whole number with its thousands apart; a dash for none."""
    return NONE if value is None else f"{int(value):,}"


def number(value: Any) -> str:
    """A cell of a table: numbers to four digits after the point, lists as JSON."""
    if value is None or isinstance(value, Undefined):
        return NONE
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        if not math.isfinite(value):
            return str(value)
        return f"{value:,.4f}".rstrip("0").rstrip(".") if abs(value) >= 1e-3 else f"{value:.3g}"
    if isinstance(value, int):
        return f"{value:,}"
    return json.dumps(value, default=str) if isinstance(value, (list, dict)) else str(value)


def moment(value: Any) -> str:
    """A time in UTC to the second, from milliseconds since 1970 (BigQuery's) or RFC 3339."""
    text = str(value or "")
    if not text:
        return NONE
    try:
        found = (
            datetime.fromtimestamp(int(text) / 1000, UTC)
            if text.isdigit()
            else datetime.fromisoformat(text).astimezone(UTC)
        )
    except ValueError:
        # A field may be called a time and hold something else, such as a duration.
        return text
    return found.strftime("%Y-%m-%d %H:%M:%S")


def pretty(value: Any) -> str:
    """JSON for reading, without what is private or secret."""
    return json.dumps(shown.shown(value), indent=2, sort_keys=True, default=str)


def state(value: Any) -> str:
    """A state's kind, which gives it its colour: `good`, `bad`, `busy` or `still`."""
    word = str(value).rsplit("STATE_", 1)[-1]
    if word in ("DONE", "SUCCEEDED", "ACTIVE", "STABLE", "ENABLED"):
        return "good"
    if word in ("FAILED", "ERROR", "CANCELLED", "EXPIRED"):
        return "bad"
    return "busy" if word in ("RUNNING", "PENDING", "QUEUED", "CANCELLING") else "still"
