"""Models: CREATE, ALTER, DROP, REST, the registry."""

import httpx
import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from tests.localcloud.bigquery.conftest import CLASSIFIER, PROJECT, Run, Server

pytestmark = pytest.mark.usefixtures("passengers")
REPLACE = CLASSIFIER.replace("CREATE MODEL", "CREATE OR REPLACE MODEL")
REGISTERED = CLASSIFIER.replace(
    "OPTIONS (",
    "OPTIONS (MODEL_REGISTRY = 'VERTEX_AI', VERTEX_AI_MODEL_ID = 'titanic', "
    "VERTEX_AI_MODEL_VERSION_ALIASES = ['champion'], ",
)


@pytest.fixture(autouse=True)
def _empty_registry(server: Server) -> None:
    server.registry.versions.pop("titanic", None)
    server.registry.deployed.clear()


def test_a_model_is_shaped_as_googles(client: bigquery.Client, dataset: str, run: Run) -> None:
    run(CLASSIFIER)

    model = client.get_model(f"{dataset}.survival")

    transformed = model._properties["transformColumns"]
    assert (model.model_type, model.location) == ("BOOSTED_TREE_CLASSIFIER", "US")
    # What TRANSFORM reads, not what it gives.
    assert [(f.name, f.type.type_kind.name) for f in model.feature_columns] == [
        ("class", "STRING"),
        ("age", "INT64"),
        ("fare", "FLOAT64"),
    ]
    assert [f.name for f in model.label_columns] == ["predicted_survived"]
    assert [c["name"] for c in transformed] == ["survived", "class", "age_scaled", "fare"]
    assert transformed[2]["type"] == {"typeKind": "FLOAT64"}
    assert transformed[2]["transformSql"] == "ML.STANDARD_SCALER(age) OVER ()"
    assert len(model.training_runs) == 1


@pytest.mark.parametrize(
    ("before", "statement", "operation"),
    [
        ([], CLASSIFIER, "CREATE"),
        ([], REPLACE, "CREATE"),
        ([CLASSIFIER], REPLACE, "REPLACE"),
        ([CLASSIFIER], CLASSIFIER.replace("MODEL", "MODEL IF NOT EXISTS", 1), "SKIP"),
        ([CLASSIFIER], "DROP MODEL survival", "DROP"),
        ([], "DROP MODEL IF EXISTS survival", "SKIP"),
        ([CLASSIFIER], "ALTER MODEL survival SET OPTIONS (description = 'x')", "ALTER"),
        ([], "ALTER MODEL IF EXISTS survival SET OPTIONS (description = 'x')", "SKIP"),
    ],
)
def test_a_statement_tells_what_it_did(
    client: bigquery.Client,
    dataset: str,
    run: Run,
    before: list[str],
    statement: str,
    operation: str,
) -> None:
    for sql in before:
        run(sql)

    config = bigquery.QueryJobConfig(default_dataset=f"{PROJECT}.{dataset}")
    job = client.query(statement, job_config=config)
    job.result()

    assert job.ddl_operation_performed == operation


def test_a_model_is_not_made_twice(run: Run) -> None:
    run(CLASSIFIER)

    with pytest.raises(exceptions.Conflict, match=r"Already Exists: Model"):
        run(CLASSIFIER)


@pytest.mark.parametrize(
    ("statement", "error", "message"),
    [
        ("DROP MODEL nothing", exceptions.NotFound, "Not found: Model"),
        ("SELECT * FROM ML.EVALUATE(MODEL nothing)", exceptions.NotFound, "Not found: Model"),
        (CLASSIFIER.replace("['survived']", "['nothing']"), exceptions.BadRequest, "nothing"),
        (CLASSIFIER.replace("class, age", "klass, age"), exceptions.BadRequest, "klass"),
        (
            CLASSIFIER.replace("ML.STANDARD_SCALER(age) OVER ()", "ML.DECODE_IMAGE(class)"),
            exceptions.MethodNotImplemented,
            "ML.DECODE_IMAGE is not implemented",
        ),
        (
            "SELECT * FROM ML.TRANSLATE(MODEL survival, (SELECT 'a' AS text_content))",
            exceptions.MethodNotImplemented,
            "ML.TRANSLATE is not implemented on the local cloud",
        ),
    ],
)
def test_what_cannot_be_done_is_said(
    run: Run, statement: str, error: type[Exception], message: str
) -> None:
    if "survival" in statement and "CREATE" not in statement:
        run(CLASSIFIER)

    with pytest.raises(error, match=message):
        run(statement)


def test_a_failed_training_leaves_nothing(client: bigquery.Client, dataset: str, run: Run) -> None:
    with pytest.raises(exceptions.BadRequest):
        run(CLASSIFIER.replace("['survived']", "['nothing']"))

    assert list(client.list_models(dataset)) == []


def test_a_dry_run_trains_nothing(client: bigquery.Client, dataset: str) -> None:
    config = bigquery.QueryJobConfig(default_dataset=f"{PROJECT}.{dataset}", dry_run=True)

    job = client.query(CLASSIFIER, job_config=config)

    assert job.statement_type == "CREATE_MODEL"
    assert list(client.list_models(dataset)) == []


def test_a_dry_run_finds_a_wrong_column(client: bigquery.Client, dataset: str) -> None:
    config = bigquery.QueryJobConfig(default_dataset=f"{PROJECT}.{dataset}", dry_run=True)

    with pytest.raises(exceptions.BadRequest, match="klass"):
        client.query(CLASSIFIER.replace("class, age", "klass, age"), job_config=config)


@pytest.mark.parametrize(
    ("type_and_options", "error"),
    [
        ("'PCA', num_principal_components = 1, num_trials = 2", exceptions.BadRequest),
        ("'ARIMA'", exceptions.MethodNotImplemented),
        ("'DNN_REGRESSOR', num_trials = 2, tf_version = HPARAM_RANGE(0, 1)", exceptions.BadRequest),
        ("'LINEAR_REG', l2_reg = -1", exceptions.BadRequest),
    ],
)
def test_a_dry_run_refuses_the_options_that_a_training_does(
    client: bigquery.Client, dataset: str, type_and_options: str, error: type[Exception]
) -> None:
    config = bigquery.QueryJobConfig(default_dataset=f"{PROJECT}.{dataset}", dry_run=True)
    sql = f"CREATE MODEL m OPTIONS (model_type = {type_and_options}) AS SELECT 1 AS a, 2 AS label"

    with pytest.raises(error):
        client.query(sql, job_config=config)


def test_a_patch_changes_only_what_it_names(
    client: bigquery.Client, dataset: str, run: Run
) -> None:
    run(CLASSIFIER)
    model = client.get_model(f"{dataset}.survival")
    model.description, model.labels = "who lives", {"hash": "1"}
    client.update_model(model, ["description", "labels"])

    model = client.get_model(f"{dataset}.survival")
    model.friendly_name = "Survival"
    client.update_model(model, ["friendly_name"])

    found = client.get_model(f"{dataset}.survival")
    assert (found.description, found.labels, found.friendly_name) == (
        "who lives",
        {"hash": "1"},
        "Survival",
    )


def test_alter_sets_the_whole_list_of_labels(
    client: bigquery.Client, dataset: str, run: Run
) -> None:
    run(CLASSIFIER)
    run("ALTER MODEL survival SET OPTIONS (labels = [('a', '1'), ('b', '2')])")

    run("ALTER MODEL survival SET OPTIONS (labels = [('b', '3')], description = 'd')")

    found = client.get_model(f"{dataset}.survival")
    assert (found.labels, found.description) == ({"b": "3"}, "d")


def test_a_change_of_a_model_that_changed_meanwhile_is_refused(
    client: bigquery.Client, dataset: str, run: Run
) -> None:
    run(CLASSIFIER)
    stale = client.get_model(f"{dataset}.survival")
    run("ALTER MODEL survival SET OPTIONS (description = 'd')")

    stale.description = "e"

    with pytest.raises(exceptions.PreconditionFailed):
        client.update_model(stale, ["description"])


def test_an_expired_model_is_gone(client: bigquery.Client, dataset: str, run: Run) -> None:
    run(CLASSIFIER)

    run("ALTER MODEL survival SET OPTIONS (expiration_timestamp = TIMESTAMP '2020-01-01 00:00:00')")

    with pytest.raises(exceptions.NotFound):
        client.get_model(f"{dataset}.survival")


def test_options_register_a_model_with_its_aliases(
    client: bigquery.Client, dataset: str, run: Run, server: Server
) -> None:
    run(REGISTERED)

    [(number, version)] = server.registry.versions["titanic"]
    last = client.get_model(f"{dataset}.survival")._properties["trainingRuns"][-1]
    assert (last["vertexAiModelId"], last["vertexAiModelVersion"]) == ("titanic", number)
    assert (version.model_id, version.model_type) == ("survival", "BOOSTED_TREE_CLASSIFIER")
    assert server.registry.aliases["titanic", number] == ["champion"]


def test_a_patch_registers_a_model(
    client: bigquery.Client, dataset: str, run: Run, server: Server
) -> None:
    run(CLASSIFIER)
    url = f"{server.url}/bigquery/v2/projects/{PROJECT}/datasets/{dataset}/models/survival"

    answer = httpx.patch(url, json={"trainingRuns": [{"vertexAiModelId": "titanic"}]})

    assert answer.json()["trainingRuns"][-1]["vertexAiModelVersion"] == "1"
    assert "titanic" in server.registry.versions


def test_a_registered_model_keeps_its_registry_id(run: Run) -> None:
    run(REGISTERED)

    with pytest.raises(exceptions.BadRequest, match="cannot be changed"):
        run("ALTER MODEL survival SET OPTIONS (vertex_ai_model_id = 'other')")


def test_training_a_registered_model_again_registers_the_next_version(
    run: Run, server: Server
) -> None:
    run(REGISTERED)
    [(_, first)] = server.registry.versions["titanic"]

    run(REPLACE)

    [(number, second)] = server.registry.versions["titanic"]
    assert number == "2"
    assert second.artifact_uri != first.artifact_uri


def test_a_deployed_training_answers_while_the_model_is_trained_again(
    run: Run, server: Server
) -> None:
    run(REGISTERED)
    [(_, first)] = server.registry.versions["titanic"]
    server.registry.deployed.add(first.artifact_uri)
    instance = {"class": "a", "age": 280, "fare": 1.0}
    before = server.service.engine.predict(first.artifact_uri, [instance])

    run(REPLACE)

    assert server.service.engine.predict(first.artifact_uri, [instance]) == before


def test_a_training_that_nothing_uses_is_deleted(run: Run, server: Server) -> None:
    run(REGISTERED)
    [(_, first)] = server.registry.versions["titanic"]
    server.service.engine.predict(first.artifact_uri, [{"class": "a", "age": 2, "fare": 1.0}])

    run(REPLACE)

    with pytest.raises(ValueError, match="there is no training"):
        server.service.engine.predict(first.artifact_uri, [])


def test_a_deployed_model_is_not_dropped(run: Run, server: Server) -> None:
    run(REGISTERED)
    [(_, version)] = server.registry.versions["titanic"]
    server.registry.deployed.add(version.artifact_uri)

    with pytest.raises(exceptions.BadRequest, match="deployed"):
        run("DROP MODEL survival")

    server.registry.deployed.clear()
    run("DROP MODEL survival")
    assert "titanic" not in server.registry.versions
