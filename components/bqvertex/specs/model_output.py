"""The columns that BigQuery's table functions answer: of a model, of a search, of a forecast.

Where Google's page says all of them, a name that is not among them is wrong. Where it does not, or
where they depend on the data, the columns it says are `OpenColumns`: others may be there too.

https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-predict and the
page of each function beside it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from bqvertex.specs.model_kind import REMOTE, ModelKind
from googlesql.analyzer import UNKNOWN_TYPE, OpenColumns, OutputColumns
from googlesql.create_model import CreateModel
from googlesql.schema import Column, parse_type
from googlesql.table_function import TableFunction

Columns: TypeAlias = Sequence[Column]

_DEFAULT_LABEL: Final = ["label"]
# A classifier's labels keep their type when they are of one of these.
_LABEL_TYPES: Final = ("STRING", "INT64", "BOOL")
_MAX_COMPONENTS: Final = 10_000
_TUNED: Final = "NUM_TRIALS"
_TRIAL: Final = Column("trial_id", "INT64")
_REGRESSION: Final = (
    "mean_absolute_error",
    "mean_squared_error",
    "mean_squared_log_error",
    "median_absolute_error",
    "r2_score",
    "explained_variance",
)
_CLASSIFICATION: Final = ("precision", "recall", "accuracy", "f1_score", "log_loss", "roc_auc")
_FORECAST: Final = (
    Column("forecast_timestamp", "TIMESTAMP"),
    *(
        Column(name, "FLOAT64")
        for name in (
            "forecast_value",
            "standard_error",
            "confidence_level",
            "prediction_interval_lower_bound",
            "prediction_interval_upper_bound",
            "confidence_interval_lower_bound",
            "confidence_interval_upper_bound",
        )
    ),
)


@dataclass(frozen=True, kw_only=True)
class KnownModel:
    """A model of which the statement that makes it is known.

    Attributes:
        kind: Name of its kind, `BOOSTED_TREE_CLASSIFIER` or `REMOTE:https`.
        label_columns: The columns it predicts, with an empty type where that is not known; empty
            for a kind without labels.
        transform_columns: The columns after TRANSFORM; None without the clause, or where they are
            not known.
        output_columns: The fields of OUTPUT; None without the clause.
        options: Options that decide on columns, by name in upper case.
    """

    kind: str
    label_columns: tuple[Column, ...] = ()
    transform_columns: tuple[Column, ...] | None = None
    output_columns: tuple[Column, ...] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def to_inputs(self) -> dict[str, Any]:
        """Return the model as plain JSON, to be an input of a resource."""
        return {
            "kind": self.kind,
            "label_columns": _pairs(self.label_columns),
            "transform_columns": _pairs(self.transform_columns),
            "output_columns": _pairs(self.output_columns),
            "options": dict(self.options),
        }

    @classmethod
    def from_inputs(cls, inputs: Mapping[str, Any]) -> "KnownModel":
        """Take what `to_inputs` returned, whole numbers as floats as the engine hands them on."""
        return cls(
            kind=inputs["kind"],
            label_columns=_columns(inputs["label_columns"]) or (),
            transform_columns=_columns(inputs.get("transform_columns")),
            output_columns=_columns(inputs.get("output_columns")),
            options=inputs.get("options") or {},
        )


_KEPT_OPTIONS: Final = (
    "TIME_SERIES_ID_COL",
    "USER_COL",
    "ITEM_COL",
    "RATING_COL",
    "FEEDBACK_TYPE",
    "NUM_PRINCIPAL_COMPONENTS",
    _TUNED,
)


def known_model(
    kind: ModelKind,
    parts: CreateModel,
    queried: Columns | None,
    transformed: Columns | None,
) -> KnownModel:
    """Work out what is known of the model that a statement makes.

    Args:
        kind: What kind of model it makes.
        parts: The statement.
        queried: The columns of its query; None where they are not known.
        transformed: The columns after TRANSFORM; None where they are not known.
    """
    written = parts.options.get("INPUT_LABEL_COLS", _DEFAULT_LABEL) if kind.has_label else []
    labels = written if isinstance(written, list) else [written]
    trained_on = queried if parts.transform is None else transformed
    types = {column.name.lower(): column.type for column in trained_on or ()}
    return KnownModel(
        kind=kind.name,
        label_columns=tuple(
            Column(str(name), types.get(str(name).lower(), UNKNOWN_TYPE)) for name in labels
        ),
        transform_columns=None
        if parts.transform is None or transformed is None
        else tuple(transformed),
        output_columns=None
        if parts.outputs is None
        else tuple(Column(f.name, str(parse_type(f.type))) for f in parts.outputs),
        options={
            name: value
            for name in _KEPT_OPTIONS
            if isinstance(value := parts.options.get(name), (str, int, list))
        },
    )


def output_columns(
    function: TableFunction, model: KnownModel | None, tables: Sequence[Columns]
) -> Columns | None:
    """Say which columns a call answers.

    Args:
        function: The call.
        model: The model that it names; None for none, and for one that is not declared.
        tables: The columns of each table or query handed to it.

    Returns:
        All its columns; `OpenColumns` where there may be others; None where nothing is known.
    """
    answered = _FUNCTIONS.get(function.name)
    if answered is None or (function.model is not None and model is None):
        return None
    return answered(function, model or _NO_MODEL, tables)


def output_columns_of(models: Mapping[tuple[str, ...], KnownModel]) -> OutputColumns:
    """Return what the analyser asks for the columns of calls.

    Args:
        models: The models that are declared, by their names in parts as the statement has them.
    """

    def asked(function: TableFunction, tables: Sequence[Columns]) -> Columns | None:
        model = None if function.model is None else models.get(function.model)
        return output_columns(function, model, tables)

    return asked


_Answer: TypeAlias = Callable[[TableFunction, KnownModel, Sequence[Columns]], Columns | None]
_NO_MODEL: Final = KnownModel(kind="")


def _predict(call: TableFunction, model: KnownModel, tables: Sequence[Columns]) -> Columns | None:
    kind = model.kind
    if not tables:
        return None
    if kind.startswith("AUTOML") or _TUNED in model.options:
        return OpenColumns(_passed_on(_predicted(model), tables[0]))
    if kind.endswith(("_REG", "_REGRESSOR", "_CLASSIFIER")):
        return _kept(call, _predicted(model), tables[0])
    if kind == "KMEANS":
        distance = "ARRAY<STRUCT<centroid_id INT64, distance FLOAT64>>"
        own = [Column("centroid_id", "INT64"), Column("nearest_centroids_distance", distance)]
        return _kept(call, own, tables[0])
    if kind == f"{REMOTE}https" and model.output_columns is not None:
        status = Column("remote_model_status", "STRING")
        return _kept(call, [*model.output_columns, status], tables[0])
    if kind == "PCA":
        return _components(call, model, tables[0])
    # The outputs of imported models and of latent spaces are in files and options of the model.
    return OpenColumns(_passed_on(model.output_columns or (), tables[0]))


def _predicted(model: KnownModel) -> list[Column]:
    found = []
    for label in model.label_columns:
        type_ = label.type if label.type in _LABEL_TYPES else UNKNOWN_TYPE
        if model.kind.endswith(("LINEAR_REG", "_REGRESSOR")):
            found.append(Column(f"predicted_{label.name}", "FLOAT64"))
            continue
        probs = f"ARRAY<STRUCT<label {type_}, prob FLOAT64>>" if type_ else UNKNOWN_TYPE
        found.append(Column(f"predicted_{label.name}", type_))
        found.append(Column(f"predicted_{label.name}_probs", probs))
    return found


def _components(call: TableFunction, model: KnownModel, table: Columns) -> Columns:
    count = model.options.get("NUM_PRINCIPAL_COMPONENTS")
    if not isinstance(count, (int, float)) or count > _MAX_COMPONENTS:
        return OpenColumns(_passed_on((), table))
    own = [Column(f"principal_component_{i}", UNKNOWN_TYPE) for i in range(1, int(count) + 1)]
    # Whether the input's columns come too without being asked for, Google's page does not say.
    if "keep_original_columns" not in call.settings:
        return OpenColumns(_passed_on(own, table))
    return _kept(call, own, table)


def _kept(call: TableFunction, own: Columns, table: Columns) -> Columns:
    keep = call.settings.get("keep_original_columns", True)
    if keep is True:
        return _passed_on(own, table)
    return tuple(own) if keep is False else OpenColumns(_passed_on(own, table))


def _passed_on(own: Columns, table: Columns) -> tuple[Column, ...]:
    """Put a function's own columns before those of its table."""
    names = {column.name.lower() for column in table}
    # Which of two columns of one name stays is not said.
    mine = [replace(c, type=UNKNOWN_TYPE) if c.name.lower() in names else c for c in own]
    there = {column.name.lower() for column in own}
    return (*mine, *(column for column in table if column.name.lower() not in there))


def _evaluate(_: TableFunction, model: KnownModel, __: Sequence[Columns]) -> Columns | None:
    kind = model.kind
    names: tuple[str, ...] = ()
    if kind in ("LINEAR_REG",) or kind.endswith("_REGRESSOR"):
        names = _REGRESSION
    elif kind in ("LOGISTIC_REG",) or kind.endswith("_CLASSIFIER"):
        names = _CLASSIFICATION
    elif kind == "KMEANS":
        names = ("davies_bouldin_index", "mean_squared_distance")
    elif kind == "PCA":
        names = ("total_explained_variance_ratio",)
    elif kind == "AUTOENCODER":
        names = _REGRESSION[:3]
    if not names:
        return None
    found = [Column(name, "FLOAT64") for name in names]
    if kind.startswith("AUTOML"):
        return OpenColumns(found)
    return [_TRIAL, *found] if _TUNED in model.options else found


def _forecast(_: TableFunction, model: KnownModel, __: Sequence[Columns]) -> Columns | None:
    if model.kind not in ("ARIMA_PLUS", "ARIMA_PLUS_XREG"):
        return None
    found = [*_series(model), *_FORECAST]
    return found if model.kind == "ARIMA_PLUS" else OpenColumns(found)


def _series(model: KnownModel) -> list[Column]:
    named = model.options.get("TIME_SERIES_ID_COL", [])
    names = named if isinstance(named, list) else [named]
    return [Column(str(name), UNKNOWN_TYPE) for name in names]


def _detect_anomalies(
    _: TableFunction, model: KnownModel, tables: Sequence[Columns]
) -> Columns | None:
    is_anomaly = Column("is_anomaly", "BOOL")
    if model.kind in ("PCA", "AUTOENCODER") and tables:
        own = [is_anomaly, Column("mean_squared_error", "FLOAT64")]
        return _passed_on(own, tables[0])
    if model.kind == "KMEANS" and tables:
        distance = Column("normalized_distance", "FLOAT64")
        return _passed_on([is_anomaly, distance, Column("centroid_id", "INT64")], tables[0])
    bounds = ("lower_bound", "upper_bound", "anomaly_probability")
    own = [*_series(model), is_anomaly, *(Column(name, "FLOAT64") for name in bounds)]
    return OpenColumns(_passed_on(own, tables[0] if tables else ()))


def _transform(_: TableFunction, model: KnownModel, tables: Sequence[Columns]) -> Columns | None:
    if model.transform_columns is None or not tables:
        return None
    # The label, too, is there or not with the table.
    return OpenColumns(_passed_on(model.transform_columns, tables[0]))


def _recommend(_: TableFunction, model: KnownModel, tables: Sequence[Columns]) -> Columns | None:
    rating = model.options.get("RATING_COL", "rating")
    implicit = str(model.options.get("FEEDBACK_TYPE", "EXPLICIT")).upper() == "IMPLICIT"
    named = f"predicted_{rating}{'_confidence' if implicit else ''}"
    ids = (model.options.get("USER_COL", "user"), model.options.get("ITEM_COL", "item"))
    own = [Column(named, "FLOAT64"), *(Column(str(name), UNKNOWN_TYPE) for name in ids)]
    return OpenColumns(_passed_on(own, tables[0] if tables else ()))


def _vector_search(_: TableFunction, __: KnownModel, tables: Sequence[Columns]) -> Columns | None:
    names = ("base", "query")
    structs = [Column(name, _struct(table)) for name, table in zip(names, tables, strict=False)]
    return OpenColumns([*structs, Column("distance", "FLOAT64")])


def _struct(columns: Columns) -> str:
    if not columns or any(column.type == UNKNOWN_TYPE for column in columns):
        return UNKNOWN_TYPE
    return f"STRUCT<{', '.join(f'`{column.name}` {column.type}' for column in columns)}>"


def _open(*columns: tuple[str, str], passes_on: bool = False) -> _Answer:
    """Answer columns that are always there; others may be."""
    own = tuple(Column(name, type_) for name, type_ in columns)

    def answer(_: TableFunction, __: KnownModel, tables: Sequence[Columns]) -> Columns | None:
        if passes_on and not tables:
            return None
        return OpenColumns(_passed_on(own, tables[0]) if passes_on else own)

    return answer


def _floats(*names: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, "FLOAT64") for name in names)


_BOUNDS: Final = _floats("lower_bound", "upper_bound", "anomaly_probability")
_DRIFT: Final = (
    *(("input", "STRING"), ("metric", "STRING")),
    *_floats("threshold", "value"),
    ("is_anomaly", "BOOL"),
)
_FUNCTIONS: Final[Mapping[str, _Answer]] = {
    "ML.PREDICT": _predict,
    "ML.EVALUATE": _evaluate,
    "ML.FORECAST": _forecast,
    "ML.DETECT_ANOMALIES": _detect_anomalies,
    "ML.TRANSFORM": _transform,
    "ML.RECOMMEND": _recommend,
    "VECTOR_SEARCH": _vector_search,
    "ML.TRAINING_INFO": _open(
        ("training_run", "INT64"),
        ("iteration", "INT64"),
        ("loss", "FLOAT64"),
        ("duration_ms", "INT64"),
    ),
    "ML.TRIAL_INFO": _open(
        ("trial_id", "INT64"),
        *_floats("training_loss", "eval_loss"),
        ("status", "STRING"),
        ("error_message", "STRING"),
        ("is_optimal", "BOOL"),
    ),
    "ML.FEATURE_INFO": _open(
        ("input", "STRING"),
        *_floats("min", "max", "mean", "median", "stddev"),
        ("category_count", "INT64"),
        ("null_count", "INT64"),
        ("dimension", "INT64"),
    ),
    "ML.WEIGHTS": _open(("processed_input", "STRING")),
    "ML.ADVANCED_WEIGHTS": _open(
        ("processed_input", "STRING"),
        ("category", "STRING"),
        *_floats("weight", "standard_error", "p_value"),
    ),
    "ML.CENTROIDS": _open(
        ("centroid_id", "INT64"),
        ("feature", "STRING"),
        ("numerical_value", "FLOAT64"),
        ("categorical_value", UNKNOWN_TYPE),
    ),
    "ML.PRINCIPAL_COMPONENTS": _open(
        ("principal_component_id", "INT64"),
        ("feature", "STRING"),
        ("numerical_value", "FLOAT64"),
        ("categorical_value", UNKNOWN_TYPE),
    ),
    "ML.PRINCIPAL_COMPONENT_INFO": _open(
        ("principal_component_id", "INT64"),
        *_floats("eigenvalue", "explained_variance_ratio", "cumulative_explained_variance_ratio"),
    ),
    "ML.RECONSTRUCTION_LOSS": _open(*_floats(*_REGRESSION[:3]), passes_on=True),
    "ML.CONFUSION_MATRIX": _open(("expected_label", UNKNOWN_TYPE)),
    "ML.ROC_CURVE": _open(
        *_floats("threshold", "recall", "false_positive_rate"),
        *(
            (name, "INT64")
            for name in (
                "true_positives",
                "false_positives",
                "true_negatives",
                "false_negatives",
            )
        ),
    ),
    "ML.GLOBAL_EXPLAIN": _open(("feature", "STRING"), ("attribution", "FLOAT64")),
    "ML.FEATURE_IMPORTANCE": _open(
        ("feature", "STRING"),
        *_floats("importance_weight", "importance_gain", "importance_cover"),
    ),
    "ML.EXPLAIN_PREDICT": _open(
        (
            "top_feature_attributions",
            "ARRAY<STRUCT<feature STRING, attribution FLOAT64>>",
        ),
        ("baseline_prediction_value", "FLOAT64"),
        passes_on=True,
    ),
    "ML.EXPLAIN_FORECAST": _open(
        ("time_series_timestamp", "TIMESTAMP"),
        ("time_series_type", "STRING"),
        *_floats("time_series_data", "time_series_adjusted_data", "standard_error"),
        *_floats("confidence_level", "trend"),
    ),
    "ML.ARIMA_EVALUATE": _open(
        *((f"non_seasonal_{name}", "INT64") for name in "pdq"),
        ("has_drift", "BOOL"),
        *_floats("log_likelihood", "AIC", "variance"),
        ("seasonal_periods", "ARRAY<STRING>"),
        ("error_message", "STRING"),
    ),
    "ML.ARIMA_COEFFICIENTS": _open(
        ("ar_coefficients", "ARRAY<FLOAT64>"),
        ("ma_coefficients", "ARRAY<FLOAT64>"),
        ("intercept_or_drift", "FLOAT64"),
    ),
    "ML.HOLIDAY_INFO": _open(("region", "STRING"), ("holiday_name", "STRING")),
    "ML.GET_INSIGHTS": _open(
        ("contributors", "ARRAY<STRING>"),
        *((name, UNKNOWN_TYPE) for name in ("metric_test", "metric_control", "apriori_support")),
    ),
    "ML.DESCRIBE_DATA": _open(
        ("name", "STRING"),
        *((name, "INT64") for name in ("num_rows", "num_nulls", "num_zeros", "num_values")),
        ("min", "STRING"),
        ("max", "STRING"),
        *_floats("mean", "median"),
    ),
    "ML.VALIDATE_DATA_DRIFT": _open(*_DRIFT),
    "ML.VALIDATE_DATA_SKEW": _open(*_DRIFT),
    "ML.GENERATE_TEXT": _open(("ml_generate_text_status", "STRING"), passes_on=True),
    "ML.GENERATE_EMBEDDING": _open(("ml_generate_embedding_result", UNKNOWN_TYPE), passes_on=True),
    "ML.UNDERSTAND_TEXT": _open(("ml_understand_text_status", "STRING"), passes_on=True),
    "ML.TRANSLATE": _open(
        ("ml_translate_result", "JSON"), ("ml_translate_status", "STRING"), passes_on=True
    ),
    "ML.ANNOTATE_IMAGE": _open(
        ("ml_annotate_image_result", "JSON"),
        ("ml_annotate_image_status", "STRING"),
        passes_on=True,
    ),
    "ML.PROCESS_DOCUMENT": _open(("ml_process_document_status", "STRING"), passes_on=True),
    "ML.TRANSCRIBE": _open(
        ("transcripts", "STRING"), ("ml_transcribe_status", "STRING"), passes_on=True
    ),
    "AI.GENERATE_TEXT": _open(
        ("result", "STRING"), ("full_response", "JSON"), ("status", "STRING"), passes_on=True
    ),
    "AI.GENERATE_TABLE": _open(("status", "STRING"), passes_on=True),
    "AI.GENERATE_EMBEDDING": _open(
        ("embedding", "ARRAY<FLOAT64>"), ("status", "STRING"), passes_on=True
    ),
    "AI.FORECAST": _open(
        *_floats(
            "confidence_level",
            "prediction_interval_lower_bound",
            "prediction_interval_upper_bound",
        ),
        ("ai_forecast_status", "STRING"),
    ),
    "AI.DETECT_ANOMALIES": _open(
        ("is_anomaly", "BOOL"), *_BOUNDS, ("ai_detect_anomalies_status", "STRING")
    ),
    "AI.EVALUATE": _open(
        *_floats("mean_absolute_error", "mean_squared_error", "root_mean_squared_error"),
        ("ai_evaluate_status", "STRING"),
    ),
    "AI.SEARCH": _open(("base", UNKNOWN_TYPE), ("distance", "FLOAT64")),
}


def _pairs(columns: Columns | None) -> list[list[str]] | None:
    return None if columns is None else [[column.name, column.type] for column in columns]


def _columns(pairs: Sequence[Sequence[str]] | None) -> tuple[Column, ...] | None:
    return None if pairs is None else tuple(Column(name, type_) for name, type_ in pairs)
