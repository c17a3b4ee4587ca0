"""`VectorIndex`: an index that finds near embeddings without reading the whole table."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi
from pulumi.dynamic import Resource

from bqvertex.clients.bigquery.google_client import GoogleBigQuery
from bqvertex.clients.settings import CloudSettings
from bqvertex.providers.lifecycle import Lifecycle
from bqvertex.providers.sql_object import SqlLifecycle
from bqvertex.resources.host import DynamicHost
from bqvertex.resources.owner import owner_of
from bqvertex.resources.progress import report
from bqvertex.specs.vector_index import KIND


class VectorIndexArgs(TypedDict):
    """Inputs of a `VectorIndex`.

    Rules and defaults: https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language#create_vector_index_statement

    Attributes:
        project: Project of the dataset; also runs the statements. Another one replaces the index.
        location: The dataset's location. Another one replaces the index.
        dataset_id: Dataset, which must be there. Another one replaces the index.
        table_id: Table, which must be there and hold 5,000 rows or more. It can have one vector
            index. Another one replaces the index.
        index_id: The index's own name. Another one replaces it.
        column_name: Column of type ARRAY<FLOAT64>, or STRUCT<result ARRAY<FLOAT64>, status STRING>
            where BigQuery makes the embeddings. Another one replaces the index.
        index_type: `IVF` or `TREE_AH`. Another one builds the index anew in place, as does a change
            of all that follows down to `partition_by`.
        distance_type: `EUCLIDEAN`, `COSINE` or `DOT_PRODUCT`: what searches use that do not say;
            left out, EUCLIDEAN.
        stored_columns: Columns kept in the index, to filter by before the search; left out, none.
        ivf_options: For IVF: `num_lists`, 1 to 5000; left out, BigQuery chooses.
        tree_ah_options: For TREE_AH: `leaf_node_embedding_count`, 500 or more, and
            `normalization_type`, `NONE` or `L2`; left out, 1000 and NONE.
        lexical_search_columns: Columns for the words of a hybrid search, each among
            `stored_columns`; left out, none.
        partition_by: For TREE_AH on a partitioned table: the expression of its own PARTITION
            BY, such as `TIMESTAMP_TRUNC(created, DAY)`; left out, the index is not partitioned.
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
    column_name: pulumi.Input[str]
    index_type: pulumi.Input[str]
    distance_type: NotRequired[pulumi.Input[str]]
    stored_columns: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    ivf_options: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[float]]]]
    tree_ah_options: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[float | str]]]]
    lexical_search_columns: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    partition_by: NotRequired[pulumi.Input[str]]
    adopt: NotRequired[pulumi.Input[bool]]
    job_timeout_s: NotRequired[pulumi.Input[float]]


class VectorIndexProvider(DynamicHost):
    """Serves `SqlLifecycle` of vector indexes. The state names this class: see ADR 7."""

    def lifecycle(self, settings: CloudSettings) -> Lifecycle:
        """See `DynamicHost.lifecycle`."""
        return SqlLifecycle(KIND, GoogleBigQuery(settings), report=report)


class VectorIndex(Resource, module="bqvertex", name="VectorIndex"):
    """A vector index on a column of a BigQuery table.

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
        self, name: str, args: VectorIndexArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the index.

        Args:
            name: Name of the resource in the program.
            args: See `VectorIndexArgs`.
            opts: Options of the resource.
        """
        props = {**dict.fromkeys(KIND.computed), **args, "owner": owner_of(name)}
        super().__init__(VectorIndexProvider(), name, props, opts)
