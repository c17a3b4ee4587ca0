"""The column `prompt` of table functions over Gemini."""

import pyarrow as pa
from local_bigquery.errors import BigQueryError

from localcloud.bigquery import gemini
from localcloud.bigquery.training import RemoteEndpoint


def check_gemini(remote: RemoteEndpoint, function: str) -> None:
    """Refuse a remote model that is not over Gemini.

    Raises:
        BigQueryError: `notImplemented`; it is over another model.
    """
    if not gemini.is_gemini(remote.endpoint):
        raise BigQueryError(
            "notImplemented",
            f"{function} over {remote.target} is not implemented on the local cloud; over "
            "gemini-* it is answered by a stand-in.",
        )


def prompts(function: str, rows: pa.Table) -> list[str | None]:
    """Each row's prompt; a struct's fields and arrays are put together in their order.

    Args:
        function: Who asks, for messages.
        rows: Rows with a column `prompt`, a text or a struct of texts and arrays of texts.

    Raises:
        BigQueryError: There is no such column.
    """
    if "prompt" not in rows.column_names:
        raise BigQueryError("invalidQuery", f"{function} needs a column named prompt in its input.")
    kind = rows.schema.field("prompt").type
    if not (pa.types.is_string(kind) or pa.types.is_struct(kind)):
        raise BigQueryError("invalidQuery", f"{function}'s column prompt must be STRING or STRUCT.")
    return [gemini.joined(function, value) for value in rows["prompt"].to_pylist()]
