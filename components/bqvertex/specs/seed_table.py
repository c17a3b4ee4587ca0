"""A BigQuery table that is loaded from a local file, as plain data."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bqvertex.specs import label
from bqvertex.specs.identifier import DATASET, PROJECT, TABLE, Rule
from bqvertex.specs.identifier import problems as rule_problems
from bqvertex.specs.inputs import Problem, known, missing, not_text, whole_number
from bqvertex.specs.job import timeout_problems, work_key
from bqvertex.specs.location import location_problem, same_location
from bqvertex.specs.unknown import holds_unknown

IDENTITY: Final = frozenset(
    {
        "project",
        "location",
        "dataset_id",
        "table_id",
        # BigQuery cannot repartition a table that is there, by loading or otherwise.
        "clustering_fields",
        "time_partitioning",
    }
)
"""Inputs whose change means another table."""
DEFINITION: Final = frozenset(
    {
        "content_hash",
        "field_delimiter",
        "null_marker",
        "schema",
        "skip_leading_rows",
        "source_format",
    }
)
"""Inputs whose change means that the file is loaded anew into the same table."""
METADATA: Final = frozenset({"description", "labels", "owner"})
"""Inputs that are altered in place, for free."""
SILENT: Final = frozenset({"adopt", "job_timeout_s", "source"})
"""Inputs whose change alone changes nothing at BigQuery."""
INPUTS: Final = IDENTITY | DEFINITION | METADATA | SILENT
CONSEQUENCES: Final = (
    (IDENTITY, "replaces the table and loads it"),
    (DEFINITION, "loads the table again"),
    (METADATA, "changes metadata only, loads nothing"),
)
"""What a change of inputs does, see `bqvertex.specs.change_reason`."""
REQUIRED: Final = frozenset({"project", "location", "dataset_id", "table_id", "source", "schema"})

FORMATS: Final = {
    ".csv": "CSV",
    ".json": "NEWLINE_DELIMITED_JSON",
    ".jsonl": "NEWLINE_DELIMITED_JSON",
    ".ndjson": "NEWLINE_DELIMITED_JSON",
    ".parquet": "PARQUET",
}
"""Source format by what a file's name ends in, before `.gz` or `.zip`."""

TYPES: Final = {
    "BIGNUMERIC": "BIGNUMERIC",
    "BOOL": "BOOL",
    "BOOLEAN": "BOOL",
    "BYTES": "BYTES",
    "DATE": "DATE",
    "DATETIME": "DATETIME",
    "FLOAT": "FLOAT64",
    "FLOAT64": "FLOAT64",
    "GEOGRAPHY": "GEOGRAPHY",
    "INT64": "INT64",
    "INTEGER": "INT64",
    "INTERVAL": "INTERVAL",
    "JSON": "JSON",
    "NUMERIC": "NUMERIC",
    "RECORD": "STRUCT",
    "STRING": "STRING",
    "STRUCT": "STRUCT",
    "TIME": "TIME",
    "TIMESTAMP": "TIMESTAMP",
}
"""GoogleSQL's name by each name that BigQuery's REST API takes for a type."""
MODES: Final = ("NULLABLE", "REQUIRED", "REPEATED")

_IDS: Final[Mapping[str, Rule]] = {"project": PROJECT, "dataset_id": DATASET, "table_id": TABLE}
_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,299}\Z")
_FIELD_KEYS: Final = frozenset({"name", "type", "mode", "description", "fields"})


@dataclass(frozen=True, kw_only=True)
class SeedTableSpec:
    """What the table should be.

    Attributes:
        project: Project of the dataset; also runs the load job.
        location: The dataset's location.
        dataset_id: Dataset.
        table_id: Table.
        source: File to load: a path relative to the program, or `package:NAME/inner/path`.
        source_format: `CSV`, `NEWLINE_DELIMITED_JSON` or `PARQUET`.
        content_hash: SHA-256 of the file's unpacked content.
        schema: Columns, canonical: see `canonical_schema`.
        null_marker: CSV: the text that stands for NULL; None for the empty one.
        skip_leading_rows: CSV: rows of heading.
        field_delimiter: CSV: what separates fields.
        description: Shown with the table; empty for none.
        labels: Google Cloud labels.
        clustering_fields: Columns to cluster by.
        time_partitioning: `TimePartitioning` of BigQuery's REST API; empty for none.
        owner: Who declares it: organisation, project, stack and name.
        adopt: Whether a table of this name that is there already is taken over, unchanged.
        job_timeout_s: Seconds the load may take.
    """

    project: str
    location: str
    dataset_id: str
    table_id: str
    source: str
    source_format: str
    content_hash: str
    schema: tuple[Mapping[str, Any], ...]
    null_marker: str | None
    skip_leading_rows: int
    field_delimiter: str
    description: str
    labels: Mapping[str, str]
    clustering_fields: tuple[str, ...]
    time_partitioning: Mapping[str, Any]
    owner: str
    adopt: bool
    job_timeout_s: float

    @classmethod
    def from_inputs(cls, inputs: Mapping[str, Any]) -> "SeedTableSpec":
        """Take checked inputs, or a state, as a spec: what is left out gets its default."""
        return cls(
            project=inputs["project"],
            location=inputs["location"],
            dataset_id=inputs["dataset_id"],
            table_id=inputs["table_id"],
            source=inputs["source"],
            source_format=inputs.get("source_format") or source_format(inputs["source"]) or "",
            content_hash=inputs.get("content_hash") or "",
            schema=canonical_schema(inputs["schema"]),
            null_marker=inputs.get("null_marker"),
            skip_leading_rows=whole_number(inputs.get("skip_leading_rows") or 0),
            field_delimiter=inputs.get("field_delimiter") or ",",
            description=inputs.get("description") or "",
            labels=inputs.get("labels") or {},
            clustering_fields=tuple(inputs.get("clustering_fields") or ()),
            time_partitioning=inputs.get("time_partitioning") or {},
            owner=inputs.get("owner") or "",
            adopt=bool(inputs.get("adopt")),
            job_timeout_s=float(inputs.get("job_timeout_s") or DEFAULT_JOB_TIMEOUT_S),
        )

    @property
    def path(self) -> str:
        """`project.dataset.table`."""
        return f"{self.project}.{self.dataset_id}.{self.table_id}"

    @property
    def definition_hash(self) -> str:
        """Hash of all that decides which rows and columns the table holds."""
        return work_key(*(getattr(self, name) for name in sorted(DEFINITION)))

    @property
    def work_key(self) -> str:
        """Name of the loading of this definition into this table for this owner."""
        return work_key(self.owner, self.path, self.definition_hash)

    @property
    def live_labels(self) -> dict[str, str]:
        """The labels that the live table should bear."""
        return {
            **self.labels,
            label.DEFINITION: self.definition_hash[:16],
            label.OWNER: label.short_hash(self.owner),
        }


DEFAULT_JOB_TIMEOUT_S: Final = 3600.0
"""Seconds that a load may take when the input `job_timeout_s` is left out."""


def source_format(source: str) -> str | None:
    """Read the format out of a file's name; None when it says nothing."""
    stem = source.lower()
    for packing in (".gz", ".zip"):
        stem = stem.removesuffix(packing)
    return next((name for suffix, name in FORMATS.items() if stem.endswith(suffix)), None)


def canonical_schema(fields: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Write columns in one way: GoogleSQL's type names, every mode said, no empty texts.

    Args:
        fields: Columns as a user, or BigQuery's REST API, writes them.
    """
    result = []
    for field in fields:
        canonical: dict[str, Any] = {
            "name": field["name"],
            "type": TYPES.get(str(field["type"]).upper(), field["type"]),
            "mode": str(field.get("mode") or "NULLABLE").upper(),
        }
        if field.get("description"):
            canonical["description"] = field["description"]
        if field.get("fields"):
            canonical["fields"] = list(canonical_schema(field["fields"]))
        result.append(canonical)
    return tuple(result)


def changed(olds: Mapping[str, Any], news: Mapping[str, Any]) -> frozenset[str]:
    """Name the inputs that differ in meaning; one that is not known yet always does.

    Args:
        olds: The state.
        news: Checked inputs.
    """
    unknown = {name for name in INPUTS if holds_unknown(news.get(name))}
    if unknown:
        differs = {name for name in INPUTS if olds.get(name) != news.get(name)}
        return frozenset(unknown | differs)
    old, new = SeedTableSpec.from_inputs(olds), SeedTableSpec.from_inputs(news)
    different = {name for name in INPUTS if getattr(old, name) != getattr(new, name)}
    if "location" in different and same_location(old.location, new.location):
        different.discard("location")
    return frozenset(different)


def problems(inputs: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield all that is wrong with inputs, apart from the file itself."""
    yield from missing(inputs, REQUIRED)
    yield from not_text(inputs, {"location", "source", "null_marker", "description"})
    if known(inputs, "location", str) and (reason := location_problem(inputs["location"])):
        yield "location", reason
    for name, rule in _IDS.items():
        if inputs.get(name) != "":
            yield from rule_problems(name, inputs.get(name), rule)
    yield from label.label_problems(inputs.get("labels"))
    yield from _format_problems(inputs)
    schema = inputs.get("schema")
    if schema is not None and not holds_unknown(schema):
        found = [("schema", reason) for reason in schema_problems(schema)]
        yield from found
        if not found:
            yield from _column_problems(inputs, {field["name"].lower() for field in schema})
    yield from timeout_problems(inputs)


def _format_problems(inputs: Mapping[str, Any]) -> Iterator[Problem]:
    formats = sorted(set(FORMATS.values()))
    given = inputs.get("source_format")
    if given is not None and not holds_unknown(given) and given not in formats:
        yield "source_format", f"{given!r} is not one of {', '.join(formats)}"
        return
    if not known(inputs, "source", str) or not inputs["source"]:
        return
    actual = given or source_format(inputs["source"])
    if actual is None:
        yield (
            "source",
            f"the name {inputs['source']!r} does not tell its format (it ends in none of "
            f"{', '.join(FORMATS)}, before .gz or .zip): set source_format",
        )
        return
    if actual != "CSV":
        for name in ("null_marker", "skip_leading_rows", "field_delimiter"):
            if inputs.get(name) is not None:
                yield name, f"is for CSV only, and {inputs['source']!r} is {actual}"
    delimiter = inputs.get("field_delimiter")
    if isinstance(delimiter, str) and len(delimiter.encode()) != 1:
        yield "field_delimiter", f"is {delimiter!r}: give one character of one byte, such as ','"
    rows = inputs.get("skip_leading_rows")
    if known(inputs, "skip_leading_rows", object) and rows is not None:
        rows = whole_number(rows)
        if not isinstance(rows, int) or rows < 0:
            yield "skip_leading_rows", f"is {rows!r}: give a whole number, 0 or more"


def schema_problems(fields: Any, inside: str = "") -> Iterator[str]:
    """Yield what is wrong with columns.

    Args:
        fields: Whatever a user gave for them.
        inside: Which column they are the fields of, for messages; empty for a table's own.
    """
    if not isinstance(fields, Sequence) or isinstance(fields, str) or not fields:
        yield f"{inside or 'it'} must be a list of columns, each {{name, type, mode, description}}"
        return
    seen: set[str] = set()
    for position, field in enumerate(fields, start=1):
        if not isinstance(field, Mapping) or not isinstance(field.get("name"), str):
            yield f"column {position}{inside} is {field!r}: give {{name, type, mode, description}}"
            continue
        where = f"column {field['name']!r}{inside}"
        if not _COLUMN.match(field["name"]):
            yield (
                f"{where}: a name begins with a letter or '_' and holds at most 300 letters, "
                "digits and '_'"
            )
        if field["name"].lower() in seen:
            yield f"{where} is there twice (BigQuery ignores case)"
        seen.add(field["name"].lower())
        if surplus := set(field) - _FIELD_KEYS:
            yield f"{where} has {sorted(surplus)}; known are {sorted(_FIELD_KEYS)}"
        kind = TYPES.get(str(field.get("type")).upper())
        if kind is None:
            yield f"{where} has type {field.get('type')!r}; one of {', '.join(sorted(TYPES))}"
        mode = field.get("mode")
        if mode is not None and str(mode).upper() not in MODES:
            yield f"{where} has mode {mode!r}; one of {', '.join(MODES)}"
        if (kind == "STRUCT") != bool(field.get("fields")):
            yield f"{where}: a STRUCT has fields, and nothing else has"
        elif kind == "STRUCT":
            yield from schema_problems(field["fields"], f" of {field['name']!r}{inside}")


def _column_problems(inputs: Mapping[str, Any], columns: set[str]) -> Iterator[Problem]:
    clustering = inputs.get("clustering_fields")
    if clustering is not None and not holds_unknown(clustering):
        if len(clustering) > 4:
            yield "clustering_fields", f"has {len(clustering)} columns; BigQuery takes at most 4"
        for name in clustering:
            if str(name).lower() not in columns:
                yield "clustering_fields", f"{name!r} is no column of the schema"
    partitioning = inputs.get("time_partitioning")
    if partitioning is not None and not holds_unknown(partitioning):
        kind = partitioning.get("type")
        if kind not in ("HOUR", "DAY", "MONTH", "YEAR"):
            yield "time_partitioning", f"type {kind!r} is not one of HOUR, DAY, MONTH, YEAR"
        name = partitioning.get("field")
        if name is not None and str(name).lower() not in columns:
            yield "time_partitioning", f"field {name!r} is no column of the schema"
