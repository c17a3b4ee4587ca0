"""Kinds of models: the data is whole, and a statement is known for what it makes."""

import re
from importlib.resources import files
from typing import Any

import pytest
from bqvertex.specs.model_kind import REMOTE, ModelKind, UnknownKind, kind_of, kinds
from bqvertex.specs.model_option_rule import CLAUSES
from bqvertex.specs.statement import read_statement

from googlesql.create_model import CreateModel
from googlesql.schema import parse_type

EVERY = pytest.mark.parametrize("kind", kinds().values(), ids=lambda kind: kind.name)
WORDS = {"given", "absent", "tuned"}


def parts_of(sql: str) -> CreateModel:
    parts = read_statement(sql).create_model
    assert parts is not None
    return parts


def test_there_are_the_24_types_and_6_kinds_of_remote_models() -> None:
    remote = [name for name in kinds() if name.startswith(REMOTE)]

    assert (len(kinds()) - len(remote), len(remote)) == (24, 6)


@EVERY
def test_the_facts_of_a_kind_are_whole(kind: ModelKind) -> None:
    assert kind.page.startswith("https://docs.cloud.google.com/bigquery/")
    assert kind.clauses.keys() <= CLAUSES.keys()
    assert set(kind.clauses.values()) <= {"needed", "optional"}
    assert kind.price_class in {"internal", "external", "none"}
    assert kind.has_label == ("INPUT_LABEL_COLS" in kind.options)
    assert bool(kind.evaluation_metrics) >= kind.has_evaluation
    assert kind.is_remote == kind.takes_connection


@EVERY
def test_the_options_of_a_kind_take_what_they_say_they_default_to(kind: ModelKind) -> None:
    for option in kind.options.values():
        assert option.name == option.name.upper()
        assert [parse_type(t.replace("ENUM", "STRING")) for t in option.type.split("|")]
        assert list(option.problems(as_constant(option.default))) == []
        re.compile(option.pattern)
        assert bool(option.pattern) == bool(option.form), option.name


def as_constant(default: Any) -> Any:
    if isinstance(default, list) and default and isinstance(default[0], list):
        return [tuple(item) for item in default]
    return default


@EVERY
def test_the_rules_of_a_kind_name_what_it_has(kind: ModelKind) -> None:
    for rule in kind.rules:
        conditions = {**rule.when, **rule.needs, **rule.refuses}
        named = {*conditions, *rule.one_of, *rule.ascending, *rule.at_most, *rule.max_items}
        for name in named | rule.column_types.keys():
            option = name.split("[")[0]
            clause = name.strip("[]")
            # A rule of a group counts for kinds that lack an option, which is then never given.
            known = {o for other in kinds().values() for o in other.options}
            assert option in known or clause in CLAUSES, name
        for wanted in conditions.values():
            assert not isinstance(wanted, str) or wanted in WORDS or wanted.startswith("~")


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("CREATE MODEL m OPTIONS (model_type = 'kmeans') AS SELECT 1 AS a", "KMEANS"),
        (
            "CREATE MODEL m REMOTE WITH CONNECTION DEFAULT OPTIONS (endpoint = 'gemini-2.5-pro')",
            "llm",
        ),
        (
            "CREATE MODEL m REMOTE WITH CONNECTION DEFAULT "
            "OPTIONS (endpoint = 'https://aiplatform.googleapis.com/v1/projects/p/locations/global/"
            "publishers/google/models/gemini-2.5-pro')",
            "llm",
        ),
        (
            "CREATE MODEL m REMOTE WITH CONNECTION DEFAULT "
            "OPTIONS (endpoint = 'text-embedding-005')",
            "embedding",
        ),
        (
            "CREATE MODEL m REMOTE WITH CONNECTION DEFAULT "
            "OPTIONS (endpoint = 'multimodalembedding@001')",
            "embedding",
        ),
        (
            "CREATE MODEL m INPUT (a INT64) OUTPUT (b INT64) REMOTE WITH CONNECTION DEFAULT "
            "OPTIONS (endpoint = 'https://us-east1-aiplatform.googleapis.com/v1/projects/p/"
            "locations/us-east1/endpoints/7')",
            "https",
        ),
        (
            "CREATE MODEL m REMOTE WITH CONNECTION DEFAULT "
            "OPTIONS (endpoint = 'https://us-east1-aiplatform.googleapis.com/v1/projects/p/"
            "locations/us-east1/endpoints/7')",
            "open_model",
        ),
        (
            "CREATE MODEL m REMOTE WITH CONNECTION DEFAULT "
            "OPTIONS (hugging_face_model_id = 'google/gemma-3-270m-it')",
            "open_model",
        ),
        (
            "CREATE MODEL m REMOTE WITH CONNECTION DEFAULT "
            "OPTIONS (remote_service_type = 'CLOUD_AI_VISION_V1')",
            "cloud_ai",
        ),
        (
            "CREATE MODEL m REMOTE WITH CONNECTION DEFAULT OPTIONS (endpoint = 'gemini-2.5-pro') "
            "AS SELECT 'a' AS prompt, 'b' AS label",
            "tuned_gemini",
        ),
        ("CREATE MODEL m REMOTE WITH CONNECTION DEFAULT", "llm"),
    ],
)
def test_a_statement_is_known_for_what_it_makes(sql: str, name: str) -> None:
    assert kind_of(parts_of(sql)).name.removeprefix(REMOTE) == name


@pytest.mark.parametrize(
    ("options", "place", "words"),
    [
        ("model_type = 'KMEAN'", "option MODEL_TYPE", "did you mean KMEANS?"),
        ("model_type = 'REMOTE:llm'", "option MODEL_TYPE", "is no MODEL_TYPE"),
        ("max_iterations = 2", "path", "needs MODEL_TYPE: ARIMA_PLUS, "),
    ],
)
def test_a_kind_that_is_not_there_is_refused(options: str, place: str, words: str) -> None:
    with pytest.raises(UnknownKind, match=re.escape(words)) as caught:
        kind_of(parts_of(f"CREATE MODEL m OPTIONS ({options}) AS SELECT 1 AS a"))

    assert caught.value.place == place


def test_a_training_that_tunes_may_take_twice_as_long() -> None:
    plain = parts_of("CREATE MODEL m OPTIONS (model_type = 'KMEANS') AS SELECT 1 AS a")
    tuned = parts_of("CREATE MODEL m OPTIONS (model_type = 'KMEANS', num_trials = 3) AS SELECT 1 a")

    hours = [kinds()["KMEANS"].default_job_timeout_s(parts) / 3600 for parts in (plain, tuned)]

    assert hours == [24, 48]
    assert kinds()["ARIMA_PLUS"].job_timeout_s == 48 * 3600


def test_the_data_is_in_the_package() -> None:
    assert files("bqvertex.specs").joinpath("bqml_options.json").is_file()
