"""`VectorIndex`: an index that finds near embeddings without reading the whole table."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict, cast

import pulumi

from bqvertex.dataset import Dataset
from bqvertex.dataset_member import refuse_unknown_inputs
from bqvertex.resources import vector_index as resource
from bqvertex.specs.vector_index import schema_problems
from bqvertex.table_index import TableIndex


class VectorIndexArgs(TypedDict):
    """Inputs of a `VectorIndex`.

    Attributes:
        dataset: Dataset of the table; waited for, its columns known at preview. Left out, give
            `project`, `location` and `dataset_id`.
        project: Project of the dataset; left out, that of `dataset`.
        location: The dataset's location; left out, that of `dataset`.
        dataset_id: The dataset's id; left out, that of `dataset`.
        table_id: Table of 5,000 rows or more. It can have one vector index.
        index_id: The index's own name; left out, the component's with `_` for `-`.
        column_name: Column of type ARRAY<FLOAT64>, or STRUCT<result ARRAY<FLOAT64>, status STRING>
            where BigQuery makes the embeddings. Another one replaces the index.
        index_type: `IVF` for few queries at a time, `TREE_AH` for hundreds. Another one builds the
            index anew in place, as does a change of all that follows down to `partition_by`.
        distance_type: `EUCLIDEAN`, `COSINE` or `DOT_PRODUCT`; left out, EUCLIDEAN.
        stored_columns: Columns kept in the index, to filter by before the search; left out, none.
        ivf_options: For IVF: `num_lists`, 1 to 5000; left out, BigQuery chooses.
        tree_ah_options: For TREE_AH: `leaf_node_embedding_count`, 500 or more, and
            `normalization_type`, `NONE` or `L2`; left out, 1000 and NONE.
        lexical_search_columns: Columns for the words of a hybrid search, each among
            `stored_columns`; left out, none.
        partition_by: For TREE_AH: the expression by which the table is partitioned; left out, the
            index is not partitioned.
        adopt: Take over an index of this name that is there already and is as declared; left out,
            that is an error.
        job_timeout_s: Seconds that each statement may take; left out, 3600.
    """

    dataset: NotRequired[Dataset]
    project: NotRequired[pulumi.Input[str]]
    location: NotRequired[pulumi.Input[str]]
    dataset_id: NotRequired[pulumi.Input[str]]
    table_id: pulumi.Input[str]
    index_id: NotRequired[pulumi.Input[str]]
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


class VectorIndex(TableIndex):
    """A vector index, made after its table is there."""

    def __init__(
        self, name: str, args: VectorIndexArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the index.

        Args:
            name: Name of the component in the program.
            args: See `VectorIndexArgs`.
            opts: Options of the component.

        Raises:
            RunError: Nothing says where it goes, or `dataset` says that a column is not there or
                is of another type.
        """
        super().__init__("bqvertex:index:VectorIndex", name, None, opts)
        what = f"vector index {name}"
        refuse_unknown_inputs(what, args, VectorIndexArgs)

        def make(inputs: dict[str, Any], own: pulumi.ResourceOptions) -> resource.VectorIndex:
            return resource.VectorIndex(name, cast(resource.VectorIndexArgs, inputs), own)

        self.declare(what, args, opts, make, schema_problems)
