"""What can be done with a version of a model: formats of its exports and of batch prediction."""

from localcloud.errors import Json

NOT_DEPLOYABLE = frozenset({"ARIMA_PLUS", "ARIMA_PLUS_XREG", "XGBOOST"})
"""BigQuery's types of models that no endpoint takes.

Source: https://cloud.google.com/bigquery/docs/managing-models-vertex
"""

NOT_EXPORTABLE = NOT_DEPLOYABLE | {
    "CONTRIBUTION_ANALYSIS",
    "ONNX",
    "TENSORFLOW_LITE",
    "TRANSFORM_ONLY",
}
"""BigQuery's types of models that are not exported.

Source: https://cloud.google.com/bigquery/docs/exporting-models
"""

BATCH_FORMATS = ("bigquery", "csv", "jsonl")
"""Formats of batch prediction; of the others Google takes, no file is read or written here."""


def export_formats(version: Json) -> list[Json]:
    """`supportedExportFormats` of a version.

    Which format id Google shows for a model of BigQuery ML is not documented: a SavedModel is
    `tf-saved-model`, a booster `custom-trained`, as for any model of one's own.
    """
    kind = str(version.get("bigqueryModelType", ""))
    if kind in NOT_EXPORTABLE:
        return []
    if kind:
        trees = kind.startswith(("BOOSTED_TREE", "RANDOM_FOREST"))
        form = "custom-trained" if trees else "tf-saved-model"
        return [{"id": form, "exportableContents": ["ARTIFACT"]}]
    contents = ["ARTIFACT"] if version.get("artifactUri") else []
    contents += ["IMAGE"] if version.get("containerSpec") else []
    return [{"id": "custom-trained", "exportableContents": contents}] if contents else []


def batch_formats(version: Json) -> list[str]:
    """Formats in which batch prediction reads and writes; none: it cannot use the version."""
    kind = str(version.get("bigqueryModelType", ""))
    if kind in NOT_DEPLOYABLE or not (kind or version.get("containerSpec")):
        return []
    return list(BATCH_FORMATS)


def shown(version: Json) -> Json:
    """The fields of a Model that say all this."""
    exports, formats = export_formats(version), batch_formats(version)
    found: Json = {"supportedExportFormats": exports} if exports else {}
    if formats:
        found |= {
            "supportedInputStorageFormats": formats,
            "supportedOutputStorageFormats": formats,
        }
    return found
