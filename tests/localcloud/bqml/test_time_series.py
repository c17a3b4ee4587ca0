"""ARIMA_PLUS against series whose parts are known, and statsmodels called directly."""

import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from statsmodels.tsa.arima.model import ARIMA

from localcloud import bqml
from localcloud.bqml import Model
from localcloud.bqml.timeseries import holiday
from localcloud.bqml.timeseries.limit import Limit
from localcloud.bqml.timeseries.series import PARTS
from tests.localcloud.bqml.conftest import call, schema

pytestmark = pytest.mark.covers("ARIMA_PLUS", "ARIMA_PLUS_XREG")

NAMED: dict[str, Any] = {
    "MODEL_TYPE": "ARIMA_PLUS",
    "TIME_SERIES_TIMESTAMP_COL": "day",
    "TIME_SERIES_DATA_COL": "y",
}
START = np.datetime64("2021-01-01", "D")
DAYS = np.timedelta64(1, "D")
COUNT = 800


def wave(steps: np.ndarray) -> np.ndarray:
    """A trend, a week and a year."""
    return (
        100
        + 0.05 * steps
        + 10 * np.sin(2 * np.pi * steps / 7)
        + 20 * np.sin(2 * np.pi * steps / 365.2425)
    )


@pytest.fixture(scope="module")
def days() -> pa.Table:
    """800 days with two Christmases, a spike on day 300 and noise of variance 1."""
    steps = np.arange(COUNT)
    y = wave(steps) + np.random.default_rng(0).normal(size=COUNT)
    dates = START + DAYS * steps
    y[np.isin(dates, np.array(["2021-12-25", "2022-12-25"], dtype="datetime64[D]"))] += 40
    y[300] += 60
    return pa.table({"day": pa.array(dates), "y": y})


@pytest.fixture(scope="module")
def model(days) -> Model:
    return bqml.train(
        {**NAMED, "HOLIDAY_REGION": "US", "HORIZON": 60, "AUTO_ARIMA_MAX_ORDER": 1}, days
    )


@pytest.fixture(scope="module")
def shops() -> pa.Table:
    """Two shops, each with 60 days of its own level, and one with two days."""
    random = np.random.default_rng(2)
    parts = []
    for name, level, count in (("b", 500.0, 60), ("a", 50.0, 60), ("short", 1.0, 2)):
        parts.append(
            pa.table(
                {
                    "shop": [name] * count,
                    "floor": [1] * count,
                    "day": pa.array(START + DAYS * np.arange(count)),
                    "y": level + random.normal(size=count),
                }
            )
        )
    return pa.concat_tables(parts)


@pytest.fixture(scope="module")
def many(shops) -> Model:
    return bqml.train({**NAMED, "TIME_SERIES_ID_COL": ["shop", "floor"], "HORIZON": 10}, shops)


def test_forecasts_go_on_with_trend_week_and_year(model):
    found = np.asarray(call("FORECAST", model, horizon=60)["forecast_value"])

    assert np.abs(found - wave(np.arange(COUNT, COUNT + 60))).mean() < 1


def test_forecast_has_the_columns_of_googles_page(model):
    table = call("FORECAST", model)

    assert schema(table) == {
        "forecast_timestamp": "timestamp[us, tz=UTC]",
        "forecast_value": "double",
        "standard_error": "double",
        "confidence_level": "double",
        "prediction_interval_lower_bound": "double",
        "prediction_interval_upper_bound": "double",
        "confidence_interval_lower_bound": "double",
        "confidence_interval_upper_bound": "double",
    }
    assert table.num_rows == 3
    first = table.to_pylist()[0]
    assert first["forecast_timestamp"].date() == datetime.date(2023, 3, 12)
    assert first["confidence_level"] == 0.95
    reach = 1.959964 * first["standard_error"]
    assert first["prediction_interval_upper_bound"] - first["forecast_value"] == pytest.approx(
        reach
    )


def test_intervals_hold_the_share_that_they_say():
    random = np.random.default_rng(9)
    y = np.zeros(2000)
    for place in range(1, 2000):
        y[place] = 0.8 * y[place - 1] + random.normal()
    table = pa.table({"day": pa.array(START + DAYS * np.arange(2000)), "y": y})
    model = bqml.train({**NAMED, "HORIZON": 1, "SEASONALITIES": ["NO_SEASONALITY"]}, table)

    found = call("DETECT_ANOMALIES", model, anomaly_prob_threshold=0.8)["is_anomaly"].to_pylist()

    assert np.mean(found) == pytest.approx(0.2, abs=0.03)


def test_parts_add_up_to_the_data(days, model):
    table = call("EXPLAIN_FORECAST", model, horizon=5)
    frame = table.to_pandas()

    assert table.column_names[:8] == [
        "time_series_timestamp",
        "time_series_type",
        "time_series_data",
        "time_series_adjusted_data",
        "standard_error",
        "confidence_level",
        "prediction_interval_lower_bound",
        "prediction_interval_upper_bound",
    ]
    assert table.column_names[8:18] == list(PARTS)
    assert all(name.startswith("holiday_effect_") for name in table.column_names[18:])
    total = frame[list(PARTS)].fillna(0).sum(axis=1)
    assert np.allclose(total, frame["time_series_data"])
    past = frame[frame["time_series_type"] == "history"]
    assert np.allclose(past["time_series_data"], days["y"])
    future = frame[frame["time_series_type"] == "forecast"]
    assert len(future) == 5
    assert past["confidence_level"].isna().all()
    assert (future["confidence_level"] == 0.95).all()
    assert future["residual"].isna().all()
    assert frame["seasonal_period_daily"].isna().all()


def test_christmas_and_the_spike_are_found(model):
    frame = call("EXPLAIN_FORECAST", model, horizon=1).to_pandas()

    christmas = frame[frame["holiday_effect_ChristmasDay"] > 20]
    assert [str(day.date()) for day in christmas["time_series_timestamp"]] == [
        "2021-12-25",
        "2022-12-25",
    ]
    assert frame["holiday_effect_ChristmasDay"].max() == pytest.approx(40, abs=8)
    assert frame["spikes_and_dips"].abs().idxmax() == 300
    assert frame["spikes_and_dips"].max() == pytest.approx(60, abs=8)


def test_a_holiday_comes_again_in_the_forecast(days):
    model = bqml.train(
        {**NAMED, "HOLIDAY_REGION": ["US"], "HORIZON": 300, "AUTO_ARIMA_MAX_ORDER": 1}, days
    )

    frame = call("FORECAST", model, horizon=300).to_pandas()

    [christmas] = frame[frame["forecast_timestamp"].dt.strftime("%m-%d") == "12-25"].itertuples()
    assert christmas.forecast_value - wave(np.array([COUNT + 288]))[0] == pytest.approx(40, abs=10)


def test_orders_are_told_with_their_criteria(model):
    table = call("ARIMA_EVALUATE", model)
    rows = table.to_pylist()

    assert schema(table) == {
        "non_seasonal_p": "int64",
        "non_seasonal_d": "int64",
        "non_seasonal_q": "int64",
        "has_drift": "bool",
        "log_likelihood": "double",
        "AIC": "double",
        "variance": "double",
        "seasonal_periods": "list<item: string>",
        "has_holiday_effect": "bool",
        "has_spikes_and_dips": "bool",
        "has_step_changes": "bool",
        "error_message": "string",
    }
    [best] = call("ARIMA_EVALUATE", model, show_all_candidate_models=False).to_pylist()
    # Three orders with p + q up to 1, each with and without drift.
    assert (len(rows), best["non_seasonal_d"]) == (6, 1)
    assert best["AIC"] == min(row["AIC"] for row in rows)
    assert best["seasonal_periods"] == ["WEEKLY", "YEARLY"]
    assert (best["has_holiday_effect"], best["has_spikes_and_dips"]) == (True, True)
    assert best["has_step_changes"] is False


@pytest.mark.parametrize("order", [(1, 0, 0), (1, 1, 1), (0, 2, 1)])
def test_a_given_order_is_fitted_as_statsmodels_fits_it(order):
    random = np.random.default_rng(4)
    y = np.cumsum(random.normal(size=300)) + 50
    table = pa.table({"day": pa.array(START + DAYS * np.arange(300)), "y": y})
    options = {
        "AUTO_ARIMA": False,
        "NON_SEASONAL_ORDER": order,
        "SEASONALITIES": ["NO_SEASONALITY"],
        "CLEAN_SPIKES_AND_DIPS": False,
        "ADJUST_STEP_CHANGES": False,
    }

    model = bqml.train({**NAMED, **options, "HORIZON": 20}, table)

    own = ARIMA(y, order=order, trend="c" if order[1] == 0 else "n").fit()
    expected = own.get_forecast(20)
    found = call("FORECAST", model, horizon=20)
    assert np.asarray(found["forecast_value"]) == pytest.approx(expected.predicted_mean, abs=0.1)
    assert np.asarray(found["standard_error"]) == pytest.approx(expected.se_mean, rel=0.02)
    [row] = call("ARIMA_COEFFICIENTS", model).to_pylist()
    assert row["ar_coefficients"] == pytest.approx(own.arparams.tolist(), abs=0.02)
    assert row["ma_coefficients"] == pytest.approx(own.maparams.tolist(), abs=0.02)


def test_drift_goes_on():
    y = np.cumsum(np.random.default_rng(5).normal(2.0, 1.0, size=200))
    table = pa.table({"day": pa.array(START + DAYS * np.arange(200)), "y": y})
    options = {"AUTO_ARIMA": False, "NON_SEASONAL_ORDER": (0, 1, 0), "INCLUDE_DRIFT": True}

    model = bqml.train({**NAMED, **options, "HORIZON": 10}, table)

    [row] = call("ARIMA_COEFFICIENTS", model).to_pylist()
    assert row["intercept_or_drift"] == pytest.approx(np.diff(y).mean(), abs=0.05)
    values = call("FORECAST", model, horizon=10)["forecast_value"].to_pylist()
    assert values[9] - values[0] == pytest.approx(9 * row["intercept_or_drift"])


def test_a_step_is_adjusted_to_the_level_after_it():
    y = np.random.default_rng(6).normal(size=200) + np.where(np.arange(200) < 120, 0.0, 50.0)
    table = pa.table({"day": pa.array(START + DAYS * np.arange(200)), "y": y})

    model = bqml.train({**NAMED, "HORIZON": 5, "SEASONALITIES": ["NO_SEASONALITY"]}, table)

    frame = call("EXPLAIN_FORECAST", model).to_pandas()
    assert frame["step_changes"][100] == pytest.approx(-50, abs=2)
    assert frame["step_changes"][150] == 0
    assert frame["time_series_data"].iloc[-1] == pytest.approx(50, abs=2)


def test_missing_days_are_filled_and_days_that_come_twice_averaged():
    steps = np.array([0, 1, 1, 2, 5, 6, 7, 8, 9, 10])
    y = np.array([0.0, 1.0, 3.0, 4.0, 10.0, 12.0, 14.0, 16.0, 18.0, 20.0])
    table = pa.table({"day": pa.array(START + DAYS * steps), "y": y})

    model = bqml.train({**NAMED, "HORIZON": 2}, table)

    past = call("EXPLAIN_FORECAST", model, horizon=2).to_pandas()
    assert past["time_series_data"].tolist()[:11] == pytest.approx(np.arange(0, 22, 2).tolist())
    # A straight line goes on without an error.
    assert past["time_series_data"].tolist()[11:] == pytest.approx([22, 24])
    assert past["standard_error"].tolist()[11:] == [0, 0]


@pytest.mark.parametrize(
    ("frequency", "moments", "following"),
    [
        ("PER_MINUTE", np.arange("2024-01-01T00:00", "2024-01-01T01:00", dtype="M8[m]"), "minute"),
        ("HOURLY", np.arange("2024-01-01T00", "2024-01-03T00", dtype="M8[h]"), "hour"),
        ("WEEKLY", np.arange("2023-01-01", "2024-01-01", 7, dtype="M8[D]"), "week"),
        ("MONTHLY", np.arange("2022-01", "2024-01", dtype="M8[M]").astype("M8[D]"), "month"),
        ("QUARTERLY", np.arange("2016-01", "2024-01", 3, dtype="M8[M]").astype("M8[D]"), "quarter"),
        ("YEARLY", np.arange("1990", "2024", dtype="M8[Y]").astype("M8[D]"), "year"),
    ],
)
def test_the_frequency_is_inferred(frequency, moments, following):
    if frequency == "MONTHLY":
        # The last day of each month.
        following_months = np.arange("2022-02", "2024-02", dtype="M8[M]").astype("M8[D]")
        moments = following_months - np.timedelta64(1, "D")
    y = np.random.default_rng(1).normal(size=len(moments))
    table = pa.table({"day": pa.array(moments.astype("M8[s]")), "y": y})

    model = bqml.train({**NAMED, "HORIZON": 2}, table)

    assert model.fitted.series[0].frequency == frequency
    first = call("FORECAST", model, horizon=2)["forecast_timestamp"][0].as_py().replace(tzinfo=None)
    expected = {
        "minute": datetime.datetime(2024, 1, 1, 1),
        "hour": datetime.datetime(2024, 1, 3),
        "week": datetime.datetime(2024, 1, 7) - datetime.timedelta(days=7),
        "month": datetime.datetime(2024, 1, 31),
        "quarter": datetime.datetime(2024, 1, 1),
        "year": datetime.datetime(2024, 1, 1),
    }[following]
    if following == "week":
        expected = moments[-1].astype(datetime.datetime) + datetime.timedelta(days=7)
        expected = datetime.datetime.combine(expected, datetime.time())
    assert first == expected


def test_each_series_has_its_own_forecast(many):
    table = call("FORECAST", many, horizon=2)

    assert table.column_names[:3] == ["shop", "floor", "forecast_timestamp"]
    assert table["shop"].to_pylist() == ["a", "a", "b", "b"]
    values = table["forecast_value"].to_pylist()
    assert values[0] == pytest.approx(50, abs=3)
    assert values[2] == pytest.approx(500, abs=3)


def test_a_series_that_cannot_be_fitted_says_why(many):
    rows = call("ARIMA_EVALUATE", many).to_pylist()

    assert [row["shop"] for row in rows] == ["a", "b", "short"]
    assert rows[2]["error_message"] == "the time series has 2 points; at least 3 are needed"
    assert rows[2]["non_seasonal_p"] is None
    assert rows[0]["error_message"] is None


def test_forecasts_are_judged_by_what_came(many):
    rows = call("FORECAST", many, horizon=10).to_pandas()
    came = pa.table(
        {
            "shop": rows["shop"],
            "floor": rows["floor"],
            "day": pa.array(rows["forecast_timestamp"]).cast(pa.date32()),
            "y": rows["forecast_value"] + np.where(rows["shop"] == "a", 1.0, -2.0),
        }
    )

    table = call("EVALUATE", many, came)

    assert table.column_names == [
        "shop",
        "floor",
        "mean_absolute_error",
        "mean_squared_error",
        "root_mean_squared_error",
        "mean_absolute_percentage_error",
        "symmetric_mean_absolute_percentage_error",
        "mean_absolute_scaled_error",
    ]
    one, two = table.to_pylist()
    assert (one["shop"], two["shop"]) == ("a", "b")
    assert one["mean_absolute_error"] == pytest.approx(1)
    assert two["root_mean_squared_error"] == pytest.approx(2)
    # In percent: 1 of about 51.
    assert one["mean_absolute_percentage_error"] == pytest.approx(1.96, abs=0.1)


def test_each_moment_is_judged_where_it_is_asked_for(many):
    came = pa.table(
        {
            "shop": ["a", "a"],
            "floor": [1, 1],
            "day": pa.array(START + DAYS * np.array([59, 60])),
            "y": [50.0, 50.0],
        }
    )

    table = call("EVALUATE", many, came, perform_aggregation=False, horizon=5)

    assert table.column_names == [
        "shop",
        "floor",
        "day",
        "y",
        "forecasted_y",
        "lower_bound",
        "upper_bound",
        "absolute_error",
        "absolute_percentage_error",
    ]
    past, future = table.to_pylist()
    assert past["forecasted_y"] is None
    assert future["absolute_error"] == pytest.approx(abs(future["forecasted_y"] - 50))
    assert future["absolute_percentage_error"] == pytest.approx(future["absolute_error"] / 50)


def test_without_rows_evaluate_tells_how_well_series_are_fitted(model):
    [row] = call("EVALUATE", model).to_pylist()

    assert list(row)[:7] == [
        "non_seasonal_p",
        "non_seasonal_d",
        "non_seasonal_q",
        "has_drift",
        "log_likelihood",
        "aic",
        "variance",
    ]


def test_the_spike_is_an_anomaly_of_the_past(days, model):
    table = call("DETECT_ANOMALIES", model, anomaly_prob_threshold=0.9999)

    assert schema(table) == {
        "day": "timestamp[us, tz=UTC]",
        "y": "double",
        "is_anomaly": "bool",
        "lower_bound": "double",
        "upper_bound": "double",
        "anomaly_probability": "double",
    }
    frame = table.to_pandas()
    assert frame["is_anomaly"][300]
    assert frame["y"][300] > frame["upper_bound"][300]
    assert frame["is_anomaly"].sum() < 10


def test_new_points_are_judged_by_the_forecast(many):
    rows = pa.table(
        {
            "shop": ["a", "a", "who", "a"],
            "floor": [1, 1, 1, 1],
            "day": pa.array(START + DAYS * np.array([60, 61, 60, 500])),
            "y": [50.0, 90.0, 1.0, 1.0],
            "why": ["usual", "much", "unknown", "far"],
        }
    )

    table = call("DETECT_ANOMALIES", many, rows, anomaly_prob_threshold=0.99)

    assert table.column_names == [
        "shop",
        "floor",
        "day",
        "y",
        "is_anomaly",
        "lower_bound",
        "upper_bound",
        "anomaly_probability",
        "why",
    ]
    assert table["is_anomaly"].to_pylist() == [False, True, None, None]


def test_forecasts_stay_within_limits():
    y = np.exp(np.linspace(4, 0, 100)) + np.random.default_rng(3).uniform(0, 0.1, 100)
    table = pa.table({"day": pa.array(START + DAYS * np.arange(100)), "y": y})
    free = {**NAMED, "HORIZON": 50, "AUTO_ARIMA_MIN_ORDER": 1}

    model = bqml.train({**free, "FORECAST_LIMIT_LOWER_BOUND": 0.0}, table)
    both = bqml.train(
        {**free, "FORECAST_LIMIT_LOWER_BOUND": 0, "FORECAST_LIMIT_UPPER_BOUND": 60}, table
    )

    for fitted in (model, both):
        found = call("FORECAST", fitted, horizon=50).to_pandas()
        assert (found["prediction_interval_lower_bound"] > 0).all()
        assert (found["prediction_interval_lower_bound"] < found["forecast_value"]).all()
    assert (
        call("FORECAST", both, horizon=50).to_pandas()["prediction_interval_upper_bound"] < 60
    ).all()


def test_parts_within_limits_add_up_on_the_scale_without_them():
    y = np.exp(np.linspace(4, 0, 100)) + np.random.default_rng(3).uniform(0, 0.1, 100)
    table = pa.table({"day": pa.array(START + DAYS * np.arange(100)), "y": y})
    model = bqml.train({**NAMED, "HORIZON": 5, "FORECAST_LIMIT_LOWER_BOUND": 0.0}, table)

    found = call("EXPLAIN_FORECAST", model, horizon=5).to_pandas()

    parts = found[list(PARTS)].fillna(0).sum(axis=1)
    assert np.exp(parts[:100]).to_numpy() == pytest.approx(y)
    assert found["time_series_data"][:100].to_numpy() == pytest.approx(y)
    assert (found["prediction_interval_lower_bound"][100:] > 0).all()


def test_custom_holidays_are_looked_at(days):
    custom = pa.table(
        {
            "region": ["US", "US"],
            "holiday_name": ["OurDay", "OurDay"],
            "primary_date": pa.array(["2021-12-25", "2022-12-25"]).cast(pa.date32()),
        }
    )
    options = {**NAMED, "HORIZON": 5, "AUTO_ARIMA_MAX_ORDER": 1}

    model = bqml.train(options, days, holidays=custom)

    frame = call("EXPLAIN_FORECAST", model).to_pandas()
    assert frame["holiday_effect_OurDay"].max() == pytest.approx(40, abs=8)
    info = call("HOLIDAY_INFO", model)
    assert info.to_pylist()[0] == {
        "region": "US",
        "holiday_name": "OurDay",
        "primary_date": datetime.date(2021, 12, 25),
        "preholiday_days": 1,
        "postholiday_days": 1,
    }


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"holiday_name": ["our day"]}, "letters, digits and underscores"),
        ({"primary_date": ["2021-12-25"]}, "must be a DATE"),
        ({"preholiday_days": [0]}, "give 1 or more"),
        ({"preholiday_days": [30]}, "a window of 30 days"),
        ({"region": None}, "lacks region"),
    ],
)
def test_custom_holidays_that_are_wrong_are_refused(days, change, says):
    columns = {
        "region": ["US"],
        "holiday_name": ["OurDay"],
        "primary_date": pa.array(["2021-12-25"]).cast(pa.date32()),
        **change,
    }
    custom = pa.table({name: values for name, values in columns.items() if values is not None})

    with pytest.raises(bqml.BqmlError, match=says):
        bqml.train(NAMED, days, holidays=custom)


def test_only_time_series_have_custom_holidays(flights, days):
    with pytest.raises(bqml.BqmlError, match="custom_holiday is for time series"):
        bqml.train({"MODEL_TYPE": "KMEANS"}, flights, holidays=days)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"TIME_SERIES_DATA_COL": None}, "time_series_data_col is None"),
        ({"TIME_SERIES_TIMESTAMP_COL": "y"}, "must be TIMESTAMP, DATE or DATETIME"),
        ({"TIME_SERIES_DATA_COL": "day"}, "must be a number"),
        ({"TIME_SERIES_ID_COL": "shop"}, "time_series_id_col is 'shop'"),
        ({"NON_SEASONAL_ORDER": (1, 0, 0)}, "needs auto_arima = FALSE"),
        ({"AUTO_ARIMA": False}, "needs non_seasonal_order"),
        ({"AUTO_ARIMA": False, "NON_SEASONAL_ORDER": (6, 0, 0)}, "p and q from 0 to 5"),
        (
            {"AUTO_ARIMA": False, "NON_SEASONAL_ORDER": (1, 0, 0), "INCLUDE_DRIFT": True},
            "include_drift needs a d of 1",
        ),
        ({"AUTO_ARIMA_MIN_ORDER": 2}, "must be less than auto_arima_max_order, 2"),
        ({"MIN_TIME_SERIES_LENGTH": 10}, "needs time_series_length_fraction"),
        (
            {"MAX_TIME_SERIES_LENGTH": 10, "TIME_SERIES_LENGTH_FRACTION": 0.5},
            "does not go with time_series_length_fraction",
        ),
        ({"SEASONALITIES": ["AUTO", "WEEKLY"]}, "stand alone"),
        ({"SEASONALITIES": ["SOMETIMES"]}, "give an array of AUTO"),
        (
            {"FORECAST_LIMIT_LOWER_BOUND": 2, "FORECAST_LIMIT_UPPER_BOUND": 1},
            "it must be less than forecast_limit_upper_bound",
        ),
        ({"HOLIDAY_REGION": "Bavaria"}, "give a region"),
        ({"HORIZON": 10_001}, "1 to 10000"),
        ({"HIERARCHICAL_TIME_SERIES_COLS": ["a"]}, "'a', which is not in time_series_id_col"),
    ],
)
def test_wrong_options_are_refused(days, options, says):
    with pytest.raises(bqml.BqmlError, match=says):
        bqml.train({**NAMED, **options}, days)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {
                "TIME_SERIES_ID_COL": "y",
                "HIERARCHICAL_TIME_SERIES_COLS": ["y"],
                "FORECAST_LIMIT_LOWER_BOUND": 0,
            },
            "hierarchical_time_series_cols with forecast limits",
        ),
    ],
)
def test_what_google_does_and_this_does_not_says_so(days, options, says):
    with pytest.raises(NotImplementedError, match=says):
        bqml.train({**NAMED, **options}, days)


@pytest.mark.parametrize(
    ("name", "settings", "says"),
    [
        ("FORECAST", {"horizon": 61}, "trained with horizon = 60"),
        ("FORECAST", {"confidence_level": 1}, "from 0 to below 1"),
        ("EVALUATE", {"horizon": 3}, "needs a table"),
        ("PREDICT", {}, "use ML.FORECAST"),
        ("WEIGHTS", {}, "not for models of type ARIMA_PLUS"),
    ],
)
def test_functions_refuse_what_they_do_not_take(days, model, name, settings, says):
    tables = [days] if name == "PREDICT" else []
    with pytest.raises(bqml.BqmlError, match=says):
        call(name, model, *tables, **settings)


def test_parts_that_are_not_kept_are_not_told(days):
    options = {**NAMED, "HORIZON": 5, "DECOMPOSE_TIME_SERIES": False, "AUTO_ARIMA_MAX_ORDER": 1}

    model = bqml.train(options, days)

    assert call("FORECAST", model).num_rows == 3
    for name in ("EXPLAIN_FORECAST", "DETECT_ANOMALIES"):
        with pytest.raises(bqml.BqmlError, match="decompose_time_series = TRUE"):
            call(name, model)
    assert call("ARIMA_EVALUATE", model)["has_spikes_and_dips"][0].as_py() is None


@pytest.mark.parametrize("name", ["model", "many"])
def test_a_loaded_model_says_the_same(name, request, tmp_path):
    model = request.getfixturevalue(name)
    model.save(tmp_path)

    loaded = Model.load(tmp_path)

    for function in (
        "FORECAST",
        "EXPLAIN_FORECAST",
        "ARIMA_EVALUATE",
        "ARIMA_COEFFICIENTS",
        "DETECT_ANOMALIES",
        "EVALUATE",
        "TRAINING_INFO",
        "FEATURE_INFO",
    ):
        assert call(function, loaded).equals(call(function, model)), function
    assert loaded.training_runs == model.training_runs
    assert list(call("TRAINING_INFO", loaded).column_names) == [
        "training_run",
        "iteration",
        "duration_ms",
    ]


@pytest.fixture(scope="module")
def sales() -> pa.Table:
    """Sales of 200 days that follow the price and a campaign."""
    random = np.random.default_rng(8)
    price, campaign = random.uniform(1, 3, 200), random.choice(["none", "tv"], 200)
    y = 50 - 10 * price + np.where(campaign == "tv", 7.0, 0.0) + random.normal(0, 0.2, 200)
    return pa.table(
        {
            "day": pa.array(START + DAYS * np.arange(200)),
            "y": y,
            "price": price,
            "campaign": campaign,
        }
    )


def test_features_tell_the_future(sales):
    options = {**NAMED, "MODEL_TYPE": "ARIMA_PLUS_XREG", "HORIZON": 20}
    model = bqml.train(options, sales.slice(0, 180))
    future = sales.slice(180).drop_columns(["y"])

    found = call("FORECAST", model, future, horizon=20)
    explained = call("EXPLAIN_FORECAST", model, future, horizon=20).to_pandas()
    weights = call("ARIMA_COEFFICIENTS", model).to_pylist()

    errors = np.asarray(found["forecast_value"]) - np.asarray(sales["y"])[180:]
    assert np.abs(errors).mean() < 0.4
    by_name = {row["processed_input"]: row for row in weights}
    assert by_name["price"]["weight"] == pytest.approx(-10, abs=0.2)
    values = {w["category"]: w["weight"] for w in by_name["campaign"]["category_weights"]}
    assert values["tv"] - values["none"] == pytest.approx(7, abs=0.2)
    attributed = explained["attribution_price"].iloc[-1]
    assert attributed == pytest.approx(by_name["price"]["weight"] * future["price"][-1].as_py())
    parts = [*PARTS, "attribution_price", "attribution_campaign"]
    assert np.allclose(explained[parts].fillna(0).sum(axis=1), explained["time_series_data"])
    judged = call("EVALUATE", model, sales.slice(180))
    assert judged["mean_absolute_error"][0].as_py() == pytest.approx(np.abs(errors).mean())


def test_a_forecast_goes_as_far_as_there_are_features(sales):
    options = {**NAMED, "MODEL_TYPE": "ARIMA_PLUS_XREG", "HORIZON": 20}
    model = bqml.train(options, sales.slice(0, 180))

    found = call("FORECAST", model, sales.slice(180, 7), horizon=20)

    assert found.num_rows == 7
    with pytest.raises(bqml.BqmlError, match="needs a table"):
        call("FORECAST", model)
    with pytest.raises(bqml.BqmlError, match="no features of the points after the end"):
        call("FORECAST", model, sales.slice(0, 10))


def test_a_model_of_features_needs_some(sales):
    with pytest.raises(bqml.BqmlError, match="needs a feature"):
        bqml.train({**NAMED, "MODEL_TYPE": "ARIMA_PLUS_XREG"}, sales.select(["day", "y"]))


@pytest.mark.parametrize("limit", [Limit(2, None), Limit(None, 9), Limit(2, 9), Limit(None, None)])
def test_values_come_back_from_the_scale_without_limits(limit):
    values = np.array([2.5, 4.0, 8.5])

    freed = limit.freed(values)

    assert limit.bound(freed) == pytest.approx(values)
    slopes = (limit.bound(freed + 1e-6) - limit.bound(freed - 1e-6)) / 2e-6
    assert limit.slope(freed) == pytest.approx(slopes, rel=1e-4)


def test_what_is_not_between_the_limits_is_left_out():
    assert np.isnan(Limit(2, 9).freed(np.array([2.0, 1.0, 9.0, 10.0]))).all()


@pytest.fixture(scope="module")
def towns() -> pa.Table:
    """Three stores in two towns; the last one closes ten days before the others."""
    random = np.random.default_rng(5)
    parts = []
    for town, store, level, count in (("x", 1, 10.0, 60), ("x", 2, 20.0, 60), ("z", 3, 40.0, 50)):
        parts.append(
            pa.table(
                {
                    "town": [town] * count,
                    "store": [store] * count,
                    "day": pa.array(START + DAYS * np.arange(count)),
                    "y": level + random.normal(size=count),
                }
            )
        )
    return pa.concat_tables(parts)


@pytest.fixture(scope="module")
def hierarchy(towns, tmp_path_factory) -> Model:
    model = bqml.train(
        {
            **NAMED,
            "TIME_SERIES_ID_COL": ["store", "town"],
            "HIERARCHICAL_TIME_SERIES_COLS": ["town", "store"],
            "HORIZON": 20,
        },
        towns,
    )
    directory = tmp_path_factory.mktemp("hierarchy")
    model.save(directory)
    return Model.load(directory)


def test_a_hierarchy_has_forecasts_of_each_level(hierarchy):
    found = call("FORECAST", hierarchy, horizon=1).to_pylist()

    assert [(row["store"], row["town"]) for row in found] == [
        (None, None),
        (None, "x"),
        (None, "z"),
        (1, "x"),
        (2, "x"),
        (3, "z"),
    ]


def test_forecasts_of_a_level_are_the_sums_of_those_below(hierarchy):
    found = call("FORECAST", hierarchy, horizon=20).to_pandas()

    day = found["forecast_timestamp"].max() - 10 * np.timedelta64(1, "D")
    at = found[found["forecast_timestamp"] == day]
    stores = at[at["store"].notna()]
    whole = at[at["store"].isna() & at["town"].isna()].iloc[0]
    assert whole["forecast_value"] == pytest.approx(stores["forecast_value"].sum())
    assert whole["standard_error"] == pytest.approx(np.sqrt((stores["standard_error"] ** 2).sum()))


def test_the_past_of_a_level_is_that_of_all_below(hierarchy, towns):
    found = call("EXPLAIN_FORECAST", hierarchy, horizon=1).to_pandas()

    past = found[found["town"].isna() & (found["time_series_type"] == "history")]
    assert past["time_series_data"].sum() == pytest.approx(np.asarray(towns["y"]).sum())


def test_orders_of_a_hierarchy_are_those_of_the_lowest_level(hierarchy):
    found = call("ARIMA_EVALUATE", hierarchy)

    assert found["store"].to_pylist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("region", "name", "date"),
    [
        ("GLOBAL", "NewYearsDay", "2022-01-01"),
        ("NA", "ThanksgivingDay", "2022-11-24"),
        ("JAPAC", "ChineseNewYear", "2022-02-01"),
        ("EMEA", "EasterMonday", "2022-04-18"),
        ("LAC", "GoodFriday", "2022-04-15"),
    ],
)
def test_a_continent_has_the_holidays_of_its_countries(region, name, date):
    found = holiday.of_regions([region], 2022, 2022)

    assert (region, name, date) in {(h.region, h.name, h.date.isoformat()) for h in found}


def test_a_holiday_of_a_continent_is_looked_at(days):
    model = bqml.train(
        {**NAMED, "HOLIDAY_REGION": "GLOBAL", "HORIZON": 5, "AUTO_ARIMA_MAX_ORDER": 1}, days
    )

    effect = call("EXPLAIN_FORECAST", model, horizon=1).to_pandas()["holiday_effect_ChristmasDay"]
    assert effect.max() == pytest.approx(40, abs=5)
