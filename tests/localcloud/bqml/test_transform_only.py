import pyarrow as pa
import pytest

from localcloud import bqml
from localcloud.bqml import Model
from tests.localcloud.bqml.conftest import call

pytestmark = pytest.mark.covers("TRANSFORM_ONLY")

OPTIONS = {"MODEL_TYPE": "TRANSFORM_ONLY"}


@pytest.fixture
def model(flights) -> Model:
    nested = flights.append_column("words", pa.array([["a", "b"]] * flights.num_rows))
    return bqml.train(OPTIONS, flights, before_transform=nested)


def test_features_are_the_columns_before_transform(model):
    info = call("FEATURE_INFO", model).to_pylist()

    assert [row["input"] for row in info] == ["late", "rain", "carrier", "noise", "words"]
    assert [row["category_count"] for row in info] == [2, None, 3, None, None]
    assert info[1]["mean"] is not None


def test_a_loaded_model_says_the_same(model, tmp_path):
    model.save(tmp_path)

    assert call("FEATURE_INFO", Model.load(tmp_path)).equals(call("FEATURE_INFO", model))


@pytest.mark.parametrize("name", ["PREDICT", "EVALUATE"])
def test_it_predicts_nothing(model, flights, name):
    with pytest.raises(bqml.BqmlError, match=r"not for models of type TRANSFORM_ONLY"):
        call(name, model, flights)


def test_it_needs_a_transform_clause(flights):
    with pytest.raises(bqml.BqmlError, match="needs a TRANSFORM clause"):
        bqml.train(OPTIONS, flights)


def test_it_has_no_options(flights):
    with pytest.raises(bqml.BqmlError, match="max_iterations is not one of TRANSFORM_ONLY"):
        bqml.train({**OPTIONS, "MAX_ITERATIONS": 1}, flights, before_transform=flights)
