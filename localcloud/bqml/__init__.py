"""BigQuery ML without BigQuery: Arrow tables in, fitted models and Arrow tables out.

`train` fits a model, `Model.save` and `Model.load` keep it, `FUNCTIONS` has the ML.* table
functions. A kind of model is a row of `localcloud.bqml.kinds` and a module that trains it; a
function is a row of `localcloud.bqml.functions` and a module.

Numbers differ from Google's, which publishes neither its solvers nor its random splits; names,
order and types of columns do not. The same rows, in any order, train the same model.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localcloud.bqml.errors import BqmlError
    from localcloud.bqml.functions import FUNCTIONS, TableFunction
    from localcloud.bqml.model import Iteration, Model
    from localcloud.bqml.training import check, train

__all__ = ["FUNCTIONS", "BqmlError", "Iteration", "Model", "TableFunction", "check", "train"]

_HOMES = {
    "BqmlError": "errors",
    "FUNCTIONS": "functions",
    "Iteration": "model",
    "Model": "model",
    "TableFunction": "functions",
    "check": "training",
    "train": "training",
}


def __getattr__(name: str) -> Any:
    # pyarrow and numpy take a tenth of a second to import: whoever only names this package, such
    # as a server that starts, does not pay for it.
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
