"""`SeedTable`: a BigQuery table that is loaded from a local file."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
from pulumi.dynamic import Resource

from bqvertex.clients.bigquery.google_client import GoogleBigQuery
from bqvertex.clients.settings import CloudSettings
from bqvertex.providers.lifecycle import Lifecycle
from bqvertex.providers.seed_table import SeedTableLifecycle
from bqvertex.resources.host import DynamicHost
from bqvertex.resources.owner import owner_of
from bqvertex.resources.progress import report


class SeedTableArgs(TypedDict):
    """Inputs of a `SeedTable`.

    Attributes:
        project: Project of the dataset; also runs the load job. Another one replaces the table.
        location: The dataset's location. Another one replaces the table.
        dataset_id: Dataset, which must be there. Another one replaces the table.
        table_id: Table. Another one replaces it.
        source: File to load: a path relative to the program, or `package:NAME/inner/path` for a
            file inside an installed Python package. A `.zip` holding one file and a `.gz` are
            unpacked on the way. The table is loaded anew only when the unpacked content changes.
        schema: Columns as `TableFieldSchema` has them: `name`, `type`, and optionally `mode`,
            `description`, `fields`. A change loads the table anew.
        source_format: `CSV`, `NEWLINE_DELIMITED_JSON` or `PARQUET`; left out, the file's name
            decides.
        null_marker: CSV: text that stands for NULL; left out, the empty field.
        skip_leading_rows: CSV: rows of heading; left out, 0.
        field_delimiter: CSV: what separates fields; left out, a comma.
        description: Shown with the table; left out, none.
        labels: Google Cloud labels; left out, none but this toolkit's own (`bqvertex_…`).
        clustering_fields: Up to 4 columns to cluster by; left out, none. Another choice replaces
            the table.
        time_partitioning: `{"type": "DAY", "field": "flight_date"}`; left out, unpartitioned.
            Another choice replaces the table.
        adopt: Take over a table of this name that is there already, as it is. Left out, such a
            table is an error.
        job_timeout_s: Seconds the load may take; left out, 3600.
    """

    project: pulumi.Input[str]
    location: pulumi.Input[str]
    dataset_id: pulumi.Input[str]
    table_id: pulumi.Input[str]
    source: pulumi.Input[str]
    schema: pulumi.Input[Sequence[Mapping[str, Any]]]
    source_format: NotRequired[pulumi.Input[str]]
    null_marker: NotRequired[pulumi.Input[str]]
    skip_leading_rows: NotRequired[pulumi.Input[float]]
    field_delimiter: NotRequired[pulumi.Input[str]]
    description: NotRequired[pulumi.Input[str]]
    labels: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    clustering_fields: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    time_partitioning: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    adopt: NotRequired[pulumi.Input[bool]]
    job_timeout_s: NotRequired[pulumi.Input[float]]


class SeedTableProvider(DynamicHost):
    """Serves `SeedTableLifecycle`. The state names this class: see ADR 7."""

    def lifecycle(self, settings: CloudSettings) -> Lifecycle:
        """See `DynamicHost.lifecycle`."""
        return SeedTableLifecycle(GoogleBigQuery(settings), report=report)


class SeedTable(Resource, module="bqvertex", name="SeedTable"):
    """A BigQuery table that is loaded from a local file.

    Attributes:
        table: `project.dataset.table`.
        num_rows: How many rows it holds.
        content_hash: SHA-256 of the unpacked file; known at preview.
    """

    table: pulumi.Output[str]
    num_rows: pulumi.Output[int]
    content_hash: pulumi.Output[str]

    def __init__(
        self, name: str, args: SeedTableArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the table.

        Args:
            name: Name of the resource in the program.
            args: See `SeedTableArgs`.
            opts: Options of the resource.
        """
        props = {
            "table": None,
            "num_rows": None,
            "content_hash": None,
            **args,
            "owner": owner_of(name),
        }
        super().__init__(SeedTableProvider(), name, props, opts)
