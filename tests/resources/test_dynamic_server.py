import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from types import ModuleType, SimpleNamespace

import grpc._server
import pytest
from bqvertex.resources import dynamic_server
from bqvertex.resources.dynamic_server import AT_A_TIME, WAITING_CALLS, prepare, urn_of_call


def server(*calls: str) -> type:
    """A servicer as the SDK's, with these calls."""

    def serve(self, request, context):
        return request

    # Each call needs a function of its own: the pool is an attribute of the function.
    functions = {
        call: type(serve)(serve.__code__, serve.__globals__, call) for call in (*calls, "Diff")
    }
    return type("DynamicResourceProviderServicer", (), functions)


@pytest.fixture
def main(monkeypatch) -> ModuleType:
    """The module that the SDK's server runs as."""
    made = ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", made)
    return made


def pool_of(servicer: type, call: str) -> ThreadPoolExecutor | None:
    """The executor that grpcio takes for a call; None: its own, of four threads."""
    return grpc._server._select_thread_pool_for_behavior(getattr(servicer(), call), None)


def test_calls_that_wait_for_google_get_threads_of_their_own(main):
    main.DynamicResourceProviderServicer = server(*WAITING_CALLS, "Cancel")

    prepare(cancelled=lambda: None)

    pools = {pool_of(main.DynamicResourceProviderServicer, call) for call in WAITING_CALLS}
    (pool,) = pools
    assert pool._max_workers == AT_A_TIME
    assert pool_of(main.DynamicResourceProviderServicer, "Diff") is None


def test_a_second_provider_in_the_process_changes_nothing(main):
    main.DynamicResourceProviderServicer = server(*WAITING_CALLS, "Cancel")
    prepare(cancelled=lambda: None)
    before = pool_of(main.DynamicResourceProviderServicer, "Create")

    prepare(cancelled=lambda: None)

    assert pool_of(main.DynamicResourceProviderServicer, "Create") is before


def test_a_cancelled_run_is_heard_of_before_the_call_is_answered(main):
    main.DynamicResourceProviderServicer = server(*WAITING_CALLS, "Cancel")
    heard = threading.Event()
    prepare(cancelled=heard.set)

    pool = pool_of(main.DynamicResourceProviderServicer, "Cancel")
    assert pool is not None
    answered: Future[bool] = pool.submit(heard.is_set)

    assert answered.result(timeout=10) is True


def test_without_the_sdks_server_nothing_happens(main):
    prepare(cancelled=lambda: None)

    assert vars(main).get("DynamicResourceProviderServicer") is None


def test_a_server_that_lost_its_calls_keeps_its_four_threads(main):
    main.DynamicResourceProviderServicer = server("Create")

    prepare(cancelled=lambda: None)

    assert pool_of(main.DynamicResourceProviderServicer, "Create") is not None
    assert not hasattr(main.DynamicResourceProviderServicer, "Cancel")


def test_the_resource_is_that_of_the_call_being_served():
    def serve(request):
        return provider()

    def provider():
        return urn_of_call()

    assert serve(SimpleNamespace(urn="urn:pulumi:dev::p::t::late")) == "urn:pulumi:dev::p::t::late"


def test_outside_a_call_there_is_no_resource():
    found = []
    thread = threading.Thread(target=lambda: found.append(urn_of_call()))
    thread.start()
    thread.join()

    assert found == [""]


@pytest.mark.parametrize(
    ("argv", "address"),
    [
        (["main.py", "127.0.0.1:36251"], "127.0.0.1:36251"),
        (["main.py"], ""),
        (["main.py", "-k"], ""),
        (["main.py", "127.0.0.1:1", "more"], ""),
    ],
)
def test_the_engine_listens_where_the_server_was_told(monkeypatch, argv, address):
    monkeypatch.setattr(sys, "argv", argv)

    assert dynamic_server.engine_address() == address
