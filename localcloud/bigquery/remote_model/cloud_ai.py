"""ML.TRANSLATE and ML.UNDERSTAND_TEXT: stand-ins for two Cloud AI services.

A row whose text has `[[local-cloud: error 429 no quota]]` fails as a prompt to Gemini would.
https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-translate,
https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-understand-text
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
from local_bigquery.errors import BigQueryError

from localcloud.bigquery.names import Reference
from localcloud.bigquery.query import JSON_COLUMN
from localcloud.bigquery.remote_model import natural_language
from localcloud.bigquery.remote_model.prediction import followed
from localcloud.bigquery.training import RemoteEndpoint
from localcloud.errors import ApiError, Json
from localcloud.vertex import gemini

STAND_IN = "[local cloud stand-in, not a translation]"
MODES = ("TRANSLATE_TEXT", "DETECT_LANGUAGE")
FLATTENED: Mapping[str, tuple[str, ...]] = {
    "ANALYZE_ENTITIES": ("entities", "language"),
    "ANALYZE_ENTITY_SENTIMENT": ("entities", "language"),
    "ANALYZE_SENTIMENT": ("sentiment", "language", "sentences"),
    "ANALYZE_SYNTAX": ("sentences", "language", "tokens"),
    "CLASSIFY_TEXT": ("categories",),
}
"""The columns of each option with flatten_json_output."""
_SENTIMENT = {"sentiment": "document_sentiment"}
Answer = tuple[Json | None, str]


def translate(
    remote: RemoteEndpoint,
    reference: Reference,
    function: str,
    rows: pa.Table,
    arguments: Mapping[str, Any],
) -> pa.Table:
    """`ml_translate_result` and `ml_translate_status` of each text; then the input's columns.

    Args:
        remote: A remote model over CLOUD_AI_TRANSLATE_V3.
        reference: Its name.
        function: The function's name.
        rows: Rows with a column `text_content`.
        arguments: The function's settings.

    Raises:
        BigQueryError: The model, a setting or the input is another.
    """
    _check(remote, function, arguments, "CLOUD_AI_TRANSLATE_V3", "translate_mode", MODES)
    mode = str(arguments["translate_mode"]).upper()
    target = arguments.get("target_language_code")
    if mode == "TRANSLATE_TEXT" and not target:
        raise BigQueryError(
            "invalidQuery", f"{function} with TRANSLATE_TEXT needs target_language_code."
        )

    def answer(text: str) -> Json:
        language = natural_language.language(text)
        if mode == "DETECT_LANGUAGE":
            return {"languages": [{"language_code": language, "confidence": 1.0}]}
        said = f"{STAND_IN} {language} to {target}: {text}"
        return {
            "glossary_translations": [],
            "translation_memory_translations": [],
            "translations": [{"detected_language_code": language, "translated_text": said}],
        }

    answers = _answers(function, rows, answer)
    return _table(answers, {"ml_translate_result": ""}, "ml_translate_status", rows)


def understand_text(
    remote: RemoteEndpoint,
    reference: Reference,
    function: str,
    rows: pa.Table,
    arguments: Mapping[str, Any],
) -> pa.Table:
    """What is found in each text, and `ml_understand_text_status`; then the input's columns.

    Args:
        remote: A remote model over CLOUD_AI_NATURAL_LANGUAGE_V1.
        reference: Its name.
        function: The function's name.
        rows: Rows with a column `text_content`.
        arguments: The function's settings.

    Raises:
        BigQueryError: The model, a setting or the input is another.
    """
    service = "CLOUD_AI_NATURAL_LANGUAGE_V1"
    _check(remote, function, arguments, service, "nlu_option", tuple(FLATTENED))
    option = str(arguments["nlu_option"]).upper()
    encoding = str(arguments.get("encoding_type") or "NONE").upper()
    if encoding not in natural_language.ENCODINGS:
        raise BigQueryError(
            "invalidQuery",
            f"{function}: encoding_type is {encoding!r}; allowed are "
            f"{', '.join(natural_language.ENCODINGS)}.",
        )
    answers = _answers(
        function, rows, lambda text: natural_language.analysis(option, text, encoding)
    )
    columns = {"ml_understand_text_result": ""}
    if arguments.get("flatten_json_output"):
        columns = {name: _SENTIMENT.get(name, name) for name in FLATTENED[option]}
    return _table(answers, columns, "ml_understand_text_status", rows)


def _check(
    remote: RemoteEndpoint,
    function: str,
    arguments: Mapping[str, Any],
    service: str,
    setting: str,
    allowed: tuple[str, ...],
) -> None:
    if remote.service.upper() != service:
        raise BigQueryError(
            "invalidQuery",
            f"{function} needs a remote model with REMOTE_SERVICE_TYPE = '{service}'; this one is "
            f"over {remote.target}.",
        )
    if str(arguments.get(setting) or "").upper() not in allowed:
        raise BigQueryError(
            "invalidQuery",
            f"{function}: {setting} is {arguments.get(setting)!r}; allowed are "
            f"{', '.join(allowed)}.",
        )


def _answers(function: str, rows: pa.Table, answer: Callable[[str], Json]) -> list[Answer]:
    if "text_content" not in rows.column_names:
        raise BigQueryError(
            "invalidQuery", f"{function} needs a column named text_content in its input."
        )
    if not pa.types.is_string(rows.schema.field("text_content").type):
        raise BigQueryError("invalidQuery", f"{function}'s column text_content must be STRING.")
    return [_answer(text, answer) for text in rows["text_content"].to_pylist()]


def _answer(text: str | None, answer: Callable[[str], Json]) -> Answer:
    if not text:
        return None, "the text_content is NULL or empty"
    try:
        if gemini.asked_failure(text):
            return None, "the text asked for no answer"
    except ApiError as error:
        return None, f"{error.status}: {error}"
    return answer(text), ""


def _table(
    answers: list[Answer], columns: Mapping[str, str], status: str, rows: pa.Table
) -> pa.Table:
    """Columns by their names with the field of the answer that each holds; empty for all of it."""
    fields, values = [], []
    for name, key in columns.items():
        found = [None if told is None else told[key] if key else told for told, _ in answers]
        is_text = name == "language"
        fields.append(pa.field(name, pa.string(), metadata=None if is_text else JSON_COLUMN))
        dumped = [
            value if value is None or is_text else json.dumps(value, ensure_ascii=False)
            for value in found
        ]
        values.append(pa.array(dumped, pa.string()))
    fields.append(pa.field(status, pa.string()))
    values.append(pa.array([why for _, why in answers], pa.string()))
    return followed(pa.table(values, schema=pa.schema(fields)), rows)
