"""`SearchIndex`: an index that finds words without reading the whole table."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
from pulumi.dynamic import Resource

from bqvertex.clients.bigquery.google_client import GoogleBigQuery
from bqvertex.clients.settings import CloudSettings
from bqvertex.providers.lifecycle import Lifecycle
from bqvertex.providers.sql_object import SqlLifecycle
from bqvertex.resources.host import DynamicHost
from bqvertex.resources.owner import owner_of
from bqvertex.resources.progress import report
from bqvertex.specs.search_index import KIND


class SearchIndexArgs(TypedDict):
    """Inputs of a `SearchIndex`.

    Rules and defaults: https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language#create_search_index_statement

    Every change but that of `adopt` and `job_timeout_s` replaces the index: nothing changes one in
    place without a reservation for background jobs.

    Attributes:
        project: Project of the dataset; also runs the statements.
        location: The dataset's location.
        dataset_id: Dataset, which must be there.
        table_id: Table, which must be there. It can have one search index.
        index_id: The index's own name.
        columns: Columns to index; left out, all that hold one of `data_types`, those to come too.
        column_options: By column, `index_granularity` (`GLOBAL` or `COLUMN`) and `data_types`;
            left out, those of the index.
        analyzer: `LOG_ANALYZER`, `NO_OP_ANALYZER` or `PATTERN_ANALYZER`; left out, LOG_ANALYZER.
        analyzer_options: For LOG_ANALYZER `delimiters`, for PATTERN_ANALYZER `patterns`, for both
            `token_filters`; left out, the analyzer's own defaults.
            https://cloud.google.com/bigquery/docs/reference/standard-sql/text-analysis
        data_types: Some of `STRING`, `INT64`, `TIMESTAMP`; left out, STRING.
        default_index_column_granularity: `GLOBAL` or `COLUMN`; left out, GLOBAL.
        adopt: Take over an index of this name that is there already and is as declared. Left out,
            it is an error.
        job_timeout_s: Seconds that each statement may take; left out, 3600. The index is built
            afterwards, see `coverage_percentage`.
    """

    project: pulumi.Input[str]
    location: pulumi.Input[str]
    dataset_id: pulumi.Input[str]
    table_id: pulumi.Input[str]
    index_id: pulumi.Input[str]
    columns: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    column_options: NotRequired[pulumi.Input[Mapping[str, Mapping[str, Any]]]]
    analyzer: NotRequired[pulumi.Input[str]]
    analyzer_options: NotRequired[pulumi.Input[Mapping[str, Any]]]
    data_types: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    default_index_column_granularity: NotRequired[pulumi.Input[str]]
    adopt: NotRequired[pulumi.Input[bool]]
    job_timeout_s: NotRequired[pulumi.Input[float]]


class SearchIndexProvider(DynamicHost):
    """Serves `SqlLifecycle` of search indexes. The state names this class: see ADR 7."""

    def lifecycle(self, settings: CloudSettings) -> Lifecycle:
        """See `DynamicHost.lifecycle`."""
        return SqlLifecycle(KIND, GoogleBigQuery(settings), report=report)


class SearchIndex(Resource, module="bqvertex", name="SearchIndex"):
    """A search index on columns of a BigQuery table.

    All but `job_id` is as of the last `up` or refresh, BigQuery changes it by itself, and it makes
    no difference to a preview.

    Attributes:
        index_status: `ACTIVE`, `PENDING DISABLEMENT`, `TEMPORARILY DISABLED` or `PERMANENTLY
            DISABLED`.
        coverage_percentage: How much of the table is indexed; 0: searches read the whole table.
        unindexed_row_count: Rows that are not indexed yet.
        total_logical_bytes: Size that is billed by logical bytes.
        total_storage_bytes: Size that is billed by stored bytes.
        creation_time: When it was made, RFC 3339.
        last_refresh_time: When rows were last indexed, RFC 3339; None before the first time.
        disable_reason: Why it is disabled; None while it is not.
        ddl: The statement that made it, as BigQuery tells it.
        job_id: The BigQuery job of the last statement that ran; empty for what was taken over.
    """

    index_status: pulumi.Output[str | None]
    coverage_percentage: pulumi.Output[int | None]
    unindexed_row_count: pulumi.Output[int | None]
    total_logical_bytes: pulumi.Output[int | None]
    total_storage_bytes: pulumi.Output[int | None]
    creation_time: pulumi.Output[str | None]
    last_refresh_time: pulumi.Output[str | None]
    disable_reason: pulumi.Output[str | None]
    ddl: pulumi.Output[str | None]
    job_id: pulumi.Output[str]

    def __init__(
        self, name: str, args: SearchIndexArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the index.

        Args:
            name: Name of the resource in the program.
            args: See `SearchIndexArgs`.
            opts: Options of the resource.
        """
        props = {**dict.fromkeys(KIND.computed), **args, "owner": owner_of(name)}
        super().__init__(SearchIndexProvider(), name, props, opts)
