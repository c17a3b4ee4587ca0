"""One training of a model: what its directory holds and how it is read back."""

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from local_bigquery.sql.script import Interpreter

from localcloud.bigquery import query
from localcloud.bigquery.column import arrow_type
from localcloud.bigquery.imported_model import FACTS, ImportedModel
from localcloud.bigquery.transform import Transform

if TYPE_CHECKING:
    from localcloud import bqml

MODEL = "model"
Columns = tuple[tuple[str, str], ...]
"""Names and BigQuery types."""


@dataclass(frozen=True)
class Training:
    """A finished training of a model that was trained here.

    Attributes:
        inputs: The columns a row must have to be scored: what TRANSFORM reads for the features,
            or the features themselves.
        transform: The fitted TRANSFORM clause; None without one.
        model: The fitted model.
    """

    inputs: Columns
    transform: Transform | None
    model: "bqml.Model"

    @property
    def features(self) -> list[str]:
        """The columns the model itself takes."""
        return [name for name, _ in self.model.feature_columns]

    @property
    def labels(self) -> list[str]:
        """The columns the model predicts."""
        return [name for name, _ in self.model.label_columns]

    def save(self, directory: Path) -> None:
        """Write the training into its own, new directory."""
        facts = {
            "kind": "trained",
            "inputs": self.inputs,
            "transform": None if self.transform is None else self.transform.to_json(),
        }
        self.model.save(directory / MODEL)
        # Last, so that a directory with this file in it is whole.
        (directory / FACTS).write_text(json.dumps(facts, indent=1) + "\n")

    def transformed(self, interpreter: Interpreter, table: pa.Table) -> pa.Table:
        """What the model takes, computed from rows before TRANSFORM.

        The label is there when its column is. Rows keep their order.

        Args:
            interpreter: The statement that asks.
            table: Rows with at least the columns of `inputs`.
        """
        if self.transform is None:
            return table
        wanted = self.transform.outputs(table.column_names)
        name = query.temporary_table(interpreter, table)
        try:
            return query.rows(interpreter, self.transform.select(wanted, name))
        finally:
            query.drop(interpreter, name)


@dataclass(frozen=True)
class RemoteEndpoint:
    """What a remote model's directory holds.

    Attributes:
        endpoint: What ENDPOINT says: a URL, or a model such as `gemini-2.5-flash`; empty for a
            model over something else.
        inputs: The INPUT clause; empty without one.
        outputs: The OUTPUT clause; empty without one.
        max_batching_rows: At most this many rows in one request.
        service: A Cloud AI service such as `CLOUD_AI_VISION_V1`, or the name of an open model that
            BigQuery would deploy; empty for a model over an endpoint.
    """

    endpoint: str
    inputs: Columns
    outputs: Columns
    max_batching_rows: int
    service: str = ""

    @property
    def target(self) -> str:
        """What it is over, for messages."""
        return self.endpoint or self.service

    def save(self, directory: Path) -> None:
        """Write it into its own, new directory."""
        facts = {
            "kind": "remote",
            "endpoint": self.endpoint,
            "inputs": self.inputs,
            "outputs": self.outputs,
            "max_batching_rows": self.max_batching_rows,
            "service": self.service,
        }
        (directory / FACTS).write_text(json.dumps(facts, indent=1) + "\n")


Loaded = Training | RemoteEndpoint | ImportedModel
"""What a model's directory holds."""


def load(directory: Path) -> Loaded:
    """Read a training's directory; what was read once is kept in memory.

    Raises:
        FileNotFoundError: There is no such training any more.
    """
    if not (directory / FACTS).is_file():
        raise FileNotFoundError(directory)
    return _read(directory)


# A training's directory never changes, so what was read once stays right.
@functools.lru_cache(maxsize=32)
def _read(directory: Path) -> Loaded:
    facts: dict[str, Any] = json.loads((directory / FACTS).read_text())
    if facts["kind"] == "imported":
        return ImportedModel.load(directory, facts)
    inputs = tuple((name, kind) for name, kind in facts["inputs"])
    if facts["kind"] == "remote":
        return RemoteEndpoint(
            endpoint=facts["endpoint"],
            inputs=inputs,
            outputs=tuple((name, kind) for name, kind in facts["outputs"]),
            max_batching_rows=facts["max_batching_rows"],
            service=facts.get("service", ""),
        )
    from localcloud import bqml

    items = facts["transform"]
    return Training(
        inputs=inputs,
        transform=None if items is None else Transform.from_json(items),
        model=bqml.Model.load(directory / MODEL),
    )


def schema(columns: Columns) -> pa.Schema:
    """The Arrow schema of columns."""
    return pa.schema([(name, arrow_type(kind)) for name, kind in columns])
