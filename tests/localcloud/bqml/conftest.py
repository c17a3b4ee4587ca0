from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from localcloud import bqml

TREE = {"MODEL_TYPE": "BOOSTED_TREE_CLASSIFIER", "INPUT_LABEL_COLS": ["late"]}
LOGISTIC = {"MODEL_TYPE": "LOGISTIC_REG", "INPUT_LABEL_COLS": ["late"]}


def call(name: str, model: bqml.Model | None, *tables: pa.Table, **settings: Any) -> pa.Table:
    """Call ML.<name>."""
    return bqml.FUNCTIONS[f"ML.{name}"].call(model, list(tables), settings)


def schema(table: pa.Table) -> dict[str, str]:
    """Columns in order, with their types."""
    return {field.name: str(field.type) for field in table.schema}


def known_set(name: str) -> tuple[pa.Table, list[int], list[int]]:
    """A set of scikit-learn's: a table with `target`, rows to train on, rows to judge on."""
    from sklearn import datasets

    found = getattr(datasets, f"load_{name}")(as_frame=True).frame
    found.columns = [column.replace(" ", "_").replace("/", "_") for column in found.columns]
    found.columns = [column.split("_(")[0] for column in found.columns]
    order = np.random.default_rng(0).permutation(len(found))
    held_out = len(found) // 4
    table = pa.Table.from_pandas(found, preserve_index=False)
    return table, order[held_out:].tolist(), order[:held_out].tolist()


def small_training(
    kind: str, flights: pa.Table, delays: pa.Table
) -> tuple[dict[str, Any], pa.Table]:
    """Options and rows that a kind trains on at once."""
    if kind == "LINEAR_REG" or kind.endswith("_REGRESSOR"):
        return {"INPUT_LABEL_COLS": ["minutes"]}, delays
    if kind in ("ARIMA_PLUS", "ARIMA_PLUS_XREG"):
        columns = {"TIME_SERIES_TIMESTAMP_COL": "day", "TIME_SERIES_DATA_COL": "rain"}
        days = np.arange("2024-01-01", "2024-03-01", dtype="datetime64[D]")
        rows = flights.slice(0, len(days)).select(["rain", "noise"])
        more = {"HORIZON": 5, "HOLIDAY_REGION": "US", "SEASONALITIES": ["AUTO"]}
        if kind == "ARIMA_PLUS_XREG":
            more = {"NON_SEASONAL_ORDER": (1, 0, 0), "AUTO_ARIMA": False}
        return {**columns, **more}, rows.append_column("day", pa.array(days))
    if kind == "CONTRIBUTION_ANALYSIS":
        columns = {"CONTRIBUTION_METRIC": "SUM(rain)", "IS_TEST_COL": "late"}
        return {**columns, "DIMENSION_ID_COLS": ["carrier", "noise"]}, flights
    if kind == "MATRIX_FACTORIZATION":
        columns = {"USER_COL": "carrier", "ITEM_COL": "noise", "RATING_COL": "rain"}
        return {**columns, "FEEDBACK_TYPE": "IMPLICIT"}, flights.drop_columns(["late"])
    if kind in ("AUTOENCODER", "KMEANS", "PCA", "TRANSFORM_ONLY"):
        return {"NUM_PRINCIPAL_COMPONENTS": 2} if kind == "PCA" else {}, flights
    if kind == "AUTOML_CLASSIFIER":
        return {"INPUT_LABEL_COLS": ["late"]}, flights
    weights = [{"label": "false", "weight": 1.0}, ("true", 2.0)]
    return {"INPUT_LABEL_COLS": ["late"], "CLASS_WEIGHTS": weights}, flights


@pytest.fixture(scope="session")
def flights() -> pa.Table:
    """2,000 rows in which rain and two carriers make flights late."""
    random = np.random.default_rng(7)
    rows = 2000
    rain = random.gamma(1.0, 1.0, rows)
    carrier = random.choice(["AA", "B6", "UA"], rows)
    odds = -2 + 1.2 * rain + np.where(carrier == "B6", 1.0, 0.0)
    late = random.random(rows) < 1 / (1 + np.exp(-odds))
    return pa.table(
        {
            "late": pa.array(late),
            "rain": pa.array(rain),
            "carrier": pa.array(carrier),
            "noise": pa.array(random.integers(0, 5, rows)),
        }
    )


@pytest.fixture(scope="session")
def delays(flights) -> pa.Table:
    """The same, with minutes of delay instead of whether there is one."""
    rain = np.asarray(flights["rain"])
    noise = np.random.default_rng(8).normal(size=len(rain))
    minutes = 10 * rain + np.where(np.asarray(flights["carrier"]) == "B6", 15.0, 0.0) + noise
    return flights.drop_columns(["late"]).append_column("minutes", pa.array(minutes))


@pytest.fixture(scope="session")
def tree(flights) -> bqml.Model:
    return bqml.train({**TREE, "ENABLE_GLOBAL_EXPLAIN": True}, flights)


@pytest.fixture(scope="session")
def logistic(flights) -> bqml.Model:
    return bqml.train(LOGISTIC, flights)


@pytest.fixture(scope="session")
def carriers(flights) -> bqml.Model:
    """A boosted tree with three classes."""
    return bqml.train({**TREE, "INPUT_LABEL_COLS": ["carrier"], "MAX_ITERATIONS": 5}, flights)


@pytest.fixture(scope="session")
def softmax(flights) -> bqml.Model:
    """A logistic regression with three classes."""
    options = {**LOGISTIC, "INPUT_LABEL_COLS": ["carrier"], "ENABLE_GLOBAL_EXPLAIN": True}
    return bqml.train(options, flights)


@pytest.fixture(scope="session")
def minutes(delays) -> bqml.Model:
    """A boosted tree that predicts a number."""
    options = {"MODEL_TYPE": "BOOSTED_TREE_REGRESSOR", "INPUT_LABEL_COLS": ["minutes"]}
    return bqml.train({**options, "ENABLE_GLOBAL_EXPLAIN": True}, delays)


@pytest.fixture(scope="session")
def line() -> bqml.Model:
    """`y = 3 x - 2 w + 5` without noise."""
    random = np.random.default_rng(1)
    x, w = random.normal(2, 3, size=400), random.normal(size=400)
    table = pa.table({"x": x, "w": w, "y": 3 * x - 2 * w + 5})
    return bqml.train({"MODEL_TYPE": "LINEAR_REG", "INPUT_LABEL_COLS": ["y"]}, table)
