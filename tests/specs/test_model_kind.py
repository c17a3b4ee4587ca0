import json
from importlib.resources import files

import pytest
from bqvertex.specs.model_kind import REMOTE, kinds, option_problems

TYPES = {"STRING", "INT64", "FLOAT64", "BOOL", "ENUM", "INTERVAL"}


def data() -> dict[str, dict]:
    text = files("bqvertex.specs").joinpath("bqml_options.json").read_text()
    return json.loads(text)["kinds"]


def test_every_kind_of_the_data_is_served():
    names = {name.partition(":")[0] for name in data()}

    assert kinds().keys() == names


@pytest.mark.parametrize(("name", "kind"), data().items())
def test_the_data_of_a_kind_is_whole(name, kind):
    assert kind["page"].startswith("https://docs.cloud.google.com/bigquery/")
    for option, facts in kind["options"].items():
        assert option == option.upper()
        assert facts["type"]
        assert facts.keys() <= {"type", "values", "default", "min", "max", "tunable", "required"}


def test_a_kind_with_labels_takes_their_names():
    assert all("INPUT_LABEL_COLS" in k.options for k in kinds().values() if k.has_label)


@pytest.mark.parametrize(
    ("model_type", "remote", "options", "words"),
    [
        ("boosted_tree_classifier", False, ["MAX_ITERATIONS"], None),
        ("KMEANS", False, ["NUM_CLUSTER"], "did you mean NUM_CLUSTERS?"),
        ("KMEANS", False, ["INPUT_LABEL_COLS"], "MODEL_TYPE KMEANS has no option INPUT_LABEL_COLS"),
        ("KMEAN", False, [], "did you mean KMEANS?"),
        (None, False, [], "needs MODEL_TYPE"),
        (None, True, ["ENDPOINT"], None),
        (None, True, ["NUM_CLUSTERS"], "a remote model has no option"),
        ("KMEANS", True, ["ENDPOINT"], "takes no MODEL_TYPE"),
    ],
)
def test_options_of_another_kind_are_refused(model_type, remote, options, words):
    found = list(option_problems(model_type, remote=remote, options=options))

    if words is None:
        assert found == []
    else:
        ((_, reason),) = found
        assert words in reason


def test_remote_models_are_one_kind():
    assert {"ENDPOINT", "REMOTE_SERVICE_TYPE", "HUGGING_FACE_MODEL_ID"} <= set(
        kinds()[REMOTE].options
    )
