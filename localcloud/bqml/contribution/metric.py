"""The metric that a contribution analysis looks at."""

import re
from dataclasses import dataclass

from localcloud.bqml.errors import BqmlError

_NAME = r"\s*`?([A-Za-z_]\w*)`?\s*"
_SUM = re.compile(rf"\s*SUM\s*\({_NAME}\)\s*", re.IGNORECASE)
_RATIO = re.compile(rf"\s*SUM\s*\({_NAME}\)\s*/\s*SUM\s*\({_NAME}\)\s*", re.IGNORECASE)
_CATEGORY = re.compile(
    rf"\s*SUM\s*\({_NAME}\)\s*/\s*COUNT\s*\(\s*DISTINCT\s+`?([A-Za-z_]\w*)`?\s*\)\s*",
    re.IGNORECASE,
)


def is_metric(written: str) -> bool:
    """Whether a text is one of the three forms of a metric."""
    return any(form.fullmatch(written) for form in (_SUM, _RATIO, _CATEGORY))


@dataclass(frozen=True)
class Metric:
    """A metric's parts.

    Attributes:
        form: `SUM`, `RATIO` or `CATEGORY`.
        summed: The column above the line.
        other: The column below it; None of a sum.
    """

    form: str
    summed: str
    other: str | None

    @classmethod
    def read(cls, written: str) -> "Metric":
        """Read CONTRIBUTION_METRIC.

        Raises:
            BqmlError: It is none of the three forms.
        """
        if found := _SUM.fullmatch(written):
            return cls("SUM", found[1], None)
        if found := _RATIO.fullmatch(written):
            return cls("RATIO", found[1], found[2])
        found = _CATEGORY.fullmatch(written)
        if found is None:
            raise BqmlError(f"contribution_metric is '{written}'")
        return cls("CATEGORY", found[1], found[2])
