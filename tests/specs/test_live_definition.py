from typing import Any

import pytest
from bqvertex.specs.live_definition import FIELDS, LiveDefinition, differences
from bqvertex.specs.model_kind import kinds
from bqvertex.specs.model_statement import read_model_statement

STATEMENT = (
    "CREATE MODEL m OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['is_late'], "
    "l2_reg = 0.1, data_split_method = 'SEQ', data_split_col = 'day', optimize_strategy = "
    "'AUTO_STRATEGY', class_weights = [STRUCT('a', 0.25), ('b', 0.75)]) "
    "AS SELECT is_late, origin, distance, day FROM departures"
)
COLUMNS = {"is_late": "BOOL", "origin": "STRING", "distance": "INT64", "day": "DATE"}
LIVE: dict[str, Any] = {
    "model_type": "LOGISTIC_REGRESSION",
    "training_options": {
        "inputLabelColumns": ["is_late"],
        "l2Regularization": 0.1,
        "dataSplitMethod": "SEQUENTIAL",
        "dataSplitColumn": "day",
        "optimizationStrategy": "NORMAL_EQUATION",
        "labelClassWeights": {"a": 0.25, "b": 0.75},
        "maxIterations": "20",
        "earlyStop": True,
    },
    "label_columns": {"is_late": "BOOL"},
    "feature_columns": {"origin": "STRING", "distance": "INT64"},
    "remote_model_info": {},
}


def found(statement: str, columns: dict[str, str] | None, **live: Any) -> list[str]:
    return differences(
        read_model_statement(statement, ""), columns, LiveDefinition(**{**LIVE, **live})
    )


def told(**options: Any) -> dict[str, Any]:
    return {"training_options": {**LIVE["training_options"], **options}}


def test_a_model_that_agrees_shows_no_difference():
    assert found(STATEMENT, COLUMNS) == []


@pytest.mark.parametrize(
    ("live", "sentences"),
    [
        ({"model_type": "KMEANS"}, ["its kind is KMEANS there and LOGISTIC_REGRESSION here"]),
        (told(l2Regularization=0.2), ["L2_REG is 0.2 there and 0.1 here"]),
        (told(l2Regularization=0.1000001), ["L2_REG is 0.1000001 there and 0.1 here"]),
        (told(maxIterations="50"), ["MAX_ITERATIONS is 50 there and 20 here, by default"]),
        (told(earlyStop=False), ["EARLY_STOP is False there and TRUE here, by default"]),
        (told(dataSplitMethod="RANDOM"), ["DATA_SPLIT_METHOD is RANDOM there and 'SEQ' here"]),
        (
            told(labelClassWeights={"a": 0.5, "b": 0.75}),
            [
                "CLASS_WEIGHTS is {'a': 0.5, 'b': 0.75} there and [STRUCT('a', 0.25), "
                "STRUCT('b', 0.75)] here"
            ],
        ),
        (
            {"label_columns": {"late": "BOOL"}},
            ["its label column is late there and is_late here"],
        ),
        (
            {"feature_columns": {"origin": "STRING", "distance": "FLOAT64"}},
            ["the column distance is FLOAT64 there and INT64 here"],
        ),
        (
            {"feature_columns": {**LIVE["feature_columns"], "dest": "STRING"}},
            ["it takes the column dest there and the query has none here"],
        ),
        (
            {"feature_columns": {"origin": "STRING"}},
            ["the query has the column distance here and the model takes none there"],
        ),
        (
            {"remote_model_info": {"endpoint": "https://x"}},
            ["it is a remote model there and none here"],
        ),
        ({"training_options": {}}, []),
    ],
)  # fmt: skip
def test_each_difference_is_named(live, sentences):
    assert found(STATEMENT, COLUMNS, **live) == sentences


def test_a_label_is_the_same_under_the_name_of_its_prediction():
    assert found(STATEMENT, COLUMNS, label_columns={"predicted_is_late": "BOOL"}) == []


def test_columns_that_are_not_known_are_not_compared():
    assert found(STATEMENT, None, feature_columns={"other": "STRING"}) == []


def test_a_model_with_transform_takes_the_columns_that_transform_reads():
    transformed = STATEMENT.replace("OPTIONS", "TRANSFORM (is_late, day, origin) OPTIONS")

    assert found(transformed, COLUMNS, feature_columns={"origin": "STRING"}) == []


TUNED = (
    "CREATE MODEL m OPTIONS (model_type = 'KMEANS', num_clusters = HPARAM_RANGE(2, 5), "
    "num_trials = 3, kmeans_init_method = 'KMEANS++') AS SELECT x FROM t"
)


@pytest.mark.parametrize(
    ("options", "sentences"),
    [
        ({"numClusters": "4", "kmeansInitializationMethod": "KMEANS_PLUS_PLUS"}, []),
        (
            {"kmeansInitializationMethod": "RANDOM"},
            ["KMEANS_INIT_METHOD is RANDOM there and 'KMEANS++' here"],
        ),
    ],
)
def test_a_tuned_option_is_whatever_was_chosen(options, sentences):
    live = {"model_type": "KMEANS", "label_columns": {}, "feature_columns": {}}

    assert found(TUNED, None, **live, training_options=options) == sentences


ARIMA = (
    "CREATE MODEL m OPTIONS (model_type = 'ARIMA_PLUS', time_series_timestamp_col = 't', "
    "time_series_data_col = 'v', time_series_id_col = 'id', auto_arima = FALSE, "
    "non_seasonal_order = (1, 0, 2), holiday_region = ['US', 'CA']) AS SELECT t, v, id FROM s"
)


@pytest.mark.parametrize(
    ("options", "sentences"),
    [
        (
            {
                "timeSeriesIdColumn": "id",
                "timeSeriesTimestampColumn": "t",
                "nonSeasonalOrder": {"p": "1", "q": "2"},
                "holidayRegions": ["US", "CA"],
                "autoArima": False,
            },
            [],
        ),
        (
            {"timeSeriesIdColumns": ["a", "b"], "holidayRegion": "US"},
            [
                "TIME_SERIES_ID_COL is a, b there and 'id' here",
                "HOLIDAY_REGION is US there and ['US', 'CA'] here",
            ],
        ),
        (
            {"nonSeasonalOrder": {"p": "1", "d": "1", "q": "2"}},
            ["NON_SEASONAL_ORDER is {'p': '1', 'd': '1', 'q': '2'} there and STRUCT(1, 0, 2) here"],
        ),
    ],
)
def test_options_of_more_than_one_form_are_compared(options, sentences):
    live = {"model_type": "ARIMA_PLUS", "label_columns": {}, "feature_columns": {}}

    assert sorted(found(ARIMA, None, **live, training_options=options)) == sorted(sentences)


REMOTE = "CREATE MODEL m REMOTE WITH CONNECTION `acme.us.c` OPTIONS (endpoint = 'gemini-2.5-flash')"


@pytest.mark.parametrize(
    ("info", "sentences"),
    [
        (
            {
                "endpoint": "https://us-central1-aiplatform.googleapis.com/v1/models/gemini-2.5-flash",
                "connection": "1234.us.c",
            },
            [],
        ),
        (
            {"endpoint": "https://x/gemini-2.5-pro", "connection": "acme.us.d"},
            [
                "ENDPOINT is https://x/gemini-2.5-pro there and 'gemini-2.5-flash' here",
                "its connection is acme.us.d there and acme.us.c here",
            ],
        ),
        ({}, ["it is no remote model there and one here"]),
    ],
)
def test_remote_models_are_compared_by_what_they_call(info, sentences):
    live = {"label_columns": {}, "feature_columns": {}, "training_options": {}}

    assert found(REMOTE, None, **live, remote_model_info=info) == sentences


def test_every_option_with_a_field_of_its_own_is_one():
    options = {name for kind in kinds().values() for name in kind.options}

    assert FIELDS.keys() <= options
