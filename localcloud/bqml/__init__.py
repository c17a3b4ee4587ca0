"""BigQuery ML without BigQuery: Arrow tables in, fitted models and Arrow tables out.

`train` fits a model, `Model.save` and `Model.load` keep it, `FUNCTIONS` has the ML.* table
functions. Kinds are rows of `localcloud.bqml.kinds`. Numbers differ from Google's, which does not
publish its solvers and random splits; names, order and types of columns do not.
"""

from localcloud.bqml.errors import BqmlError
from localcloud.bqml.functions import FUNCTIONS, TableFunction
from localcloud.bqml.model import Iteration, Model
from localcloud.bqml.training import train

__all__ = ["FUNCTIONS", "BqmlError", "Iteration", "Model", "TableFunction", "train"]
