"""Sentences that go to an engine's Log call, over real gRPC."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from bqvertex.resources import engine, progress
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import engine_pb2_grpc

URN = "urn:pulumi:dev::stack::pulumi-python:dynamic/bqvertex:Model::late"


class Engine(engine_pb2_grpc.EngineServicer):
    """Keeps what it is told: message, URN, whether it is in passing."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, bool]] = []

    def Log(self, request: Any, context: Any) -> Empty:  # noqa: N802
        self.told.append((request.message, request.urn, request.ephemeral))
        return Empty()


@pytest.fixture(autouse=True)
def forgotten(monkeypatch) -> None:
    """A process of its own for each test."""
    monkeypatch.setattr(engine, "_told", set())
    monkeypatch.setattr(progress, "_last", {})
    engine._engine.cache_clear()


@pytest.fixture
def told(monkeypatch) -> Iterator[list[tuple[str, str, bool]]]:
    servicer = Engine()
    server = grpc.server(ThreadPoolExecutor(max_workers=1))
    engine_pb2_grpc.add_EngineServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    monkeypatch.setattr(sys, "argv", ["dynamic", f"127.0.0.1:{port}"])
    yield servicer.told
    server.stop(0).wait()


def served(call: Any, *arguments: Any, urn: str = URN) -> None:
    """Call something as the SDK's server does for a resource."""

    def serve(request: Any) -> None:
        call(*arguments)

    serve(SimpleNamespace(urn=urn))


def test_a_sentence_names_its_resource(told):
    served(engine.tell_of_resource, "trains anew")

    assert told == [("late: trains anew", URN, False)]


def test_a_sentence_is_told_once_in_a_run(told):
    served(engine.tell_of_resource, "trains anew")
    served(engine.tell_of_resource, "trains anew")
    served(engine.tell_of_resource, "trains anew", urn=URN + "-too")

    assert [message for message, _, _ in told] == ["late: trains anew", "late-too: trains anew"]


def test_without_an_engine_the_terminal_is_told(monkeypatch, capfd):
    monkeypatch.setattr(sys, "argv", ["dynamic"])

    served(engine.tell_of_resource, "trains anew")

    assert capfd.readouterr().err == "late: trains anew\n"


def test_an_engine_that_is_gone_does_no_harm(monkeypatch, capfd):
    monkeypatch.setattr(sys, "argv", ["dynamic", "127.0.0.1:1"])

    served(engine.tell_of_resource, "trains anew")

    assert "late: trains anew" in capfd.readouterr().err


def test_progress_is_told_in_passing_and_not_more_often_than_every_few_seconds(told, monkeypatch):
    clock = iter([0.0, 1.0, 5.5, 6.0, 11.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))

    for iteration in range(5):
        served(progress.report, f"model a.b.c: training, iteration {iteration}")

    assert told == [
        ("model a.b.c: training, iteration 2", URN, True),
        ("model a.b.c: training, iteration 4", URN, True),
    ]
