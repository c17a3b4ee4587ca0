"""`RemoteModel`: a model that runs elsewhere, called from SQL through a connection."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NotRequired

import pulumi

from bqvertex.connection import Connection
from bqvertex.dataset_member import refuse_unknown_inputs
from bqvertex.declared_model import (
    DeclaredModel,
    DeclaredModelArgs,
    statement_inputs,
    upstream,
)
from bqvertex.default_connection import DefaultConnection
from bqvertex.specs.remote_model import (
    CALLS,
    DEFAULT_CONNECTION,
    GOES_WITH,
    OPTIONS,
    input_problems,
    remote_model_statement,
    with_connection,
)
from bqvertex.trained_model import TrainedModelArgs

_IN_STATEMENT: Final = (*CALLS, *GOES_WITH, "options")
_WITH_STATEMENT: Final = sorted(
    TrainedModelArgs.__annotations__.keys() - {*DeclaredModelArgs.__annotations__, "model_id"}
)


class RemoteModelArgs(TrainedModelArgs):
    """Inputs of a `RemoteModel`, beside those of every model.

    What it calls is said by exactly one of `endpoint`, `remote_service_type`,
    `hugging_face_model_id`, `model_garden_model_name`; or by a statement, for a model that is tuned
    on rows, with the inputs of a `TrainedModel`.

    Attributes:
        model_id: Id of the model; left out, the name in the statement.
        connection: Connection to call through, its path `project.location.connection`, or the
            default one: a `DefaultConnection`, or `DEFAULT` where it is set elsewhere, or BigQuery
            is to make it. Left out, that of the statement.
        endpoint: A hosted model such as `gemini-2.5-flash` or `text-embedding-005`, or a Vertex AI
            endpoint by its name `projects/…/locations/…/endpoints/…` or its URL.
        remote_service_type: A Cloud AI service, such as `CLOUD_AI_TRANSLATE_V3`.
        document_processor: Document AI: the processor's id, or its name with a version.
        speech_recognizer: Speech-to-Text: the recogniser's name; left out, its default one.
        hugging_face_model_id: `provider/model` of an open model that BigQuery deploys on Vertex AI.
            Gated and private ones need a token, which is not taken: it would stand in the job's
            statement. Deploy them yourself, and give `endpoint`.
        model_garden_model_name: `publishers/…/models/…@version` of a model of the Model Garden
            that BigQuery deploys on Vertex AI.
        machine_type: Compute Engine machine type that it is deployed on; left out, the model's own.
        min_replica_count: Machines that are always there, 1 to 4096; left out, 1.
        max_replica_count: Machines at most, 1 to 4096; left out, `min_replica_count`.
        endpoint_idle_ttl: Time without use after which it is undeployed, an INTERVAL of 390
            minutes to 7 days such as `INTERVAL 8 HOUR`; left out, 390 minutes.
        reservation_affinity_type: `NO_RESERVATION`, `ANY_RESERVATION` or `SPECIFIC_RESERVATION`;
            left out, no reservation.
        reservation_affinity_values: The reservation of `SPECIFIC_RESERVATION`,
            `projects/…/zones/…/reservations/…`.
        inputs: Type by name of each field of a request to a custom endpoint; left out for a
            hosted model.
        outputs: Type by name of each field of its predictions; given where `inputs` is.
        options: Further options of CREATE MODEL; left out, none.
    """

    connection: NotRequired[Connection | DefaultConnection | pulumi.Input[str]]
    endpoint: NotRequired[pulumi.Input[str]]
    remote_service_type: NotRequired[pulumi.Input[str]]
    document_processor: NotRequired[pulumi.Input[str]]
    speech_recognizer: NotRequired[pulumi.Input[str]]
    hugging_face_model_id: NotRequired[pulumi.Input[str]]
    model_garden_model_name: NotRequired[pulumi.Input[str]]
    machine_type: NotRequired[pulumi.Input[str]]
    min_replica_count: NotRequired[pulumi.Input[int]]
    max_replica_count: NotRequired[pulumi.Input[int]]
    endpoint_idle_ttl: NotRequired[pulumi.Input[str]]
    reservation_affinity_type: NotRequired[pulumi.Input[str]]
    reservation_affinity_values: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    inputs: NotRequired[Mapping[str, str]]
    outputs: NotRequired[Mapping[str, str]]
    options: NotRequired[Mapping[str, Any]]


class RemoteModel(DeclaredModel):
    """A remote model, made after the grants of its connection."""

    def __init__(
        self, name: str, args: RemoteModelArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the model.

        Args:
            name: Name of the component in the program.
            args: See `RemoteModelArgs`.
            opts: Options of the component.

        Raises:
            RunError: Inputs make no sense together, or one cannot be written in SQL.
        """
        super().__init__("bqvertex:index:RemoteModel", name, None, opts)
        refuse_unknown_inputs(f"model {name}", args, RemoteModelArgs)
        connection = args.get("connection")
        waits_for = upstream(args, opts)
        path: pulumi.Input[str] | None
        if isinstance(connection, Connection):
            waits_for += [connection.connection, *connection.grants]
            path = connection.path
        elif isinstance(connection, DefaultConnection):
            waits_for.append(connection.default_connection)
            path = DEFAULT_CONNECTION
        else:
            path = connection
        is_written = "statement" in args or "statement_file" in args
        inputs = (_given if is_written else _composed)(name, args, path)
        self.declare(name, args, inputs, waits_for)


def _given(name: str, args: RemoteModelArgs, path: pulumi.Input[str] | None) -> Mapping[str, Any]:
    """Take the statement that is given, over the connection that is."""
    said = [key for key in _IN_STATEMENT if key in args]
    if said:
        raise pulumi.RunError(
            f"model {name}: {', '.join(said)}: with a statement, write it there, in OPTIONS"
        )
    inputs = statement_inputs(name, args)
    if path is not None:
        text, file = inputs["statement"], inputs["statement_file"] or ""

        def over(known: str) -> str:
            try:
                return with_connection(text, known, file)
            except ValueError as error:
                raise pulumi.RunError(f"model {name}: {error}") from None

        inputs["statement"] = pulumi.Output.from_input(path).apply(over)
    return inputs


def _composed(
    name: str, args: Mapping[str, Any], path: pulumi.Input[str] | None
) -> Mapping[str, Any]:
    """Write the statement, of the inputs that say what it is."""
    for key in ("model_id", "connection"):
        if key not in args:
            raise pulumi.RunError(f"model {name}: give {key}, or a statement that says it")
    for key in _WITH_STATEMENT:
        if key in args:
            raise pulumi.RunError(f"model {name}: {key} goes with a statement, which trains")
    for reason in input_problems(args.keys()):
        raise pulumi.RunError(f"model {name}: {reason}")

    def statement(known: Mapping[str, Any]) -> str:
        try:
            return remote_model_statement(
                args["model_id"],
                inputs=args.get("inputs", {}),
                outputs=args.get("outputs", {}),
                options=args.get("options", {}),
                **known,
            )
        except ValueError as error:
            raise pulumi.RunError(f"model {name}: {error}") from None

    values = {key: args[key] for key in OPTIONS.values() if key in args}
    return {
        "model_id": args["model_id"],
        "statement": pulumi.Output.all(connection=path, **values).apply(statement),
    }
