"""What encoded rows are called between the modules that make and take them."""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
"""Classes of rows, as places in the sorted classes; or places of rows in a table."""
Design = Any
"""A row of encoded columns each: an array, or a scipy CSR matrix where there are many columns."""
