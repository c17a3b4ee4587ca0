"""What ML.DETECT_ANOMALIES asks of a model that knows what its training rows were like."""

from typing import Protocol, runtime_checkable

import pyarrow as pa

from localcloud.bqml.arrays import Floats


@runtime_checkable
class Detector(Protocol):
    """A model that tells how unlike its training rows a row is."""

    @property
    def training_scores(self) -> Floats:
        """The score of each training row."""
        ...

    def anomaly_scores(self, rows: pa.Table) -> dict[str, pa.Array]:
        """The score of each row, in the first column, and columns that say more of it.

        Raises:
            BqmlError: A column is missing or of a wrong type.
        """
        ...
