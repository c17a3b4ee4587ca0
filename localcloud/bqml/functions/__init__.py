"""The ML.* table functions, by name. A new function is a module and a row."""

from collections.abc import Mapping

from localcloud.bqml.functions import ai_forecast, tabular
from localcloud.bqml.functions.centroids import CENTROIDS
from localcloud.bqml.functions.correlation import CORRELATION
from localcloud.bqml.functions.describe_data import DESCRIBE_DATA
from localcloud.bqml.functions.detect_anomalies import DETECT_ANOMALIES
from localcloud.bqml.functions.evaluate import EVALUATE
from localcloud.bqml.functions.explain import EXPLAIN_PREDICT, GLOBAL_EXPLAIN
from localcloud.bqml.functions.features_at_time import ENTITY_FEATURES_AT_TIME, FEATURES_AT_TIME
from localcloud.bqml.functions.forecast import EXPLAIN_FORECAST, FORECAST
from localcloud.bqml.functions.generate_embedding import GENERATE_EMBEDDING
from localcloud.bqml.functions.get_insights import GET_INSIGHTS
from localcloud.bqml.functions.inspect import FEATURE_IMPORTANCE, FEATURE_INFO, TRAINING_INFO
from localcloud.bqml.functions.inspect_series import (
    ARIMA_COEFFICIENTS,
    ARIMA_EVALUATE,
    HOLIDAY_INFO,
)
from localcloud.bqml.functions.key_drivers import KEY_DRIVERS
from localcloud.bqml.functions.metrics import METRICS
from localcloud.bqml.functions.predict import PREDICT
from localcloud.bqml.functions.principal_components import (
    PRINCIPAL_COMPONENT_INFO,
    PRINCIPAL_COMPONENTS,
)
from localcloud.bqml.functions.recommend import RECOMMEND
from localcloud.bqml.functions.reconstruction_loss import RECONSTRUCTION_LOSS
from localcloud.bqml.functions.table_function import TableFunction
from localcloud.bqml.functions.tfdv import DESCRIBE as TFDV_DESCRIBE
from localcloud.bqml.functions.threshold_curve import CONFUSION_MATRIX, ROC_CURVE
from localcloud.bqml.functions.trend import DETECT_CHANGE_POINTS, SEASONALITY, TREND
from localcloud.bqml.functions.trials import TRIAL_INFO, with_trials
from localcloud.bqml.functions.validate_data import VALIDATE_DATA_DRIFT, VALIDATE_DATA_SKEW
from localcloud.bqml.functions.vector_search import VECTOR_SEARCH
from localcloud.bqml.functions.weights import ADVANCED_WEIGHTS, WEIGHTS

__all__ = ["FUNCTIONS", "TableFunction"]

FUNCTIONS: Mapping[str, TableFunction] = {
    function.name: with_trials(function)
    for function in (
        PREDICT,
        EVALUATE,
        DETECT_ANOMALIES,
        CENTROIDS,
        GET_INSIGHTS,
        FORECAST,
        EXPLAIN_FORECAST,
        ARIMA_EVALUATE,
        ARIMA_COEFFICIENTS,
        HOLIDAY_INFO,
        RECOMMEND,
        RECONSTRUCTION_LOSS,
        PRINCIPAL_COMPONENTS,
        PRINCIPAL_COMPONENT_INFO,
        *GENERATE_EMBEDDING,
        EXPLAIN_PREDICT,
        GLOBAL_EXPLAIN,
        FEATURE_IMPORTANCE,
        FEATURE_INFO,
        WEIGHTS,
        ADVANCED_WEIGHTS,
        TRAINING_INFO,
        TRIAL_INFO,
        CONFUSION_MATRIX,
        ROC_CURVE,
        DESCRIBE_DATA,
        VALIDATE_DATA_DRIFT,
        VALIDATE_DATA_SKEW,
        TFDV_DESCRIBE,
        METRICS,
        CORRELATION,
        TREND,
        SEASONALITY,
        DETECT_CHANGE_POINTS,
        FEATURES_AT_TIME,
        ENTITY_FEATURES_AT_TIME,
        ai_forecast.FORECAST,
        ai_forecast.DETECT_ANOMALIES,
        ai_forecast.EVALUATE,
        ai_forecast.CAUSAL_EFFECT,
        tabular.PREDICT,
        KEY_DRIVERS,
        VECTOR_SEARCH,
    )
}
