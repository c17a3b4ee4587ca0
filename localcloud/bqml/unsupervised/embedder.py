"""What ML.GENERATE_EMBEDDING asks of a model that maps rows into a space of few dimensions."""

from typing import Protocol, runtime_checkable

import pyarrow as pa

from localcloud.bqml.arrays import Floats


@runtime_checkable
class Embedder(Protocol):
    """A model with a space of its own."""

    def embed(self, rows: pa.Table) -> Floats:
        """A row of numbers for each row.

        Raises:
            BqmlError: A column is missing or of a wrong type.
        """
        ...
