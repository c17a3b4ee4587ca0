"""The ML.* table functions, by name."""

from localcloud.bqml.functions import evaluate, predict
from localcloud.bqml.functions.table_function import TableFunction

__all__ = ["FUNCTIONS", "TableFunction"]

FUNCTIONS = {
    function.name: function
    for function in (
        predict.PREDICT,
        evaluate.EVALUATE,
    )
}
