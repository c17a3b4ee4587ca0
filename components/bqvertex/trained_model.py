"""`TrainedModel`: a BigQuery ML model that is trained on tables and views of a dataset."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired

import pulumi

from bqvertex.dataset_member import refuse_unknown_inputs
from bqvertex.declared_model import (
    DeclaredModel,
    DeclaredModelArgs,
    statement_inputs,
    upstream,
)


class TrainedModelArgs(DeclaredModelArgs):
    """Inputs of a `TrainedModel`, beside those of every model.

    Attributes:
        statement_file: File with one CREATE MODEL statement.
        statement: The statement itself; exactly one of the two.
        model_id: Id of the model; left out, the name in the statement.
        schemas: Columns, each as `TableFieldSchema`, of tables that are made elsewhere, by the
            bare name that the statement uses; left out, those of `dataset` alone.
        models: Models whose functions the statement calls, ML.PREDICT and the like: it is made
            after them, and what they answer is known at preview. Left out, none.
        evaluation: Gate: thresholds by metric of ML.EVALUATE, `min` and `max` of the metric
            itself, `min_change` and `max_change` against the model that serves:
            `{"roc_auc": {"min": 0.75, "min_change": -0.01}}`. A model that misses one does not
            take its place. Left out, any trained model does.
        evaluation_query: A SELECT statement whose rows the new and the serving model are evaluated
            on; left out, each is on the rows held back from its own training.
        max_bytes_billed: Bytes that the training may bill; left out, no limit.
        max_price_usd: US dollars that the training may be estimated at; left out, no limit.
    """

    statement_file: NotRequired[str]
    statement: NotRequired[str]
    model_id: NotRequired[str]
    schemas: NotRequired[Mapping[str, Sequence[Mapping[str, Any]]]]
    models: NotRequired[Sequence[DeclaredModel]]
    evaluation: NotRequired[pulumi.Input[Mapping[str, Mapping[str, float]]]]
    evaluation_query: NotRequired[pulumi.Input[str]]
    max_bytes_billed: NotRequired[pulumi.Input[int]]
    max_price_usd: NotRequired[pulumi.Input[float]]


class TrainedModel(DeclaredModel):
    """A model, made of its CREATE MODEL statement after all that it reads is there."""

    def __init__(
        self, name: str, args: TrainedModelArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the model.

        Args:
            name: Name of the component in the program.
            args: See `TrainedModelArgs`.
            opts: Options of the component.

        Raises:
            RunError: The statement cannot be read, or reads a table that nobody declared.
        """
        super().__init__("bqvertex:index:TrainedModel", name, None, opts)
        refuse_unknown_inputs(f"model {name}", args, TrainedModelArgs)
        self.declare(name, args, statement_inputs(name, args), upstream(args, opts))
