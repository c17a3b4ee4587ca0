import numpy as np
import pyarrow as pa
import pytest

from localcloud import bqml


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
def tree(flights) -> bqml.Model:
    options = {"MODEL_TYPE": "BOOSTED_TREE_CLASSIFIER", "INPUT_LABEL_COLS": ["late"]}
    return bqml.train({**options, "ENABLE_GLOBAL_EXPLAIN": True}, flights)


@pytest.fixture(scope="session")
def logistic(flights) -> bqml.Model:
    return bqml.train({"MODEL_TYPE": "LOGISTIC_REG", "INPUT_LABEL_COLS": ["late"]}, flights)


@pytest.fixture(scope="session")
def line() -> bqml.Model:
    """`y = 3 x - 2 w + 5` without noise."""
    random = np.random.default_rng(1)
    x, w = random.normal(size=400), random.normal(size=400)
    table = pa.table({"x": x, "w": w, "y": 3 * x - 2 * w + 5})
    return bqml.train({"MODEL_TYPE": "LINEAR_REG", "INPUT_LABEL_COLS": ["y"]}, table)
