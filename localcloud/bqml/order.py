"""An order of rows that follows from what they hold."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from localcloud.bqml.arrays import Places

FACTOR = np.uint64(1_000_003)


def shuffled(table: pa.Table) -> Places:
    """An order that looks random and follows from the rows' content alone.

    A query engine gives rows in any order; a training that goes by this one is the same every time.
    """
    from pandas.util import hash_pandas_object

    # Numbers are compared with 32 bits, since sums that TRANSFORM divides by differ in their last
    # bits from run to run.
    compared = pa.table(
        {
            str(place): pa.array(_hashes(column)) if pa.types.is_nested(column.type) else column
            for place, column in enumerate(map(_short, table.columns))
        }
    )
    # Rows that are equal have one hash, and which of them comes first makes no difference.
    hashes = hash_pandas_object(compared.to_pandas(), index=False).to_numpy()
    return np.argsort(hashes, kind="stable")


def _short(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.float32()) if column.type == pa.float64() else column


def _hashes(column: pa.ChunkedArray) -> npt.NDArray[np.uint64]:
    """A number for each row that follows from what an array or a struct holds."""
    from pandas.util import hash_pandas_object

    column = _short(column)
    if pa.types.is_struct(column.type):
        found: npt.NDArray[np.uint64] = np.zeros(len(column), np.uint64)
        for part in column.type:
            found = found * FACTOR + _hashes(pc.struct_field(column, part.name))
        return found
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy().astype(np.intp)
        flat = [pc.list_flatten(chunk) for chunk in column.chunks]
        inner = _hashes(pa.chunked_array(flat, column.type.value_type))
        starts = np.cumsum(lengths) - lengths
        places = np.arange(len(inner)) - np.repeat(starts, lengths)
        # The same elements in another order are another array.
        sums = np.append(np.uint64(0), np.cumsum(inner * (2 * places + 1).astype(np.uint64)))
        whole: npt.NDArray[np.uint64] = sums[starts + lengths] - sums[starts]
        return whole
    hashed: npt.NDArray[np.uint64] = hash_pandas_object(
        pa.table({"0": column}).to_pandas(), index=False
    ).to_numpy()
    return hashed
