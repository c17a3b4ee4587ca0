"""Evaluations of models: imported ones, and those of BigQuery ML's regressions and binary classes.

Sources: https://cloud.google.com/vertex-ai/docs/evaluation/introduction;
https://cloud.google.com/bigquery/docs/managing-models-vertex.
"""

import math
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from localcloud.cloud import Cloud
from localcloud.discovery.call import Call, Collection, Handler
from localcloud.errors import ApiError, Json, invalid
from localcloud.ports import BigQueryEngine
from localcloud.store import now
from localcloud.vertex.models import Models

SCHEMA = "gs://google-cloud-aiplatform/schema/modelevaluation/{}_metrics_1.0.0.yaml"
THRESHOLD = 0.5
"""At which ML.EVALUATE decides, unless it is told another one."""


class ModelEvaluations:
    """`models.evaluations` and their slices.

    An evaluation of BigQuery ML is computed when it is first asked for.

    Args:
        cloud: What all services share.
        models: The models.
        engine: Gives BigQuery, which evaluates its models.
    """

    def __init__(self, cloud: Cloud, models: Models, engine: Callable[[], BigQueryEngine]) -> None:
        self.store = cloud.store
        self.models = models
        self.engine = engine

    def collections(self, prefix: str) -> dict[str, Collection]:
        """The collections, for their messages."""
        return {
            "evaluations": Collection(message=f"{prefix}ModelEvaluation", noun="ModelEvaluation"),
            "slices": Collection(
                message=f"{prefix}ModelEvaluationSlice", noun="ModelEvaluationSlice"
            ),
        }

    def handlers(self) -> dict[str, Handler]:
        """Handlers by the last parts of the method id; the first three do not hold the store."""
        return {
            "evaluations.import": self._import,
            "evaluations.list": self._list,
            "evaluations.get": self._get,
            "slices.list": self._list_slices,
        }

    # ------------------------------------------------------------ requests
    def _import(self, call: Call) -> Json:
        missing = call.plane.document.schema.missing(call.method.request, call.body)
        if missing:
            raise invalid(missing)
        model, version = self.models.find(call.name.removesuffix("/evaluations"))
        body: Json = dict(call.body["modelEvaluation"])
        for field in ("metrics", "metricsSchemaUri"):
            if not body.get(field):
                raise ApiError("INVALID_ARGUMENT", f"model_evaluation.{field} must be set.")
        return self._shown(call, self._keep(model["name"], str(version["versionId"]), body))

    def _list(self, call: Call) -> Json:
        model, version = self.models.find(call.name.removesuffix("/evaluations"))
        found = self._of(model, version)
        return call.plane.standard.listed(call, found, "evaluations")

    def _get(self, call: Call) -> Json:
        return self._shown(call, self._found(call, call.name))

    def _list_slices(self, call: Call) -> Json:
        evaluation = self._found(call, call.name.removesuffix("/slices"))
        found = self.store.under(evaluation["name"], "slices")
        return call.plane.standard.listed(call, found, "slices")

    def _shown(self, call: Call, evaluation: Json) -> Json:
        return call.plane.document.schema.render(f"{call.plane.prefix}ModelEvaluation", evaluation)

    # ------------------------------------------------------------ evaluations
    def _found(self, call: Call, name: str) -> Json:
        """An evaluation, whose model may be named with a version."""
        reference, _, identifier = name.rpartition("/evaluations/")
        model, _ = self.models.find(reference)
        evaluation = call.resource(f"{model['name']}/evaluations/{identifier}")
        self.models.find(f"{model['name']}@{evaluation['localVersion']}")
        return evaluation

    def _of(self, model: Json, version: Json) -> list[Json]:
        number = str(version["versionId"])
        kept = [
            one
            for one in self.store.under(model["name"], "evaluations")
            if one["localVersion"] == number
        ]
        if not version.get("bigqueryModel") or any(one.get("localComputed") for one in kept):
            return kept
        body = self._computed(version)
        if body is None:
            return kept
        return [self._keep(model["name"], number, {**body, "localComputed": True}), *kept]

    def _keep(self, model: str, version: str, body: Json) -> Json:
        name = f"{model}/evaluations/{secrets.randbelow(8 * 10**18) + 10**18}"
        return self.store.put(
            name, {**body, "name": name, "createTime": now(), "localVersion": version}
        )

    def _computed(self, version: Json) -> Json | None:
        """What BigQuery ML's evaluation of a version is in Vertex AI; None: it shows none."""
        kind, path = str(version["bigqueryModelType"]), str(version["bigqueryModel"])
        if not kind.endswith(("REGRESSION", "REGRESSOR", "CLASSIFIER")):
            return None
        project = path.split(".")[0]
        try:
            rows = self._rows(project, f"SELECT * FROM ML.EVALUATE(MODEL `{path}`)")
            if len(rows) != 1:
                return None
            if kind != "LOGISTIC_REGRESSION" and not kind.endswith("CLASSIFIER"):
                return _evaluation("regression", regression(rows[0]))
            confusion = self._rows(project, f"SELECT * FROM ML.CONFUSION_MATRIX(MODEL `{path}`)")
        except ValueError as error:
            raise ApiError("FAILED_PRECONDITION", str(error)) from error
        if len(confusion) != 2:
            return None
        return _evaluation("classification", classification(rows[0], confusion))

    def _rows(self, project: str, sql: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.engine().query(project, sql).to_pylist()
        return found


def _evaluation(problem: str, metrics: Json) -> Json:
    return {
        "displayName": "BigQuery ML evaluation",
        "metricsSchemaUri": SCHEMA.format(problem),
        "metrics": metrics,
    }


def regression(row: Mapping[str, Any]) -> Json:
    """ML.EVALUATE's row of a regression in the words of `regression_metrics_1.0.0.yaml`."""
    return {
        "meanAbsoluteError": row["mean_absolute_error"],
        "rootMeanSquaredError": math.sqrt(row["mean_squared_error"]),
        "rootMeanSquaredLogError": math.sqrt(row["mean_squared_log_error"]),
        "rSquared": row["r2_score"],
    }


def classification(row: Mapping[str, Any], confusion: list[dict[str, Any]]) -> Json:
    """ML.EVALUATE's row of a classifier in the words of `classification_metrics_1.0.0.yaml`.

    Args:
        row: ML.EVALUATE's.
        confusion: ML.CONFUSION_MATRIX's rows: the expected label, then a count a class.
    """
    labels = [str(next(iter(line.values()))) for line in confusion]
    counts = [list(line.values())[1:] for line in confusion]
    return {
        "auRoc": row["roc_auc"],
        "logLoss": row["log_loss"],
        "confidenceMetrics": [
            {
                "confidenceThreshold": THRESHOLD,
                "precision": row["precision"],
                "recall": row["recall"],
                "f1Score": row["f1_score"],
            }
        ],
        "confusionMatrix": {
            "annotationSpecs": [{"id": label, "displayName": label} for label in labels],
            "rows": counts,
        },
    }
