"""bigframes as it is installed: frames, machine learning, pipelines, on the running local cloud."""

import warnings
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
from google.auth.credentials import AnonymousCredentials

from tests.conftest import LocalCloud
from tests.localcloud.clients.bigquery_client import client_of

PROJECT = "bigframes-project"
MEASURES = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm"]


@pytest.fixture(scope="module")
def bpd(local_cloud: LocalCloud) -> Iterator[Any]:
    import bigframes.pandas

    client_of(local_cloud, PROJECT).create_dataset("ml")
    calls = local_cloud.grpc["tls_address"]
    options = bigframes.pandas.options.bigquery
    options.project, options.location = PROJECT, "US"
    options.credentials = AnonymousCredentials()
    with warnings.catch_warnings():
        # That endpoints are given is said to be for those who know what they do.
        warnings.simplefilter("ignore")
        options.client_endpoints_override = {
            "bqclient": local_cloud.url,
            "bqconnectionclient": calls,
            "bqstoragereadclient": calls,
            "bqstoragewriteclient": calls,
        }
    bigframes.pandas.options.display.progress_bar = None
    yield bigframes.pandas
    bigframes.pandas.close_session()


@pytest.fixture(scope="module")
def birds() -> pd.DataFrame:
    from palmerpenguins import load_penguins

    return load_penguins().dropna().reset_index(drop=True)


@pytest.fixture(scope="module")
def frame(bpd: Any, birds: pd.DataFrame) -> Any:
    return bpd.read_pandas(birds)


@pytest.fixture(scope="module")
def table(bpd: Any, frame: Any) -> str:
    frame.to_gbq("ml.penguins", if_exists="replace", index=False)
    return "ml.penguins"


@pytest.mark.covers("bigframes", "BigQuery Storage Write API")
@pytest.mark.parametrize("engine", ["bigquery_load", "bigquery_write", "bigquery_streaming"])
def test_a_frame_comes_back_as_it_was(bpd: Any, birds: pd.DataFrame, engine: str) -> None:
    back = bpd.read_pandas(birds, write_engine=engine).to_pandas()

    pd.testing.assert_frame_equal(
        back, birds, check_dtype=False, check_index_type=False, check_column_type=False
    )


@pytest.mark.covers("bigframes", "FOR SYSTEM_TIME AS OF")
def test_a_table_is_read_with_filters(bpd: Any, birds: pd.DataFrame, table: str) -> None:
    read = bpd.read_gbq(table, columns=["island"], filters=[("species", "==", "Gentoo")])

    assert (len(bpd.read_gbq(table)), len(read)) == (
        len(birds),
        int((birds["species"] == "Gentoo").sum()),
    )


@pytest.mark.covers("bigframes", "BigQuery Storage Read API")
def test_many_rows_of_a_query_are_taken(bpd: Any) -> None:
    read = bpd.read_gbq_query("SELECT x FROM UNNEST(GENERATE_ARRAY(1, 200000)) AS x")

    assert int(read.to_pandas(allow_large_results=True)["x"].sum()) == 200_000 * 200_001 // 2


def plain(frame: pd.DataFrame) -> list[list[object]]:
    """Rows whose missing values are all the same."""
    return frame.astype(object).where(frame.notna(), None).to_numpy().tolist()


@pytest.mark.covers("bigframes")
@pytest.mark.parametrize("how", ["inner", "left", "outer", "right"])
def test_frames_are_joined(bpd: Any, how: Any) -> None:
    left = pd.DataFrame({"k": ["a", "b", "c"], "v": [1, 2, 3]})
    right = pd.DataFrame({"k": ["a", "b", "d"], "w": [1.5, 2.5, 3.5]})

    joined = bpd.read_pandas(left).merge(bpd.read_pandas(right), on="k", how=how).to_pandas()

    assert plain(joined) == plain(left.merge(right, on="k", how=how))


@pytest.mark.covers("bigframes")
def test_groups_are_as_in_pandas(frame: Any, birds: pd.DataFrame) -> None:
    grouped = frame.groupby("species")[MEASURES].agg(["mean", "max"]).to_pandas()

    expected = birds.groupby("species")[MEASURES].agg(["mean", "max"])
    pd.testing.assert_frame_equal(
        grouped, expected, check_dtype=False, check_index_type=False, check_column_type=False
    )


def first(values: Any) -> Any:
    return values.head(4).to_pandas().tolist()


@pytest.mark.covers("bigframes")
@pytest.mark.parametrize(
    "take",
    [
        lambda f: first(f["body_mass_g"].cumsum()),
        lambda f: first(f["body_mass_g"].shift(1).fillna(0)),
        lambda f: first(f.groupby("species")["body_mass_g"].rank()),
        lambda f: first(f["species"].str.upper() + "-" + f["island"].str.slice(0, 2)),
        lambda f: first(f["sex"].where(f["year"] == 2007, "?")),
        lambda f: first(f.sort_values(["body_mass_g", "bill_length_mm"])["year"]),
        lambda f: f["species"].value_counts().to_pandas().to_dict(),
        lambda f: f["body_mass_g"].clip(3000, 4000).sum(),
        lambda f: f["body_mass_g"].std().round(9),
        lambda f: f.drop_duplicates("species").shape,
        lambda f: f.pivot_table(values="year", index="species", columns="sex").shape,
    ],
)
def test_operations_are_as_in_pandas(frame: Any, birds: pd.DataFrame, take: Any) -> None:
    pd.DataFrame.to_pandas = pd.Series.to_pandas = lambda self: self  # type: ignore[attr-defined]
    try:
        expected = take(birds)
    finally:
        del pd.DataFrame.to_pandas, pd.Series.to_pandas  # type: ignore[attr-defined]

    assert take(frame) == expected


@pytest.mark.covers("bigframes")
def test_a_sample_is_the_same_for_the_same_seed(frame: Any) -> None:
    taken = [sorted(frame.sample(n=10, random_state=1).to_pandas().index) for _ in range(2)]

    assert (len(taken[0]), taken[0]) == (10, taken[1])


@pytest.mark.covers("bigframes")
def test_json_is_read(bpd: Any) -> None:
    import bigframes.bigquery as bbq

    rows = bpd.read_gbq_query("""SELECT JSON '{"a": {"b": [1, 2]}}' AS j""")

    assert bbq.json_query(rows["j"], "$.a.b").to_pandas().tolist() == ["[1,2]"]


ESTIMATORS = {
    "LINEAR_REG": ("linear_model.LinearRegression", {}, "body_mass_g", "r2_score", 0.7),
    "LOGISTIC_REG": ("linear_model.LogisticRegression", {}, "species", "accuracy", 0.95),
    "BOOSTED_TREE_CLASSIFIER": (
        "ensemble.XGBClassifier",
        {"max_depth": 3},
        "species",
        "accuracy",
        0.95,
    ),
    "BOOSTED_TREE_REGRESSOR": (
        "ensemble.XGBRegressor",
        {"max_depth": 3},
        "body_mass_g",
        "r2_score",
        0.7,
    ),
    "RANDOM_FOREST_CLASSIFIER": (
        "ensemble.RandomForestClassifier",
        {"n_estimators": 10, "max_depth": 5},
        "species",
        "accuracy",
        0.95,
    ),
    "RANDOM_FOREST_REGRESSOR": (
        "ensemble.RandomForestRegressor",
        {"n_estimators": 10, "max_depth": 5},
        "body_mass_g",
        "r2_score",
        0.7,
    ),
}
"""Kind -> class, its arguments, the label, a metric and the least it has to be."""


def made(name: str, **arguments: Any) -> Any:
    """An instance of a class below `bigframes.ml`."""
    from importlib import import_module

    module, _, class_name = name.rpartition(".")
    return getattr(import_module(f"bigframes.ml.{module}"), class_name)(**arguments)


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.covers("bigframes", kind)) for kind in ESTIMATORS]
)
def test_an_estimator_fits_predicts_and_scores(frame: Any, kind: str) -> None:
    name, arguments, label, metric, least = ESTIMATORS[kind]
    estimator = made(name, **arguments)

    estimator.fit(frame[MEASURES], frame[[label]])
    predicted = estimator.predict(frame[MEASURES]).to_pandas()
    score = estimator.score(frame[MEASURES], frame[[label]]).to_pandas()

    assert list(predicted.index) == list(range(len(frame)))
    assert f"predicted_{label}" in predicted.columns
    assert score[metric][0] > least


@pytest.mark.covers("bigframes", "KMEANS")
def test_kmeans_fits_predicts_and_scores(frame: Any) -> None:
    estimator = made("cluster.KMeans", n_clusters=3)

    estimator.fit(frame[MEASURES])
    clusters = estimator.predict(frame[MEASURES]).to_pandas().iloc[:, 0]

    assert (clusters.name.lower(), set(clusters)) == ("centroid_id", {1, 2, 3})
    assert estimator.score(frame[MEASURES]).to_pandas()["mean_squared_distance"][0] > 0
    assert len(estimator.cluster_centers_) == 9


@pytest.mark.covers("bigframes", "PCA")
def test_pca_fits_predicts_and_scores(frame: Any) -> None:
    estimator = made("decomposition.PCA", n_components=2)

    estimator.fit(frame[MEASURES])
    found = estimator.predict(frame[MEASURES]).to_pandas()

    assert list(found.columns) == ["principal_component_1", "principal_component_2"]
    assert list(found.index) == list(range(len(frame)))
    assert estimator.score().to_pandas()["total_explained_variance_ratio"][0] > 0.9
    assert len(estimator.components_) == 6


@pytest.mark.covers("bigframes", "ARIMA_PLUS")
def test_arima_fits_and_forecasts(bpd: Any) -> None:
    days = pd.date_range("2020-01-01", periods=60, tz="UTC")
    series = bpd.read_pandas(pd.DataFrame({"day": days, "v": [i % 7 + i * 0.1 for i in range(60)]}))
    estimator = made("forecasting.ARIMAPlus")

    estimator.fit(series[["day"]], series[["v"]])
    forecast = estimator.predict(horizon=5).to_pandas()

    assert list(forecast["forecast_timestamp"]) == list(
        pd.date_range("2020-03-01", periods=5, tz="UTC")
    )
    assert list(estimator.summary().to_pandas()["has_drift"]) != []


@pytest.mark.covers("bigframes", "MATRIX_FACTORIZATION")
def test_matrix_factorization_fits_predicts_and_scores(bpd: Any) -> None:
    rows = [{"u": f"u{u}", "i": f"i{i}", "r": float(u * i % 5)} for u in range(8) for i in range(6)]
    ratings = bpd.read_pandas(pd.DataFrame(rows))
    estimator = made(
        "decomposition.MatrixFactorization",
        num_factors=2,
        feedback_type="explicit",
        user_col="u",
        item_col="i",
        rating_col="r",
        l2_reg=1.0,
    )

    estimator.fit(ratings)

    assert len(estimator.predict(ratings[["u", "i"]])) == 48
    assert estimator.score(ratings).to_pandas()["mean_squared_error"][0] < 4


@pytest.mark.covers("bigframes", "TRANSFORM", "ML.TRANSFORM")
@pytest.mark.parametrize(
    ("name", "columns", "output"),
    [
        ("preprocessing.StandardScaler", MEASURES, "standard_scaled_bill_length_mm"),
        ("preprocessing.MinMaxScaler", MEASURES, "min_max_scaled_bill_length_mm"),
        ("preprocessing.MaxAbsScaler", MEASURES, "max_abs_scaled_bill_length_mm"),
        ("preprocessing.KBinsDiscretizer", MEASURES, "kbinsdiscretizer_bill_length_mm"),
        ("preprocessing.LabelEncoder", ["island"], "labelencoded_island"),
        ("preprocessing.OneHotEncoder", ["island"], "onehotencoded_island"),
        ("preprocessing.PolynomialFeatures", MEASURES, "poly_feat_bill_length_mm_bill_depth_mm"),
        ("impute.SimpleImputer", MEASURES, "imputer_bill_length_mm"),
    ],
)
def test_a_transformer_keeps_the_rows_apart(
    frame: Any, name: str, columns: list[str], output: str
) -> None:
    transformer = made(name)

    transformer.fit(frame[columns])
    transformed = transformer.transform(frame[columns]).to_pandas()

    assert (output in transformed.columns, list(transformed.index)) == (
        True,
        list(range(len(frame))),
    )


def transformed(bpd: Any, name: str, rows: dict[str, list[Any]], **arguments: Any) -> Any:
    """What a transformer gives of the rows that it was fitted on."""
    frame = bpd.read_pandas(pd.DataFrame(rows))
    return made(name, **arguments).fit(frame).transform(frame).to_pandas()


@pytest.mark.covers("bigframes", "ML.ONE_HOT_ENCODER")
@pytest.mark.parametrize(
    ("arguments", "elements"),
    [
        ({}, [(1, 1.0), (2, 1.0), (1, 1.0), (0, 1.0)]),
        ({"drop": "most_frequent"}, [(1, 0.0), (2, 1.0), (1, 0.0), (0, 1.0)]),
        ({"max_categories": 2}, [(1, 1.0), (0, 1.0), (1, 1.0), (0, 1.0)]),
        ({"min_frequency": 2}, [(1, 1.0), (0, 1.0), (1, 1.0), (0, 1.0)]),
    ],
)
def test_categories_are_encoded(
    bpd: Any, arguments: dict[str, Any], elements: list[tuple[int, float]]
) -> None:
    encoded = transformed(
        bpd, "preprocessing.OneHotEncoder", {"c": ["a", "b", "a", None]}, **arguments
    )

    found = [
        (element["index"], element["value"]) for [element] in encoded["onehotencoded_c"].tolist()
    ]
    assert found == elements


@pytest.mark.covers("bigframes", "ML.LABEL_ENCODER")
def test_labels_are_numbered_by_the_alphabet(bpd: Any) -> None:
    encoded = transformed(bpd, "preprocessing.LabelEncoder", {"c": ["b", "a", None, "b"]})

    assert encoded["labelencoded_c"].tolist() == [2, 1, 0, 2]


@pytest.mark.covers("bigframes", "ML.POLYNOMIAL_EXPAND")
def test_features_are_multiplied(bpd: Any) -> None:
    made_of = transformed(
        bpd, "preprocessing.PolynomialFeatures", {"a": [2.0, 3.0], "b": [5.0, 7.0]}, degree=2
    )

    assert made_of.to_dict("list") == {
        "poly_feat_a": [2.0, 3.0],
        "poly_feat_a_a": [4.0, 9.0],
        "poly_feat_a_b": [10.0, 21.0],
        "poly_feat_b": [5.0, 7.0],
        "poly_feat_b_b": [25.0, 49.0],
    }


@pytest.mark.covers("bigframes", "ML.BUCKETIZE", "ML.QUANTILE_BUCKETIZE")
@pytest.mark.parametrize(
    ("strategy", "bins"),
    [
        ("uniform", ["bin_2", "bin_2", "bin_2", "bin_2"]),
        ("quantile", ["bin_1", "bin_2", "bin_2", "bin_2"]),
    ],
)
def test_numbers_are_put_into_bins(bpd: Any, strategy: str, bins: list[str]) -> None:
    binned = transformed(
        bpd,
        "preprocessing.KBinsDiscretizer",
        {"x": [0.0, 1.0, 2.0, 10.0]},
        n_bins=2,
        strategy=strategy,
    )

    assert binned["kbinsdiscretizer_x"].tolist() == bins


@pytest.mark.covers("bigframes", "ML.IMPUTER")
@pytest.mark.parametrize(
    ("strategy", "value"), [("mean", 4.0), ("median", 3.0), ("most_frequent", 3.0)]
)
def test_what_is_missing_is_filled_in(bpd: Any, strategy: str, value: float) -> None:
    filled = transformed(
        bpd, "impute.SimpleImputer", {"x": [3.0, 3.0, 6.0, None]}, strategy=strategy
    )

    assert filled["imputer_x"].tolist() == [3.0, 3.0, 6.0, value]


@pytest.mark.covers("bigframes", "TRANSFORM", "ML.ONE_HOT_ENCODER", "ML.POLYNOMIAL_EXPAND")
def test_a_pipeline_with_every_transformer_is_read_again(bpd: Any, frame: Any) -> None:
    transformers = {
        "one_hot": (made("preprocessing.OneHotEncoder"), ["island"]),
        "label": (made("preprocessing.LabelEncoder"), ["sex"]),
        "poly": (made("preprocessing.PolynomialFeatures"), MEASURES[:2]),
        "bins": (made("preprocessing.KBinsDiscretizer", n_bins=4), MEASURES[2:]),
        "filled": (made("impute.SimpleImputer"), ["body_mass_g"]),
        "scaled": (made("preprocessing.MaxAbsScaler"), MEASURES[2:]),
    }
    steps = made(
        "compose.ColumnTransformer",
        transformers=[(name, *given) for name, given in transformers.items()],
    )
    estimator = made("ensemble.XGBClassifier", max_depth=3)
    pipeline = made("pipeline.Pipeline", steps=[("pre", steps), ("fit", estimator)])
    features = frame[[*MEASURES, "island", "sex", "body_mass_g"]]

    pipeline.fit(features, frame[["species"]])
    pipeline.to_gbq("ml.every_transformer", replace=True)
    read = bpd.read_gbq_model("ml.every_transformer")

    kinds = [type(step).__name__ for _, step, _ in dict(read.steps)["transform"].transformers]
    assert read.score(features, frame[["species"]]).to_pandas()["accuracy"][0] > 0.95
    assert {type(step).__name__ for step, _ in transformers.values()} <= set(kinds)


@pytest.mark.covers("bigframes", "TRANSFORM")
def test_a_pipeline_is_stored_and_read_again(bpd: Any, frame: Any) -> None:
    scaled = ("scaled", made("preprocessing.StandardScaler"), MEASURES[:2])
    binned = ("bins", made("preprocessing.KBinsDiscretizer", n_bins=4), MEASURES[2:])
    encoded = ("encoded", made("preprocessing.LabelEncoder"), ["island"])
    steps = made("compose.ColumnTransformer", transformers=[scaled, binned, encoded])
    pipeline = made(
        "pipeline.Pipeline",
        steps=[("pre", steps), ("fit", made("linear_model.LogisticRegression"))],
    )
    features = frame[[*MEASURES, "island"]]

    pipeline.fit(features, frame[["species"]])
    pipeline.to_gbq("ml.pipeline", replace=True)
    read = bpd.read_gbq_model("ml.pipeline")

    assert read.score(features, frame[["species"]]).to_pandas()["accuracy"][0] > 0.95
    assert [name for name, _ in read.steps] == ["transform", "estimator"]


@pytest.mark.covers("bigframes")
def test_rows_are_split_and_predictions_measured(frame: Any) -> None:
    from bigframes.ml import metrics, model_selection

    train, test, train_mass, test_mass = model_selection.train_test_split(
        frame[MEASURES], frame[["body_mass_g"]], test_size=0.25, random_state=1
    )
    estimator = made("linear_model.LinearRegression")

    estimator.fit(train, train_mass)
    predicted = estimator.predict(test)[["predicted_body_mass_g"]]

    assert (len(train), len(test)) == (250, 83)
    assert metrics.r2_score(test_mass, predicted) > 0.6


@pytest.mark.covers("bigframes")
def test_a_session_works_in_another_location(bpd: Any, local_cloud: LocalCloud) -> None:
    import bigframes

    given = bpd.options.bigquery
    session = bigframes.connect(
        bigframes.BigQueryOptions(
            project=PROJECT,
            location="EU",
            credentials=AnonymousCredentials(),
            client_endpoints_override=given.client_endpoints_override,
        )
    )
    rows = session.read_pandas(pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": [2.0, 4.0, 6.0]}))
    estimator = made("linear_model.LinearRegression")

    estimator.fit(rows[["x"]], rows[["y"]])
    predicted = estimator.predict(rows[["x"]]).to_pandas()
    session.close()

    assert predicted["predicted_y"].tolist() == pytest.approx([2, 4, 6])


@pytest.mark.covers("bigframes", "ALTER MODEL")
def test_a_model_is_registered(frame: Any, local_cloud: LocalCloud) -> None:
    import requests

    estimator = made("linear_model.LinearRegression")
    estimator.fit(frame[MEASURES], frame[["body_mass_g"]])

    estimator.register("bigframes_mass")

    name = f"projects/{PROJECT}/locations/us-central1/models/bigframes_mass"
    assert requests.get(f"{local_cloud.url}/v1/{name}", timeout=10).status_code == 200
