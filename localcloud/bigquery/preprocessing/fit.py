"""What a function that learns from rows may look at."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from googlesql.constant import Constant


@dataclass(frozen=True)
class Fit:
    """What a function may look at while it is fitted.

    Attributes:
        cursor: Sees `table`.
        table: A DuckDB table with one column `x`: the first argument on the training rows.
    """

    cursor: duckdb.DuckDBPyConnection
    table: str

    def one(self, expressions: str) -> tuple[Any, ...]:
        """One row of aggregates over `x`, in DuckDB's SQL."""
        [row] = self.cursor.execute(f"SELECT {expressions} FROM {self.table}").fetchall()
        return row

    def all(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a DuckDB query in which `{table}` stands for the table."""
        return self.cursor.execute(query.format(table=self.table)).fetchall()

    @property
    def is_text(self) -> bool:
        """Whether `x` is a STRING."""
        relation = self.cursor.sql(f"SELECT x FROM {self.table} LIMIT 0")
        return str(relation.types[0]) == "VARCHAR"


Analytic = Callable[[Fit, str, Sequence[Constant]], str]
"""Takes what it learns from, the first argument's SQL and the values of the others; gives SQL."""
Scalar = Callable[[str, Sequence[Constant]], str]
"""Takes the first argument's SQL and the values of the others; gives SQL."""
