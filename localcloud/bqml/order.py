"""An order of rows that follows from what they hold."""

import numpy as np
import pyarrow as pa

from localcloud.bqml.arrays import Places


def shuffled(table: pa.Table) -> Places:
    """An order that looks random and follows from the rows' content alone.

    A query engine gives rows in any order; a training that goes by this one is the same every time.
    """
    from pandas.util import hash_pandas_object

    # Numbers are compared with 32 bits, since sums that TRANSFORM divides by differ in their last
    # bits from run to run.
    compared = pa.table(
        {
            str(place): column.cast(pa.float32()) if column.type == pa.float64() else column
            for place, column in enumerate(table.columns)
        }
    )
    # Rows that are equal have one hash, and which of them comes first makes no difference.
    hashes = hash_pandas_object(compared.to_pandas(), index=False).to_numpy()
    return np.argsort(hashes, kind="stable")
