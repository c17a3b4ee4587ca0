"""What components of indexes share: they come after their table, whose columns they know."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pulumi

from bqvertex.dataset import Dataset
from bqvertex.dataset_member import options, place

SchemaProblems = Callable[
    [Mapping[str, Any], Sequence[Mapping[str, Any]]], Iterator[tuple[str, str]]
]
"""Says, of inputs and a table's columns, which inputs are wrong and why."""


class TableIndex(pulumi.ComponentResource):
    """An index of a table.

    Attributes:
        path: `project.dataset.table.index`; known at preview.
        index_status: `ACTIVE`, `PENDING DISABLEMENT`, `TEMPORARILY DISABLED` or `PERMANENTLY
            DISABLED`, as of the last `up` or refresh.
        coverage_percentage: How much of the table was indexed then; 0: searches read all of it.
        index: The resource itself, for `depends_on`.
    """

    path: pulumi.Output[str]
    index_status: pulumi.Output[str | None]
    coverage_percentage: pulumi.Output[int | None]

    def declare(
        self,
        what: str,
        args: Mapping[str, Any],
        opts: pulumi.ResourceOptions | None,
        make: Callable[[dict[str, Any], pulumi.ResourceOptions], Any],
        schema_problems: SchemaProblems,
    ) -> None:
        """Declare the resource, and take what is known of it as outputs.

        Args:
            what: The component, for messages: `vector index near`.
            args: Its inputs.
            opts: Its options.
            make: Declares the resource, given its inputs and options.
            schema_problems: Checks the inputs against the columns of the table.

        Raises:
            RunError: Nothing says where it goes, or `dataset` says that a column is not there or
                is of another type.
        """
        dataset: Dataset | None = args.get("dataset")
        table_id = args["table_id"]
        if dataset and isinstance(table_id, str) and table_id in dataset.schemas:
            found = list(schema_problems(args, dataset.schemas[table_id]))
            if found:
                said = "; ".join(f"{key} {reason}" for key, reason in found)
                raise pulumi.RunError(f"{what}: table {table_id}: {said}")
        inputs = {
            "index_id": what.rpartition(" ")[2].replace("-", "_"),
            **{key: value for key, value in args.items() if key != "dataset"},
            **place(what, args),
        }
        self.index = make(inputs, options(self, args, opts))
        # Put together from the inputs: BigQuery's answer is not known at preview.
        keys = ("project", "dataset_id", "table_id", "index_id")
        self.path = pulumi.Output.all(*(inputs[key] for key in keys)).apply(".".join)
        self.index_status = self.index.index_status
        self.coverage_percentage = self.index.coverage_percentage
        self.register_outputs(
            {
                "path": self.path,
                "index_status": self.index_status,
                "coverage_percentage": self.coverage_percentage,
            }
        )
