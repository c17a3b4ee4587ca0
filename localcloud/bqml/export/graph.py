"""A function of columns as a TensorFlow SavedModel, and the encoding of columns as such a graph.

All numbers of a signature are FLOAT64 and fields of a STRUCT are columns of their own:
https://cloud.google.com/bigquery/docs/exporting-models. A graph knows no NULL: of a number it is
NaN, of a text the category `_null_filler`, by which the model itself calls it.
"""

import re
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from localcloud.bqml.column_type import NUMERIC
from localcloud.bqml.encoding import Category, Encoding, Number
from localcloud.bqml.errors import BqmlError
from localcloud.bqml.export import Files
from localcloud.bqml.tensorflow_library import tensorflow

NULL_TEXT = "_null_filler"
SIGNATURE = "serving_default"
Tensors = Mapping[str, Any]
"""TensorFlow's tensors by names."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_saving = threading.Lock()


class Graph:
    """What graphs of one model are made with.

    Args:
        what: What is exported, for messages.

    Attributes:
        tf: TensorFlow.
    """

    def __init__(self, what: str) -> None:
        self.tf = tensorflow(what)
        self._module = self.tf.Module()
        self._module.kept = []

    def constant(self, values: Any) -> Any:
        """Numbers of the model, which are kept as a variable."""
        variable = self.tf.Variable(np.asarray(values, dtype=np.float64), trainable=False)
        self._module.kept.append(variable)
        return variable

    def places(self, keys: Sequence[Any], column: Any) -> Any:
        """Place of each value of a column among keys; -1 for one that is not there."""
        values = self.tf.range(len(keys), dtype=self.tf.int64)
        table = self.tf.lookup.StaticHashTable(
            self.tf.lookup.KeyValueTensorInitializer(
                self.tf.constant(list(keys), column.dtype), values
            ),
            default_value=-1,
        )
        self._module.kept.append(table)
        return table.lookup(column)

    def spec(self, bigquery_type: str) -> Any:
        """The tensor of a column of a type."""
        if bigquery_type in NUMERIC:
            return self.tf.TensorSpec([None], self.tf.float64)
        if bigquery_type == "BOOL":
            return self.tf.TensorSpec([None], self.tf.bool)
        return self.tf.TensorSpec([None], self.tf.string)

    def text(self, column: Any) -> Any:
        """A column as the text of its categories."""
        if column.dtype == self.tf.bool:
            return self.tf.where(column, "true", "false")
        return column

    def files(
        self, columns: Sequence[tuple[str, str]], apply: Callable[[Tensors], Tensors]
    ) -> Files:
        """Save a function.

        Args:
            columns: Names and BigQuery types of what it takes.
            apply: The function.
        """
        for name, _ in columns:
            if not _NAME.fullmatch(name):
                raise NotImplementedError(
                    f"Exporting a model with a column called '{name}' is not implemented on the "
                    "local cloud: TensorFlow takes a letter, then letters, digits and underscores"
                )
        names = [name for name, _ in columns]
        specs = [
            self.tf.TensorSpec([None], self.spec(kind).dtype, name=name) for name, kind in columns
        ]

        def named(*given: Any) -> dict[str, Any]:
            return dict(apply(dict(zip(names, given, strict=True))))

        with tempfile.TemporaryDirectory(prefix="export-") as directory, _saving:
            # Tables and variables are made while it is traced, in the eager world around it.
            with self.tf.init_scope():
                traced = self.tf.function(named, autograph=False)
                concrete = traced.get_concrete_function(*specs)
            self.tf.saved_model.save(self._module, directory, signatures={SIGNATURE: concrete})
            root = Path(directory)
            return {
                str(file.relative_to(root)): file.read_bytes()
                for file in sorted(root.rglob("*"))
                if file.is_file()
            }


def columns_of(encoding: Encoding, features: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Names and types of the columns that an encoding reads, those of a STRUCT one by one.

    Raises:
        BqmlError: One is an array.
    """
    types = {name.casefold(): kind for name, kind in features}
    found: dict[str, str] = {}
    for part in encoding.inputs:
        if not isinstance(part, Number | Category):
            raise BqmlError(f"Exporting a model with an array, '{part.column}', is not supported")
        usual = "FLOAT64" if isinstance(part, Number) else "STRING"
        kind = types.get(part.column.casefold(), usual)
        found.setdefault(part.column, kind)
    return list(found.items())


def encoder(graph: Graph, encoding: Encoding) -> Callable[[Tensors], Any]:
    """The encoding as a graph: from columns to a matrix with a row each."""
    tf = graph.tf
    parts = [
        _number(graph, part) if isinstance(part, Number) else _category(graph, part)
        for part in encoding.inputs
        if isinstance(part, Number | Category)
    ]
    names = [part.column for part in encoding.inputs]

    def encode(given: Tensors) -> Any:
        encoded = [part(given[name]) for part, name in zip(parts, names, strict=True)]
        return tf.concat(encoded, axis=1)

    return encode


def _number(graph: Graph, part: Number) -> Callable[[Any], Any]:
    tf = graph.tf

    def encode(column: Any) -> Any:
        values = tf.where(tf.math.is_nan(column), tf.constant(part.mean, tf.float64), column)
        if part.stddev is not None:
            values = (values - part.mean) / part.stddev
        return values[:, None]

    return encode


def _category(graph: Graph, part: Category) -> Callable[[Any], Any]:
    tf = graph.tf
    targets = None if part.targets is None else graph.constant(part.targets)

    def encode(column: Any) -> Any:
        places = graph.places(part.names, graph.text(column))
        if targets is not None:
            # What training did not see has the last row, the mean of all.
            last = tf.constant(len(part.names), tf.int64)
            return tf.gather(targets, tf.where(places < 0, last, places))
        if part.encoding == "label":
            seen = tf.where(places == len(part.categories), tf.constant(-1, tf.int64), places)
            return tf.cast(seen + 1, tf.float64)[:, None]
        wanted = tf.constant(part.columns(), tf.int64)
        return tf.cast(places[:, None] == wanted[None, :], tf.float64)

    return encode
