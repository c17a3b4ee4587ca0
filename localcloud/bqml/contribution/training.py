"""Contribution analysis: which segments of the data moved a metric between control and test rows.

https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create-contribution-analysis,
https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-get-insights
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from localcloud.bqml import options, statistics
from localcloud.bqml.column_type import bigquery_type, is_nested, is_numeric
from localcloud.bqml.contribution.metric import Metric, is_metric
from localcloud.bqml.contribution.search import Search
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.kind import Kind
from localcloud.bqml.model import Model, OnIteration
from localcloud.bqml.options import Option

FILE = "insights.arrow"
SUPPORT = 0.1
MOST_DIMENSIONS, MOST_WITHOUT_SUPPORT = 50, 13
DIMENSION_TYPES = ("INT64", "BOOL", "STRING")
CATEGORY_TYPES = ("BOOL", "DATE", "DATETIME", "TIME", "TIMESTAMP", "STRING", "INT64")
OPTIONS: Mapping[str, Option] = {
    "CONTRIBUTION_METRIC": Option(
        None,
        "SUM(a), SUM(a)/SUM(b) or SUM(a)/COUNT(DISTINCT b), a and b columns",
        lambda value: isinstance(value, str) and is_metric(value),
    ),
    "IS_TEST_COL": options.column(),
    "DIMENSION_ID_COLS": options.names(None, "an array of column names"),
    "MIN_APRIORI_SUPPORT": options.number(None, 0, 1),
    "TOP_K_INSIGHTS_BY_APRIORI_SUPPORT": options.whole(None, 1, 1_000_000),
    "PRUNING_METHOD": options.choice("NO_PRUNING", "NO_PRUNING", "PRUNE_REDUNDANT_INSIGHTS"),
}


@dataclass(frozen=True)
class Insights:
    """The rows of ML.GET_INSIGHTS."""

    table: pa.Table

    def predict(self, rows: pa.Table, settings: Mapping[str, Any]) -> dict[str, pa.Array]:
        """See `Fitted.predict`."""
        raise BqmlError(
            "ML.PREDICT is not for models of type CONTRIBUTION_ANALYSIS; use ML.GET_INSIGHTS"
        )

    def evaluate(self, rows: pa.Table | None, settings: Mapping[str, Any]) -> dict[str, float]:
        """See `Fitted.evaluate`."""
        raise BqmlError(
            "ML.EVALUATE is not for models of type CONTRIBUTION_ANALYSIS; use ML.GET_INSIGHTS"
        )

    def training_run(self) -> dict[str, Any]:
        """See `Fitted.training_run`."""
        return {}

    def save(self, directory: Path) -> dict[str, Any]:
        """See `Fitted.save`."""
        with pa.ipc.new_file(directory / FILE, self.table.schema) as file:
            file.write_table(self.table)
        return {}

    @classmethod
    def load(cls, facts: Mapping[str, Any], directory: Path) -> "Insights":
        """Read what `save` wrote."""
        with pa.ipc.open_file(directory / FILE) as file:
            return cls(file.read_all())


def check(settings: dict[str, Any], given: frozenset[str]) -> dict[str, Any]:
    """Refuse options that do not go together.

    Raises:
        BqmlError: An option is missing, or two exclude each other.
    """
    for name in ("CONTRIBUTION_METRIC", "IS_TEST_COL"):
        if settings[name] is None:
            raise BqmlError(f"option {name.lower()} is missing")
    if settings["TOP_K_INSIGHTS_BY_APRIORI_SUPPORT"] is not None:
        if settings["MIN_APRIORI_SUPPORT"] is not None:
            raise BqmlError(
                "give min_apriori_support or top_k_insights_by_apriori_support, not both"
            )
    elif settings["MIN_APRIORI_SUPPORT"] is None:
        settings["MIN_APRIORI_SUPPORT"] = SUPPORT
    return settings


def train(
    kind: Kind, settings: Mapping[str, Any], table: pa.Table, on_iteration: OnIteration | None
) -> Model:
    """Find the segments.

    Raises:
        BqmlError: A column is missing, of a wrong type, or has values that are not allowed.
    """
    metric = Metric.read(settings["CONTRIBUTION_METRIC"])
    by_name: dict[str, str] = {name.casefold(): name for name in table.column_names}

    def named(option: str, name: str) -> str:
        if name.casefold() not in by_name:
            raise BqmlError(
                f"{option} has '{name}', which the query does not give; it gives "
                f"{', '.join(table.column_names)}"
            )
        return by_name[name.casefold()]

    test = named("is_test_col", settings["IS_TEST_COL"])
    if not pa.types.is_boolean(table.schema.field(test).type):
        raise BqmlError(f"is_test_col '{test}' is {table.schema.field(test).type}; it must be BOOL")
    summed = named("contribution_metric", metric.summed)
    other = None if metric.other is None else named("contribution_metric", metric.other)
    metric = Metric(metric.form, summed, other)
    aside = {test, summed, other}
    asked = settings["DIMENSION_ID_COLS"]
    dimensions = (
        [name for name in table.column_names if name not in aside]
        if asked is None
        else [named("dimension_id_cols", name) for name in asked]
    )
    _check_columns(table, metric, dimensions, settings)
    rows = table.filter(pc.is_valid(table.column(test)))
    for name in dimensions:
        rows = rows.filter(pc.is_valid(rows.column(name)))
    is_test = rows.column(test).to_numpy()
    if not is_test.any() or is_test.all():
        raise BqmlError(f"'{test}' must be TRUE in some rows and FALSE in others")
    found = Search(rows, is_test, metric, dimensions, settings).insights()
    used = [*dimensions, test, summed, *([other] if other else [])]
    return Model(
        kind=kind.name,
        model_type=kind.model_type,
        options={**settings, "DIMENSION_ID_COLS": dimensions},
        feature_columns=[(name, bigquery_type(rows.schema.field(name).type)) for name in used],
        label_columns=[],
        iterations=[],
        feature_statistics=statistics.of_columns(rows, used),
        fitted=Insights(found),
    )


def _check_columns(
    table: pa.Table, metric: Metric, dimensions: Sequence[str], settings: Mapping[str, Any]
) -> None:
    def type_of(name: str) -> str:
        kind = table.schema.field(name).type
        return str(kind) if is_nested(kind) else bigquery_type(kind)

    numbers = [metric.summed]
    if metric.form == "RATIO" and metric.other is not None:
        numbers.append(metric.other)
    for name in numbers:
        kind = table.schema.field(name).type
        if is_nested(kind) or not is_numeric(kind):
            raise BqmlError(f"contribution_metric sums '{name}', which is {kind}; give a number")
        least = pc.min(table.column(name)).as_py()
        if least is not None and least < 0 and settings["MIN_APRIORI_SUPPORT"] != 0:
            raise BqmlError(
                f"contribution_metric: '{name}' has values below 0, which needs "
                "min_apriori_support = 0"
            )
    if metric.form == "CATEGORY" and type_of(str(metric.other)) not in CATEGORY_TYPES:
        raise BqmlError(
            f"contribution_metric counts '{metric.other}', which is {type_of(str(metric.other))}; "
            f"allowed are {', '.join(CATEGORY_TYPES)}"
        )
    for name in dimensions:
        if type_of(name) not in DIMENSION_TYPES:
            raise BqmlError(
                f"dimension '{name}' is {type_of(name)}; allowed are {', '.join(DIMENSION_TYPES)}"
            )
    most = MOST_WITHOUT_SUPPORT if settings["MIN_APRIORI_SUPPORT"] == 0 else MOST_DIMENSIONS
    if not 0 < len(dimensions) <= most:
        raise BqmlError(f"there are {len(dimensions)} dimensions; 1 to {most} are allowed")
