"""`SearchIndex`: an index that finds words without reading the whole table."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict, cast

import pulumi

from bqvertex.dataset import Dataset
from bqvertex.dataset_member import refuse_unknown_inputs
from bqvertex.resources import search_index as resource
from bqvertex.specs.search_index import schema_problems
from bqvertex.table_index import TableIndex


class SearchIndexArgs(TypedDict):
    """Inputs of a `SearchIndex`.

    Attributes:
        dataset: Dataset of the table; waited for, its columns known at preview. Left out, give
            `project`, `location` and `dataset_id`.
        project: Project of the dataset; left out, that of `dataset`.
        location: The dataset's location; left out, that of `dataset`.
        dataset_id: The dataset's id; left out, that of `dataset`.
        table_id: Table. It can have one search index.
        index_id: The index's own name; left out, the component's with `_` for `-`.
        columns: Columns to index; left out, all that hold one of `data_types`, those to come too.
        column_options: By column, `index_granularity` (`GLOBAL` or `COLUMN`) and `data_types`;
            left out, those of the index.
        analyzer: `LOG_ANALYZER`, `NO_OP_ANALYZER` or `PATTERN_ANALYZER`; left out, LOG_ANALYZER.
        analyzer_options: For LOG_ANALYZER `delimiters`, for PATTERN_ANALYZER `patterns`, for both
            `token_filters`; left out, the analyzer's own defaults.
        data_types: Some of `STRING`, `INT64`, `TIMESTAMP`; left out, STRING.
        default_index_column_granularity: `GLOBAL` or `COLUMN`; left out, GLOBAL.
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
    columns: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    column_options: NotRequired[pulumi.Input[Mapping[str, Mapping[str, Any]]]]
    analyzer: NotRequired[pulumi.Input[str]]
    analyzer_options: NotRequired[pulumi.Input[Mapping[str, Any]]]
    data_types: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    default_index_column_granularity: NotRequired[pulumi.Input[str]]
    adopt: NotRequired[pulumi.Input[bool]]
    job_timeout_s: NotRequired[pulumi.Input[float]]


class SearchIndex(TableIndex):
    """A search index, made after its table is there."""

    def __init__(
        self, name: str, args: SearchIndexArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the index.

        Args:
            name: Name of the component in the program.
            args: See `SearchIndexArgs`.
            opts: Options of the component.

        Raises:
            RunError: Nothing says where it goes, or `dataset` says that a column is not there or
                is of another type.
        """
        super().__init__("bqvertex:index:SearchIndex", name, None, opts)
        what = f"search index {name}"
        refuse_unknown_inputs(what, args, SearchIndexArgs)

        def make(inputs: dict[str, Any], own: pulumi.ResourceOptions) -> resource.SearchIndex:
            return resource.SearchIndex(name, cast(resource.SearchIndexArgs, inputs), own)

        self.declare(what, args, opts, make, schema_problems)
