"""ALTER PROJECT: default settings of a project in a region.

They are kept and told; only the default connection has an effect.
https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language#alter_project_set_options_statement
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from local_bigquery.engine import database
from local_bigquery.errors import BigQueryError
from local_bigquery.models import JobStatistics2
from local_bigquery.sql.script import Interpreter

from googlesql.constant import Constant, read_constant
from googlesql.position import Text
from googlesql.tree import Node, dotted_path, identifiers, walk
from localcloud.bigquery import job, location, upstream

TABLE = """
CREATE TABLE IF NOT EXISTS emulator.project_options (
    project_id VARCHAR, location VARCHAR, name VARCHAR, value JSON NOT NULL,
    PRIMARY KEY (project_id, location, name)
);
"""
DEFAULT_CONNECTION = "default_cloud_resource_connection_id"
MADE_BY_DEFAULT = "__default_cloudresource_connection__"
"""The connection that BigQuery makes when DEFAULT is asked for and there is none:
https://cloud.google.com/bigquery/docs/default-connections"""
GLOBAL = "global"
"""The location of an option that belongs to no region."""
_REGIONAL = re.compile(r"(?P<region>region-[a-z0-9-]+)\.(?P<name>\w+)", re.IGNORECASE)
_TYPES: dict[str, tuple[type, ...]] = {"STRING": (str,), "INT64": (int,), "BOOL": (bool,)}


@dataclass(frozen=True)
class ProjectOption:
    """One option of ALTER PROJECT.

    Attributes:
        type: `STRING`, `INT64` or `BOOL`.
        description: What it sets, in our words.
        values: The values allowed; empty: all of its type.
    """

    type: str
    description: str
    values: tuple[str, ...] = ()


OPTIONS = {
    "default_kms_key_name": ProjectOption("STRING", "Key that encrypts tables."),
    "default_time_zone": ProjectOption("STRING", "Time zone of functions that are given none."),
    "default_query_job_timeout_ms": ProjectOption("INT64", "Longest time a query runs."),
    "default_interactive_query_queue_timeout_ms": ProjectOption(
        "INT64", "Longest time an interactive query waits."
    ),
    "default_batch_query_queue_timeout_ms": ProjectOption(
        "INT64", "Longest time a batch query waits."
    ),
    "default_query_optimizer_options": ProjectOption(
        "STRING", "History-based optimizations.", ("adaptive=on", "adaptive=off")
    ),
    DEFAULT_CONNECTION: ProjectOption("STRING", "Connection that DEFAULT means."),
    "default_sql_dialect_option": ProjectOption(
        "STRING",
        "SQL dialect of jobs that name none.",
        ("default_legacy_sql", "default_google_sql", "only_google_sql"),
    ),
    "query_runtime": ProjectOption("STRING", "Query processor."),
    "enable_reservation_based_fairness": ProjectOption("BOOL", "How idle slots are shared."),
    "enable_global_queries_execution": ProjectOption("BOOL", "Whether global queries run."),
    "enable_global_queries_data_access": ProjectOption("BOOL", "Whether they read data here."),
    "reservation_override_mode": ProjectOption(
        "STRING",
        "How a query may choose its reservation.",
        ("ALLOW_ANY_OVERRIDE", "DENY_OVERRIDE_TO_NONE", "DENY_ANY_OVERRIDE"),
    ),
    "disable_on_demand_billing": ProjectOption("BOOL", "Whether queries need a reservation."),
    "default_location": ProjectOption("STRING", "Where jobs run that name no location."),
}
"""The options that Google documents, as of 2026-08."""


def alter(interpreter: Interpreter, statement: Node, text: Text) -> JobStatistics2:
    """Run or check ALTER PROJECT ... SET OPTIONS.

    Raises:
        BigQueryError: An option is unknown, lacks its region, or has a wrong value.
    """
    path = statement.child("path")
    project_id = ".".join(dotted_path(path)) if path else interpreter.context.project_id
    given = [
        _option(identifiers(name)[0], read_constant(value, text))
        for node, _ in walk(statement)
        if node.kind == "ASTOptionsEntry"
        and (name := node.child("name")) is not None
        and (value := node.child("value")) is not None
    ]
    if not job.is_dry_run():
        for place, option, wanted in given:
            set_(project_id, place, option, wanted)
    return JobStatistics2(statementType="ALTER_PROJECT", ddlOperationPerformed="ALTER")


def set_(project_id: str, place: str, name: str, value: Constant) -> None:
    """Set an option of a project in a location; None clears it."""
    keys = [project_id, place.lower(), name]
    if value is None:
        database.execute(
            "DELETE FROM emulator.project_options "
            "WHERE project_id = ? AND location = ? AND name = ?",
            keys,
        )
        return
    database.execute(
        "INSERT OR REPLACE INTO emulator.project_options VALUES (?, ?, ?, ?)",
        [*keys, json.dumps(value)],
    )


def of(project_id: str, place: str) -> dict[str, Any]:
    """What is set for a project in a location, everywhere included; values by name."""
    rows = database.fetch(
        "SELECT name, value FROM emulator.project_options "
        "WHERE project_id = ? AND location IN (?, ?)",
        [project_id, place.lower(), GLOBAL],
    )
    return {name: json.loads(value) for name, value in rows}


def default_connection(project_id: str, place: str) -> str:
    """The id of the connection that DEFAULT means in a location.

    Where none is set, BigQuery makes one and sets it; so does this.
    """
    found = of(project_id, place).get(DEFAULT_CONNECTION)
    if found is not None:
        return str(found)
    connections = upstream.runtime().connections
    if not connections.exists(project_id, place.lower(), MADE_BY_DEFAULT):
        connections.create(project_id, place.lower(), MADE_BY_DEFAULT)
    set_(project_id, place, DEFAULT_CONNECTION, MADE_BY_DEFAULT)
    return MADE_BY_DEFAULT


def number(project_id: str) -> int | None:
    """The number of a project; None where nobody keeps projects."""
    return upstream.runtime().connections.project_number(project_id)


def _option(written: str, value: Constant) -> tuple[str, str, Constant]:
    regional = _REGIONAL.fullmatch(written)
    name = (regional["name"] if regional else written).lower()
    option = OPTIONS.get(name)
    if option is None:
        raise BigQueryError(
            "invalidQuery",
            f"Unknown option {written} of ALTER PROJECT; there are {', '.join(OPTIONS)}.",
        )
    if name == "default_location":
        if regional:
            raise BigQueryError("invalidQuery", "Option default_location takes no region.")
        place = GLOBAL
    elif regional is None:
        raise BigQueryError(
            "invalidQuery",
            f"Option {name} of ALTER PROJECT belongs to a region: write `region-us.{name}`.",
        )
    else:
        place = location.of_region(regional["region"]) or ""
    if value is not None:
        _check(name, option, value)
    return place, name, value


def _check(name: str, option: ProjectOption, value: Constant) -> None:
    fits = isinstance(value, _TYPES[option.type]) and (
        option.type == "BOOL" or not isinstance(value, bool)
    )
    if not fits:
        raise BigQueryError("invalidQuery", f"Option {name} is {value!r}; it is {option.type}.")
    if option.values and value not in option.values:
        raise BigQueryError(
            "invalidQuery", f"Option {name} is {value!r}; allowed are {', '.join(option.values)}."
        )
    if name == DEFAULT_CONNECTION and (not value or "." in str(value) or "/" in str(value)):
        raise BigQueryError(
            "invalidQuery",
            f"Option {name} is {value!r}; give the connection's id alone, without project and "
            "location.",
        )
