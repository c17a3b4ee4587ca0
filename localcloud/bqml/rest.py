"""How the REST API writes the training of a model.

https://cloud.google.com/bigquery/docs/reference/rest/v2/models#TrainingRun
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from localcloud.bqml.options import class_weight_pairs

if TYPE_CHECKING:
    from localcloud.bqml.model import Model

# Options whose REST field is not simply their camel case.
FIELDS = {
    "L1_REG": "l1Regularization",
    "L2_REG": "l2Regularization",
    "LS_INIT_LEARN_RATE": "initialLearnRate",
    "MIN_REL_PROGRESS": "minRelativeProgress",
    "OPTIMIZE_STRATEGY": "optimizationStrategy",
    "INPUT_LABEL_COLS": "inputLabelColumns",
    "DATA_SPLIT_COL": "dataSplitColumn",
    "INSTANCE_WEIGHT_COL": "instanceWeightColumn",
    "CLASS_WEIGHTS": "labelClassWeights",
    "TIME_SERIES_TIMESTAMP_COL": "timeSeriesTimestampColumn",
    "TIME_SERIES_DATA_COL": "timeSeriesDataColumn",
    "TIME_SERIES_ID_COL": "timeSeriesIdColumns",
    "HOLIDAY_REGION": "holidayRegions",
    "DIMENSION_ID_COLS": "dimensionIdColumns",
    "IS_TEST_COL": "isTestColumn",
    "USER_COL": "userColumn",
    "ITEM_COL": "itemColumn",
    "KMEANS_INIT_METHOD": "kmeansInitializationMethod",
    "KMEANS_INIT_COL": "kmeansInitializationColumn",
}
OF_PARTS = frozenset({"LEARN_RATE", "OPTIMIZER"})
VALUES = {"SEQ": "SEQUENTIAL", "KMEANS++": "KMEANS_PLUS_PLUS"}
# Values that the REST API has no name for.
UNNAMED = frozenset({"AUTO_STRATEGY", "TARGET_ENCODING"})
UNTOLD = frozenset(
    {
        "DATA_SPLIT_TEST_FRACTION",
        "HPARAM_TUNING_ALGORITHM",
        "OPTIMIZATION_OBJECTIVE",
        "PRUNING_METHOD",
        "RATING_COL",
        "SEASONALITIES",
        "TOP_K_INSIGHTS_BY_APRIORI_SUPPORT",
    }
)
"""Options that the REST API has no field for."""
UNUSED = {"LINE_SEARCH": "learnRate", "CONSTANT": "initialLearnRate"}


def training_run(model: "Model") -> dict[str, Any]:
    """One `TrainingRun`: options, iterations and what the kind adds."""
    run = model.fitted.training_run()
    # What a kind tells of its only iteration, such as the principal components.
    of_the_last = run.pop("result", {})
    last = len(model.iterations) - 1
    return {
        **run,
        "trainingOptions": {**options(model.options), **run.get("trainingOptions", {})},
        "results": [
            step.rest() | (of_the_last if place == last else {})
            for place, step in enumerate(model.iterations)
        ],
    }


def options(given: Mapping[str, Any]) -> dict[str, Any]:
    """`TrainingOptions` of options by name."""
    written: dict[str, Any] = {}
    for name, value in given.items():
        if value is None or name in UNTOLD or (isinstance(value, str) and value in UNNAMED):
            continue
        field = FIELDS.get(name) or re.sub(r"_(\w)", lambda match: match[1].upper(), name.lower())
        if name == "CLASS_WEIGHTS":
            value = class_weight_pairs(value)
        elif name == "NON_SEASONAL_ORDER":
            value = dict(zip("pdq", map(str, value), strict=True))
        elif name in OF_PARTS and not isinstance(value, (str, float)):
            # The API has one field for both parts of a wide and deep network: this is the deep's.
            value = value[0][1]
        elif isinstance(value, str):
            value = VALUES.get(value, value)
        elif isinstance(value, tuple):
            value = list(value)
        written[field] = value
    # The learning rate of the other strategy says nothing.
    written.pop(UNUSED.get(written.get("learnRateStrategy", ""), ""), None)
    # 64-bit integers are text in Google's JSON.
    return {field: _written(value) for field, value in written.items()}


def _written(value: Any) -> Any:
    if isinstance(value, list):
        return [_written(item) for item in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
