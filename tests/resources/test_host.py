import asyncio
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from bqvertex.clients.errors import CloudError, JobFailed, NotFound, Unavailable
from bqvertex.clients.settings import CloudSettings
from bqvertex.providers.lifecycle import Bag, Change, Checked, Created, Failure, Lifecycle, Live
from bqvertex.resources.host import DynamicHost
from bqvertex.specs.unknown import UNKNOWN, holds_unknown
from google.protobuf import json_format, struct_pb2
from hypothesis import given
from hypothesis import strategies as st
from pulumi.dynamic import Config, ConfigureRequest
from pulumi.runtime import rpc

PICKLED = {"__provider": "gASV"}
NOTHING = Change(False)
LIVE = Live(inputs={"size": 2}, outs={"size": 2, "etag": "b"})


@dataclass
class Recorder:
    """A lifecycle that keeps what it is given and answers what it is told to."""

    live: Live | None = None
    change: Change = NOTHING
    failures: tuple[Failure, ...] = ()
    error: Exception | None = None
    seen: list[Any] = field(default_factory=list)

    def check(self, olds: Bag, news: Bag) -> Checked:
        self.note(olds, news)
        return Checked(news, self.failures)

    def diff(self, id: str, olds: Bag, news: Bag) -> Change:
        self.note(olds, news)
        return self.change

    def create(self, inputs: Bag) -> Created:
        self.note(inputs)
        return Created("new", {**inputs, "etag": "a"})

    def read(self, id: str, state: Bag) -> Live | None:
        self.note(state)
        return self.live

    def update(self, id: str, olds: Bag, news: Bag) -> Bag:
        self.note(olds, news)
        return {**news, "etag": "b"}

    def delete(self, id: str, state: Bag) -> None:
        self.note(state)

    def note(self, *bags: Bag) -> None:
        self.seen += bags
        if self.error is not None:
            try:
                raise OSError("connection refused")
            except OSError as cause:
                raise self.error from cause


class Host(DynamicHost):
    def __init__(self, lifecycle: Lifecycle) -> None:
        super().__init__()
        self.served = lifecycle
        self.settings: list[CloudSettings] = []

    def lifecycle(self, settings: CloudSettings) -> Lifecycle:
        self.settings.append(settings)
        return self.served


CALLS: dict[str, Callable[[DynamicHost], object]] = {
    "check": lambda host: host.check({"old": 1, **PICKLED}, {"new": 1, **PICKLED}),
    "diff": lambda host: host.diff("id", {"old": 1, **PICKLED}, {"new": 1, **PICKLED}),
    "create": lambda host: host.create({"new": 1, **PICKLED}),
    "read": lambda host: host.read("id", {"old": 1, **PICKLED}),
    "update": lambda host: host.update("id", {"old": 1, **PICKLED}, {"new": 1, **PICKLED}),
    "delete": lambda host: host.delete("id", {"old": 1, **PICKLED}),
}
REACHES_GOOGLE = ("create", "read", "update", "delete")


@pytest.fixture(autouse=True)
def tracebacks(monkeypatch):
    """Give the tests' own tracebacks back: the host takes them from the whole process."""
    monkeypatch.setattr(sys, "tracebacklimit", 1000, raising=False)


def hosted(lifecycle: Lifecycle, **config: str) -> Host:
    """Serve a lifecycle as the SDK's dynamic server does."""
    host = Host(lifecycle)
    keys = {f"bqvertex:{key}": value for key, value in config.items()}
    host.configure(ConfigureRequest(Config(keys, "bqvertex")))
    return host


def sent(bag: dict[str, Any]) -> dict[str, Any]:
    """What the SDK hands on when the engine sends a bag, its own unknowns in it."""
    message = struct_pb2.Struct()
    message.update(bag)
    return rpc.deserialize_properties(message, keep_unknowns=True)


def answered(bag: dict[str, Any]) -> dict[str, Any]:
    """What the engine receives when the SDK sends a bag."""
    return json_format.MessageToDict(asyncio.run(rpc.serialize_properties(bag, {})))


def test_unknown_values_reach_a_lifecycle_as_its_own_at_any_depth():
    lifecycle = Recorder()
    news = {"a": rpc.UNKNOWN, "list": ["x", rpc.UNKNOWN], "map": {"in": [{"b": rpc.UNKNOWN}]}}

    hosted(lifecycle).check({}, sent(news))

    assert lifecycle.seen[-1] == {
        "a": UNKNOWN,
        "list": ["x", UNKNOWN],
        "map": {"in": [{"b": UNKNOWN}]},
    }


def test_unknown_values_of_a_diff_reach_a_lifecycle_as_its_own():
    lifecycle = Recorder()

    hosted(lifecycle).diff("id", sent({"a": "old"}), sent({"a": [rpc.UNKNOWN]}))

    assert lifecycle.seen == [{"a": "old"}, {"a": [UNKNOWN]}]


# A number of the engine is a double: whole ones come back as such.
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text() | st.just(rpc.UNKNOWN),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.text(min_size=1).filter(lambda name: name != "__provider")


@given(st.dictionaries(NAMES, VALUES.filter(lambda value: value is not None), max_size=4))
def test_inputs_that_a_check_leaves_alone_go_back_to_the_engine_as_they_came(bag):
    lifecycle = Recorder()

    checked = hosted(lifecycle).check({}, sent(bag))

    assert holds_unknown(lifecycle.seen[-1]) == (rpc.UNKNOWN in str(bag))
    assert answered(checked.inputs) == answered(sent(bag))


@pytest.mark.parametrize("call", CALLS)
def test_the_pickled_provider_never_reaches_a_lifecycle(call):
    lifecycle = Recorder(live=LIVE)

    CALLS[call](hosted(lifecycle))

    assert lifecycle.seen != []
    assert [bag for bag in lifecycle.seen if bag not in ({"old": 1}, {"new": 1})] == []


@pytest.mark.parametrize("call", REACHES_GOOGLE)
@pytest.mark.parametrize(
    ("error", "kind"), [(Unavailable, "Unavailable"), (JobFailed, "JobFailed")]
)
def test_an_error_is_one_sentence_without_its_causes(call, error, kind):
    host = hosted(Recorder(error=error("dataset d: nobody answers; start the local cloud")))

    with pytest.raises(error) as raised:
        CALLS[call](host)

    # The text that the SDK's dynamic server sends to the terminal.
    assert "".join(traceback.format_exception(raised.value)) == (
        f"bqvertex.clients.errors.{kind}: dataset d: nobody answers; start the local cloud\n"
    )


@pytest.mark.parametrize("call", CALLS)
def test_a_defect_keeps_its_cause(call):
    host = hosted(Recorder(error=KeyError("model_id")))

    with pytest.raises(KeyError) as raised:
        CALLS[call](host)

    assert "connection refused" in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("error", [NotFound, CloudError])
def test_a_read_that_fails_is_not_taken_as_gone(error):
    host = hosted(Recorder(error=error("model m: 503")))

    with pytest.raises(error):
        host.read("id", {"size": 1})


def test_a_gone_resource_has_no_id():
    found = hosted(Recorder(live=None)).read("id", {"size": 1, **PICKLED})

    # Without an id the engine takes it out of the state; `None` would be an error of the SDK.
    assert (found.id, found.outs) == ("", {})


def test_a_live_resource_is_read_with_the_inputs_that_would_make_it():
    found = hosted(Recorder(live=LIVE)).read("id", {"size": 1, **PICKLED})

    assert (found.id, found.inputs, found.outs) == ("id", {"size": 2}, {"size": 2, "etag": "b"})


def test_what_the_sdk_adds_to_an_answer_stays_out_of_the_lifecycles_own():
    state: Bag = {"size": 1}
    lifecycle = Recorder(live=Live(inputs=state, outs=state))
    host = hosted(lifecycle)

    found = host.read("id", {})
    found.outs.update(PICKLED)
    found.inputs.update(PICKLED)

    assert state == {"size": 1}


def test_created_and_updated_resources_have_their_whole_state():
    host = hosted(Recorder())

    created = host.create({"size": 1, **PICKLED})
    updated = host.update("new", created.outs, {"size": 2, **PICKLED})

    assert (created.id, created.outs) == ("new", {"size": 1, "etag": "a"})
    assert updated.outs == {"size": 2, "etag": "b"}


def test_every_wrong_input_is_told_by_its_name():
    wrong = (Failure("size", "is 0: use 1 or more"), Failure("name", "is empty"))

    checked = hosted(Recorder(failures=wrong)).check({}, {"size": 0})

    assert [(f.property, f.reason) for f in checked.failures] == [
        ("size", "is 0: use 1 or more"),
        ("name", "is empty"),
    ]


def test_what_a_change_means_is_told_to_the_engine():
    change = Change(True, replaces=("project", "location"), delete_before_replace=True)

    told = hosted(Recorder(change=change)).diff("id", {}, {})

    assert (told.changes, told.replaces, told.delete_before_replace) == (
        True,
        ["project", "location"],
        True,
    )


def test_no_change_is_said_and_not_left_open():
    told = hosted(Recorder(change=Change(False))).diff("id", {}, {})

    # `None` would be "cannot say", which the engine shows as a change.
    assert told.changes is False


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (Change(True, reason="trains anew: TRANSFORM changed"), ["trains anew: TRANSFORM changed"]),
        (Change(False, reason="nothing happens"), []),
        (Change(True), []),
    ],
)
def test_what_a_change_costs_is_told_to_who_runs_the_engine(monkeypatch, change, told):
    said: list[str] = []
    monkeypatch.setattr("bqvertex.resources.host.tell_of_resource", said.append)

    hosted(Recorder(change=change)).diff("id", {}, {})

    assert said == told


@pytest.mark.parametrize(
    ("config", "endpoint"),
    [
        ({}, None),
        ({"api_endpoint": ""}, None),
        ({"api_endpoint": "http://127.0.0.1:1/"}, "http://127.0.0.1:1"),
    ],
)
def test_the_stacks_config_says_where_google_is(config, endpoint):
    host = hosted(Recorder(), **config)

    assert host.settings == [CloudSettings(endpoint)]
