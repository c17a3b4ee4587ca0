"""`Dataset`: a BigQuery dataset with the tables loaded into it and the views over them."""

import json
from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any, NamedTuple, NotRequired, TypedDict, cast

import pulumi
from pulumi_gcp import bigquery

from bqvertex.resources.seed_table import SeedTable, SeedTableArgs
from bqvertex.resources.text_file import read_text
from bqvertex.specs.seed_table import schema_problems
from bqvertex.specs.statement import StatementError
from bqvertex.specs.view import View, columns, read_view

Schema = Sequence[Mapping[str, Any]]


class DeclaredView(NamedTuple):
    """A view and its columns, None where they are not known offline."""

    view: View
    schema: Schema | None


class TableArgs(TypedDict):
    """One table of a `Dataset`.

    Attributes:
        source: File to load: a path relative to the program, or `package:NAME/inner/path`.
        schema_file: JSON file with the columns, a list of `TableFieldSchema`, as `bq` takes it.
        schema: The columns themselves; exactly one of the two.
        source_format: `CSV`, `NEWLINE_DELIMITED_JSON` or `PARQUET`; left out, the name decides.
        null_marker: CSV: text that stands for NULL; left out, the empty field.
        skip_leading_rows: CSV: rows of heading; left out, 0.
        field_delimiter: CSV: what separates fields; left out, a comma.
        description: Shown with the table; left out, none.
        labels: Google Cloud labels; left out, the dataset's.
        clustering_fields: Up to 4 columns to cluster by; left out, none.
        time_partitioning: `{"type": "DAY", "field": "flight_date"}`; left out, unpartitioned.
        adopt: Take over a table of this name that is there already; left out, that is an error.
        job_timeout_s: Seconds the load may take; left out, 3600.
    """

    source: str
    schema_file: NotRequired[str]
    schema: NotRequired[Schema]
    source_format: NotRequired[str]
    null_marker: NotRequired[str]
    skip_leading_rows: NotRequired[float]
    field_delimiter: NotRequired[str]
    description: NotRequired[pulumi.Input[str]]
    labels: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    clustering_fields: NotRequired[Sequence[str]]
    time_partitioning: NotRequired[Mapping[str, str]]
    adopt: NotRequired[bool]
    job_timeout_s: NotRequired[float]


class DatasetArgs(TypedDict):
    """Inputs of a `Dataset`.

    Attributes:
        project: Project that holds it.
        location: Where it lives, such as `EU` or `us-central1`; cannot change.
        dataset_id: Letters, digits and `_`.
        description: Shown with the dataset; left out, none.
        labels: Google Cloud labels of the dataset, its tables and its views; left out, none.
        delete_contents_on_destroy: Whether a destroy also deletes what is in it and was not
            declared here; left out, False: such a destroy fails.
        tables: Tables by id, loaded from files; left out, none.
        views: Files by view id, each with one query in which tables and views of this dataset
            have bare names; left out, none.
    """

    project: pulumi.Input[str]
    location: pulumi.Input[str]
    dataset_id: pulumi.Input[str]
    description: NotRequired[pulumi.Input[str]]
    labels: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    delete_contents_on_destroy: NotRequired[pulumi.Input[bool]]
    tables: NotRequired[Mapping[str, TableArgs]]
    views: NotRequired[Mapping[str, str]]


class Dataset(pulumi.ComponentResource):
    """A dataset, its tables and its views.

    Views are checked while the program runs: a column that no table has is an error of the
    preview, with file, line and column. Protect it, and all in it, with the option `protect`.

    Attributes:
        project: Project that holds it; known at preview.
        location: Where it lives; known at preview.
        dataset_id: Its id; known at preview.
        tables: `project.dataset.table` by table id.
        views: `project.dataset.view` by view id.
        contents: Hash of what was loaded, by table id; for `retrain_on` of a model.
        definitions: Hash of what each view's query means, by view id; for `retrain_on` of a model.
        schemas: Columns of every table and view by its id, as far as they are known offline.
        names: Ids of every table and view.
        labels: The labels given.
        members: All its resources, for `depends_on` of what reads it.
    """

    project: pulumi.Output[str]
    location: pulumi.Output[str]
    dataset_id: pulumi.Output[str]
    tables: pulumi.Output[Mapping[str, str]]
    views: pulumi.Output[Mapping[str, str]]
    contents: pulumi.Output[Mapping[str, str]]

    def __init__(
        self, name: str, args: DatasetArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the dataset.

        Args:
            name: Name of the component in the program.
            args: See `DatasetArgs`.
            opts: Options of the component.

        Raises:
            RunError: A schema or a view is wrong; the message names file, line and column.
        """
        super().__init__("bqvertex:index:Dataset", name, None, opts)
        self.project = pulumi.Output.from_input(args["project"])
        self.location = pulumi.Output.from_input(args["location"])
        self.dataset_id = pulumi.Output.from_input(args["dataset_id"])
        self.labels = args.get("labels")
        declared = args.get("tables", {})
        self.schemas: dict[str, Schema] = {
            table_id: _schema(table_id, table) for table_id, table in declared.items()
        }
        views = _views(args.get("views", {}), self.schemas)
        self.schemas |= {v.view.view_id: v.schema for v in views if v.schema is not None}

        self.definitions = {v.view.view_id: v.view.definition_hash for v in views}
        self.names = (*declared, *(v.view.view_id for v in views))
        dataset = bigquery.Dataset(
            name,
            project=args["project"],
            location=args["location"],
            dataset_id=args["dataset_id"],
            description=args.get("description"),
            labels=args.get("labels"),
            delete_contents_on_destroy=args.get("delete_contents_on_destroy", False),
            opts=pulumi.ResourceOptions(parent=self),
        )
        tables = {
            table_id: self._table(name, table_id, table, dataset)
            for table_id, table in declared.items()
        }
        made: dict[str, pulumi.Resource] = {}
        for declared_view in views:
            present = {**tables, **made}
            reads = [present[read] for read in declared_view.view.reads if read in present]
            made[declared_view.view.view_id] = self._view(name, declared_view, [dataset, *reads])
        self.members: list[pulumi.Resource] = [dataset, *tables.values(), *made.values()]

        self.tables = self._paths(tables)
        self.views = self._paths(made)
        self.contents = pulumi.Output.all(
            **{table_id: table.content_hash for table_id, table in tables.items()}
        )
        self.register_outputs(
            {
                "project": self.project,
                "location": self.location,
                "dataset_id": self.dataset_id,
                "tables": self.tables,
                "views": self.views,
                "contents": self.contents,
            }
        )

    def _table(
        self, name: str, table_id: str, table: TableArgs, dataset: pulumi.Resource
    ) -> SeedTable:
        given = {key: value for key, value in table.items() if key != "schema_file"}
        return SeedTable(
            f"{name}-{table_id}",
            cast(
                SeedTableArgs,
                {
                    "labels": self.labels,
                    **given,
                    "project": self.project,
                    "location": self.location,
                    "dataset_id": self.dataset_id,
                    "table_id": table_id,
                    "schema": self.schemas[table_id],
                },
            ),
            # The dataset's id is known before the dataset is there, so it does not say who waits.
            pulumi.ResourceOptions(parent=self, depends_on=[dataset]),
        )

    def _view(
        self, name: str, declared: DeclaredView, upstream: Sequence[pulumi.Resource]
    ) -> pulumi.Resource:
        def sql(place: Sequence[str]) -> str:
            return declared.view.sql(*place)

        return bigquery.Table(
            f"{name}-{declared.view.view_id}",
            project=self.project,
            dataset_id=self.dataset_id,
            table_id=declared.view.view_id,
            labels=self.labels,
            view=bigquery.TableViewArgs(
                query=pulumi.Output.all(self.project, self.dataset_id).apply(sql),
                use_legacy_sql=False,
            ),
            # Of pulumi-gcp's own making, and on by default; the option `protect` is Pulumi's.
            deletion_protection=False,
            opts=pulumi.ResourceOptions(parent=self, depends_on=upstream),
        )

    def _paths(self, resources: Mapping[str, pulumi.Resource]) -> pulumi.Output[Mapping[str, str]]:
        ids = list(resources)

        def paths(place: Sequence[str]) -> Mapping[str, str]:
            return {known: f"{place[0]}.{place[1]}.{known}" for known in ids}

        return pulumi.Output.all(self.project, self.dataset_id).apply(paths)


def _schema(table_id: str, table: TableArgs) -> Schema:
    file, schema = table.get("schema_file"), table.get("schema")
    if (file is None) == (schema is None):
        raise pulumi.RunError(
            f"table {table_id}: give either schema_file or schema, and not both or neither"
        )
    if file is not None:
        try:
            schema = json.loads(read_text(file))
        except json.JSONDecodeError as error:
            raise pulumi.RunError(f"{file}:{error.lineno}:{error.colno}: {error.msg}") from None
    reasons = list(schema_problems(schema))
    if reasons:
        raise pulumi.RunError(f"table {table_id}: {file or 'schema'}: {'; '.join(reasons)}")
    return cast(Schema, schema)


def _views(files: Mapping[str, str], schemas: Mapping[str, Schema]) -> list[DeclaredView]:
    """Read views and work out their columns, each after those that it reads."""
    known = dict(schemas)
    try:
        read = {view_id: read_view(view_id, read_text(f), f) for view_id, f in files.items()}
        order = TopologicalSorter(
            {view_id: [r for r in view.reads if r in read] for view_id, view in read.items()}
        ).static_order()
        found = []
        for view_id in order:
            schema = columns(read[view_id], known, others=read)
            if schema is not None:
                known[view_id] = schema
            found.append(DeclaredView(read[view_id], schema))
    except StatementError as error:
        raise pulumi.RunError(str(error)) from None
    except CycleError as error:
        raise pulumi.RunError(f"views read one another in a circle: {error.args[1]}") from None
    return found
