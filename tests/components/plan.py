"""What a program declares, under Pulumi's mocks."""

import asyncio
from collections.abc import Callable
from typing import Any

import pulumi
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.proto import resource_pb2

DATASET = "gcp:bigquery/dataset:Dataset"
TABLE = "gcp:bigquery/table:Table"
CONNECTION = "gcp:bigquery/connection:Connection"
GRANT = "gcp:projects/iAMMember:IAMMember"
SEED_TABLE = "pulumi-python:dynamic/bqvertex:SeedTable"
MODEL = "pulumi-python:dynamic/bqvertex:Model"
ACCOUNT = "bqcx-1-ab@gcp-sa-bigquery-condel.iam.gserviceaccount.com"

# What Google computes, by type; what the lifecycles derive in `check` is not run under mocks.
COMPUTED: dict[str, dict[str, Any]] = {
    CONNECTION: {"cloudResource": {"serviceAccountId": ACCOUNT}},
    SEED_TABLE: {"content_hash": "c0ffee"},
    MODEL: {"definition_hash": "beef", "evaluation_metrics": {"accuracy": 0.75}},
}


class Plan(pulumi.runtime.Mocks):
    """Every registration, in order: a resource is registered after all that it waits for."""

    def __init__(self) -> None:
        self.registered: list[tuple[str, str, dict[str, Any]]] = []
        self.requests: list[resource_pb2.RegisterResourceRequest] = []

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        inputs = {key: value for key, value in args.inputs.items() if key != "__provider"}
        self.registered.append((args.typ, args.name, inputs))
        return f"{args.name}-id", {**inputs, **COMPUTED.get(args.typ, {})}

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:
        raise AssertionError(f"a component looked up {args.token}")

    def inputs(self, typ: str, name: str) -> dict[str, Any]:
        (found,) = (i for t, n, i in self.registered if (t, n) == (typ, name))
        return found

    def place(self, typ: str, name: str) -> int:
        return [(t, n) for t, n, _ in self.registered].index((typ, name))


class Monitor(MockMonitor):
    """Also keeps what mocks are not told, such as dependencies and protection."""

    mocks: Plan

    def RegisterResource(  # noqa: N802
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        self.mocks.requests.append(request)
        return super().RegisterResource(request)


def planned(program: Callable[[], object], *, preview: bool = False) -> Plan:
    """Run a program to its end.

    Args:
        program: The program; a lambda will do.
        preview: Whether it runs as in `pulumi preview`, where nothing is made.

    Returns:
        What it declared; outputs of the components are checked inside the program.
    """
    plan = Plan()
    # Pulumi wants one that is there already; `asyncio.run`, in another test, takes it away.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    # `run` raises what goes wrong; the futures that nobody waits for would print it again.
    loop.set_exception_handler(lambda *_: None)
    pulumi.runtime.set_mocks(
        plan, project="proj", stack="test", preview=preview, monitor=Monitor(plan)
    )

    @pulumi.runtime.test
    def run() -> object:
        return program()

    try:
        run()
    finally:
        loop.close()
    return plan
