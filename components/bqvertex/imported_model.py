"""`ImportedModel`: a model that was trained elsewhere, brought into BigQuery from its file."""

from collections.abc import Mapping
from typing import Any, NotRequired

import pulumi

from bqvertex.dataset_member import refuse_unknown_inputs
from bqvertex.declared_model import (
    DeclaredModel,
    DeclaredModelArgs,
    upstream,
)
from bqvertex.specs.imported_model import imported_model_statement


class ImportedModelArgs(DeclaredModelArgs):
    """Inputs of an `ImportedModel`, beside those of every model.

    BigQuery reads the file once, when it makes the model: another file at the same path is
    imported when `retrain_on` changes, such as the object's checksum.

    Attributes:
        model_id: Id of the model.
        model_type: `ONNX`, `TENSORFLOW`, `TENSORFLOW_LITE` or `XGBOOST`.
        model_path: Where the file is in Cloud Storage, `gs://bucket/path/*`.
        inputs: XGBOOST: type by name of each column it takes; left out where the file has
            `feature_names` and `feature_types`.
        outputs: XGBOOST: type by name of what it answers, FLOAT64; given where `inputs` is.
        options: Further options of CREATE MODEL; left out, none.
    """

    model_id: str
    model_type: str
    model_path: pulumi.Input[str]
    inputs: NotRequired[Mapping[str, str]]
    outputs: NotRequired[Mapping[str, str]]
    options: NotRequired[Mapping[str, Any]]


class ImportedModel(DeclaredModel):
    """An imported model. Nothing is trained, and BigQuery bills no bytes for it."""

    def __init__(
        self, name: str, args: ImportedModelArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the model.

        Args:
            name: Name of the component in the program.
            args: See `ImportedModelArgs`.
            opts: Options of the component.

        Raises:
            RunError: The kind is none that is imported, or an input cannot be written in SQL.
        """
        super().__init__("bqvertex:index:ImportedModel", name, None, opts)
        refuse_unknown_inputs(f"model {name}", args, ImportedModelArgs)

        def statement(model_path: str) -> str:
            try:
                return imported_model_statement(
                    args["model_id"],
                    model_type=args["model_type"],
                    model_path=model_path,
                    inputs=args.get("inputs", {}),
                    outputs=args.get("outputs", {}),
                    options=args.get("options", {}),
                )
            except ValueError as error:
                raise pulumi.RunError(f"model {name}: {error}") from None

        # The path may be known at `up` alone; all else is checked now.
        statement("gs://bucket/path")
        inputs = {
            "model_id": args["model_id"],
            "statement": pulumi.Output.from_input(args["model_path"]).apply(statement),
        }
        self.declare(name, args, inputs, upstream(args, opts))
