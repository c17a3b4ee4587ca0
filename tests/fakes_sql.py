"""BigQuery in memory for what is made by statements alone: tables of one row, indexes, options."""

import json
import re
from dataclasses import dataclass, field, replace
from typing import Any

from bqvertex.clients.bigquery import Job, JobError
from bqvertex.clients.errors import NotFound

from googlesql.constant import read_constant
from googlesql.parser import parse_statement
from googlesql.position import Text
from googlesql.tree import Node, dotted_path, identifiers
from tests.fakes import FakeBigQuery

NAME = r"`([^`]+)`"
PATH = rf"{NAME}\.{NAME}\.{NAME}"


@dataclass(frozen=True)
class FakeIndex:
    """An index as its statement made it.

    Attributes:
        kind: `VECTOR` or `SEARCH`.
        name: Its name.
        columns: Its columns; empty for all.
        options: Its options, values as INFORMATION_SCHEMA writes them.
        column_options: Options by column.
        ddl: The statement.
        coverage_percentage: How far it is built.
    """

    kind: str
    name: str
    columns: tuple[str, ...]
    options: dict[str, str]
    column_options: dict[str, dict[str, str]]
    ddl: str
    coverage_percentage: int = 0


@dataclass
class FakeSql(FakeBigQuery):
    """BigQuery of statements.

    Attributes:
        values: The one row of each table, by `project.dataset.table`.
        indexes: Indexes by table and kind.
        project_options: Values by region and name.
        index_columns: Columns that ALL COLUMNS means.
    """

    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    indexes: dict[tuple[str, str], FakeIndex] = field(default_factory=dict)
    project_options: dict[str, str] = field(default_factory=dict)
    index_columns: tuple[str, ...] = ("title", "body")

    def __post_init__(self) -> None:
        super().__init__()

    @property
    def ran(self) -> list[str]:
        """The statements that took effect, in order."""
        wanted = [job.job_id for job in self.jobs.values() if job.error is None]
        began = [job_id for call, job_id in self.calls if call == "start_query"]
        pairs = zip(began, self.statements, strict=True)
        return [sql for job_id, sql in pairs if job_id in wanted]

    def rows(self, project: str, location: str, sql: str) -> list[dict[str, Any]]:
        del project, location
        with self.failing("rows"):
            if found := re.search(rf"(?s)FROM {NAME}\.INFORMATION_SCHEMA\.PROJECT_OPTIONS", sql):
                name = re.search(r"option_name = '([^']+)'", sql)
                assert name, sql
                value = self.project_options.get(f"{found[1]}.{name[1]}")
                return [{"option_value": value}] if value is not None else []
            if found := re.search(rf"FROM {NAME}\.{NAME}\.INFORMATION_SCHEMA\.(\w+)_INDEXES", sql):
                table = re.search(r"i\.table_name = '([^']+)'", sql)
                assert table, sql
                path = f"{found[1]}.{found[2]}.{table[1]}"
                return self._index_rows(path, found[3])
            found = re.search(rf"(?s)SELECT (.*) FROM {PATH}", sql)
            assert found, f"no query of this fake: {sql}"
            path = ".".join(found.groups()[1:])
            if path not in self.values:
                raise NotFound(f"run {sql[:40]}: not found: table {path}")
            row = self.values[path]
            return [dict(row)] if row else []

    def _index_rows(self, path: str, kind: str) -> list[dict[str, Any]]:
        index = self.indexes.get((path, kind))
        if index is None:
            return []
        facts = {
            "index_name": index.name,
            "index_status": "ACTIVE",
            "coverage_percentage": index.coverage_percentage,
            "last_refresh_time": None,
            "ddl": index.ddl,
        }
        columns = index.columns or self.index_columns
        rows = []
        for column in columns:
            own = index.column_options.get(column) or {None: None}
            for name, value in (index.options or {None: None}).items():
                rows += [
                    {
                        **facts,
                        "index_column_name": column,
                        "option_name": name,
                        "option_value": value,
                        "column_option_name": key,
                        "column_option_value": chosen,
                    }
                    for key, chosen in own.items()
                ]
        return rows

    def _execute(self, sql: str, location: str, job: Job) -> None:
        del location
        if found := re.fullmatch(rf"ALTER PROJECT {NAME} SET OPTIONS \({NAME} = (.*)\)", sql):
            if found[3] == "NULL":
                self.project_options.pop(found[2], None)
            else:
                self.project_options[found[2]] = found[3].strip("'")
        elif re.match(r"(CREATE|DROP) (OR REPLACE )?(VECTOR|SEARCH) INDEX", sql):
            self._execute_index(sql, job)
        elif found := re.match(rf"(?s)CREATE (OR REPLACE )?TABLE {PATH} AS SELECT (.*)", sql):
            path = ".".join(found.groups()[1:4])
            if path in self.values and not found[1]:
                self._fail(job, "duplicate", f"Already Exists: Table {path}")
            else:
                items = re.findall(r"(\d+) AS (\w+)", found[5])
                self.values[path] = {name: int(value) for value, name in items}
        elif found := re.match(rf"DROP TABLE {PATH}", sql):
            path = ".".join(found.groups())
            if path not in self.values:
                self._fail(job, "notFound", f"Not found: Table {path}")
            self.values.pop(path, None)
        else:
            raise AssertionError(f"no statement of this fake: {sql}")

    def _execute_index(self, sql: str, job: Job) -> None:
        statement, text = parse_statement(sql), Text(sql)
        kind = "VECTOR" if " VECTOR " in sql else "SEARCH"
        path = ".".join(dotted_path(statement.child("table_name")))
        name = dotted_path(statement.child("name"))[0]
        if sql.startswith("DROP"):
            self.indexes.pop((path, kind), None)
            return
        if (path, kind) in self.indexes and not statement.flag("is_or_replace"):
            self._fail(job, "duplicate", f"Already Exists: Index {path}.{name}")
            return
        list_ = statement.child("index_item_list")
        items = list_.children("ordering_expressions") if list_ else ()
        columns, own = [], {}
        for item in items:
            expression = item.child("expression")
            assert expression is not None, sql
            if expression.kind == "ASTIndexAllColumns":
                below = expression.child("column_options")
                for one in below.children("ordering_expressions") if below else ():
                    own[_name(one)] = _options(one.child("option_list"), text)
            else:
                columns.append(_name(item))
                own[_name(item)] = _options(item.child("option_list"), text)
        self.indexes[(path, kind)] = FakeIndex(
            kind=kind,
            name=name,
            columns=tuple(columns),
            options=_options(statement.child("options_list"), text),
            column_options={column: given for column, given in own.items() if given},
            # BigQuery tells it as CREATE, whatever made it.
            ddl=sql.replace("CREATE OR REPLACE", "CREATE"),
        )

    def _fail(self, job: Job, reason: str, message: str) -> None:
        self.jobs[job.job_id] = replace(job, error=JobError(reason, message))


def _name(item: Node) -> str:
    return ".".join(dotted_path(item.child("expression")))


def _options(clause: Node | None, text: Text) -> dict[str, str]:
    found = {}
    for entry in clause.children("options_entries") if clause else ():
        name, value = entry.child("name"), entry.child("value")
        assert name is not None
        assert value is not None
        read = read_constant(value, text)
        found[identifiers(name)[0].lower()] = read if isinstance(read, str) else json.dumps(read)
    return found
