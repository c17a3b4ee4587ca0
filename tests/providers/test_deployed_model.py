import contextlib
from typing import Any

import pytest
from bqvertex.clients.errors import FailedPrecondition, NotFound, Unavailable
from bqvertex.providers.deployed_model import DeployedModelLifecycle
from bqvertex.specs.deployed_model import DEFINITION, IDENTITY, METADATA
from bqvertex.specs.unknown import UNKNOWN

from tests.fakes_vertex import FakeEndpoints, FakeModelRegistry, Outage

ENDPOINT = "projects/acme/locations/europe-west4/endpoints/1234567890"
MODEL = "projects/acme/locations/europe-west4/models/arrival_delay"


class Cloud:
    """An endpoint, a registry with one version, and lifecycles on them."""

    def __init__(self) -> None:
        self.endpoints = FakeEndpoints(ENDPOINT)
        self.registry = FakeModelRegistry()
        self.registry.add(MODEL)

    def lifecycle(self, outage: Outage | None = None) -> DeployedModelLifecycle:
        if outage is None:
            return DeployedModelLifecycle(self.endpoints, self.registry)
        return DeployedModelLifecycle(outage.wrap(self.endpoints), outage.wrap(self.registry))

    def retrain(self) -> None:
        self.registry.retire(MODEL, self.registry.versions[MODEL][0].version_id)
        self.registry.add(MODEL)

    def seen(self) -> list[tuple[str, str, int, int]]:
        """Name, version, nodes at most and traffic of each deployed model."""
        live = self.endpoints.get(ENDPOINT)
        return sorted(
            (
                one.display_name,
                one.model_version_id,
                one.max_replica_count,
                live.traffic.get(one.id, 0),
            )
            for one in live.deployments
        )


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


def inputs(**changes: Any) -> dict[str, Any]:
    news = {
        "project": "acme",
        "location": "europe-west4",
        "endpoint_id": "1234567890",
        "display_name": "champion",
        "model": MODEL,
        "definition_hash": "one",
        "machine_type": "n1-standard-2",
        "traffic_split": {"champion": 100.0},
    } | changes
    checked = Cloud().lifecycle().check({}, news)
    assert checked.failures == ()
    return checked.inputs


def test_create_deploys_with_all_traffic(cloud):
    created = cloud.lifecycle().create(inputs())

    deployed = cloud.endpoints.get(ENDPOINT).deployments[0]
    assert created.id == f"{ENDPOINT}/deployedModels/champion"
    assert created.outs == inputs() | {
        "endpoint": ENDPOINT,
        "deployed_model_id": deployed.id,
        "model_version_id": "1",
        "traffic_percent": 100,
    }
    assert cloud.seen() == [("champion", "1", 1, 100)]


def test_a_second_deployed_model_takes_its_share_and_no_more(cloud):
    split = {"champion": 90, "challenger": 10}

    cloud.lifecycle().create(inputs(traffic_split=split))
    first = cloud.seen()
    cloud.lifecycle().create(inputs(display_name="challenger", traffic_split=split))

    assert first == [("champion", "1", 1, 100)]
    assert cloud.seen() == [("challenger", "1", 1, 10), ("champion", "1", 1, 90)]


def test_a_retrain_deploys_the_new_version_before_the_old_one_goes(cloud):
    olds = cloud.lifecycle().create(inputs()).outs
    cloud.retrain()
    cloud.endpoints.calls.clear()

    outs = cloud.lifecycle().update("", olds, inputs(definition_hash="two"))

    assert [call[0] for call in cloud.endpoints.calls] == ["deploy", "undeploy"]
    assert cloud.seen() == [("champion", "2", 1, 100)]
    assert cloud.endpoints.gaps == []
    assert outs["model_version_id"] == "2"
    assert outs["deployed_model_id"] != olds["deployed_model_id"]


def test_another_machine_type_deploys_anew(cloud):
    olds = cloud.lifecycle().create(inputs()).outs

    cloud.lifecycle().update("", olds, inputs(machine_type="n1-highmem-4"))

    live = cloud.endpoints.get(ENDPOINT)
    assert [one.machine_type for one in live.deployments] == ["n1-highmem-4"]
    assert cloud.endpoints.gaps == []


def test_other_replica_counts_deploy_nothing(cloud):
    olds = cloud.lifecycle().create(inputs()).outs
    cloud.endpoints.calls.clear()

    cloud.lifecycle().update("", olds, inputs(max_replica_count=3.0))

    assert cloud.endpoints.calls == [("mutate_replicas", 1, 3)]


def test_another_split_deploys_nothing_and_is_set_once(cloud):
    split = {"champion": 90, "challenger": 10}
    names = ("champion", "challenger")
    olds = {
        name: cloud.lifecycle().create(inputs(display_name=name, traffic_split=split)).outs
        for name in names
    }
    cloud.endpoints.calls.clear()

    for name in names:
        news = inputs(display_name=name, traffic_split={"champion": 50, "challenger": 50})
        cloud.lifecycle().update("", olds[name], news)

    assert [call[0] for call in cloud.endpoints.calls] == ["set_traffic"]
    assert [seen[3] for seen in cloud.seen()] == [50, 50]


def test_one_that_is_no_longer_declared_gives_up_its_traffic_before_it_goes(cloud):
    split = {"champion": 90, "challenger": 10}
    champion = cloud.lifecycle().create(inputs(traffic_split=split)).outs
    news = inputs(display_name="challenger", traffic_split=split)
    challenger = cloud.lifecycle().create(news)

    cloud.lifecycle().update("", champion, inputs())
    cloud.lifecycle().delete(challenger.id, challenger.outs)

    assert cloud.seen() == [("champion", "1", 1, 100)]
    assert cloud.endpoints.gaps == []


def test_delete_hands_the_traffic_to_the_others(cloud):
    split = {"champion": 90, "challenger": 10}
    created = cloud.lifecycle().create(inputs(traffic_split=split))
    cloud.lifecycle().create(inputs(display_name="challenger", traffic_split=split))

    cloud.lifecycle().delete(created.id, created.outs)

    assert cloud.seen() == [("challenger", "1", 1, 100)]


@pytest.mark.parametrize("gone", ["deployment", "endpoint"])
def test_deleting_what_is_gone_is_success(cloud, gone):
    created = cloud.lifecycle().create(inputs())
    if gone == "endpoint":
        cloud.endpoints.endpoints.clear()
    else:
        cloud.lifecycle().delete(created.id, created.outs)

    cloud.lifecycle().delete(created.id, created.outs)


def test_a_stranger_with_traffic_keeps_it_and_is_named(cloud):
    cloud.endpoints.by_hand(
        ENDPOINT, "by-hand", "4611686018427387904", {"4611686018427387904": 100}
    )

    with pytest.raises(FailedPrecondition, match=r"'by-hand' \(4611686018427387904, 100 percent\)"):
        cloud.lifecycle().create(inputs())

    assert cloud.seen() == [("by-hand", "1", 1, 100)]


def test_a_stranger_of_a_declared_name_is_a_stranger(cloud):
    cloud.endpoints.by_hand(ENDPOINT, "champion", "42", {"42": 100})

    with pytest.raises(FailedPrecondition, match="did not make"):
        cloud.lifecycle().create(inputs())


def test_a_stranger_without_traffic_is_left_alone(cloud):
    cloud.endpoints.by_hand(ENDPOINT, "by-hand", "42", {})

    cloud.lifecycle().create(inputs())

    assert cloud.seen() == [("by-hand", "1", 1, 0), ("champion", "1", 1, 100)]


def test_a_deployment_that_still_runs_is_waited_for_and_not_made_twice(cloud):
    cloud.lifecycle().create(inputs())
    done = cloud.endpoints.get(ENDPOINT)
    empty = FakeEndpoints(ENDPOINT)
    empty.begun[ENDPOINT] = [(done.deployments[0], done.traffic)]
    cloud.endpoints = empty

    cloud.lifecycle().create(inputs())

    assert [call[0] for call in cloud.endpoints.calls] == ["deploy"]
    assert cloud.seen() == [("champion", "1", 1, 100)]


def test_deleting_waits_for_a_deployment_that_still_runs(cloud):
    created = cloud.lifecycle().create(inputs())
    done = cloud.endpoints.get(ENDPOINT)
    cloud.endpoints = FakeEndpoints(ENDPOINT)
    cloud.endpoints.begun[ENDPOINT] = [(done.deployments[0], done.traffic)]

    cloud.lifecycle().delete(created.id, created.outs)

    assert cloud.seen() == []


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(8))
def test_a_create_broken_off_at_any_call_is_finished_by_the_next(cloud, at, after):
    outage = Outage(at, after)
    with contextlib.suppress(Unavailable):
        cloud.lifecycle(outage).create(inputs())

    cloud.lifecycle().create(inputs())

    assert cloud.seen() == [("champion", "1", 1, 100)]
    assert [call[0] for call in cloud.endpoints.calls].count("deploy") == 1


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(12))
def test_an_update_broken_off_at_any_call_is_finished_by_the_next(cloud, at, after):
    split = {"champion": 90, "challenger": 10}
    olds = cloud.lifecycle().create(inputs(traffic_split=split)).outs
    cloud.lifecycle().create(inputs(display_name="challenger", traffic_split=split))
    cloud.retrain()
    news = inputs(
        definition_hash="two", traffic_split={"champion": 30, "challenger": 70}, max_replica_count=2
    )
    outage = Outage(at, after)
    with contextlib.suppress(Unavailable):
        cloud.lifecycle(outage).update("", olds, news)

    cloud.lifecycle().update("", olds, news)

    assert cloud.seen() == [("challenger", "1", 1, 70), ("champion", "2", 2, 30)]
    assert cloud.endpoints.gaps == []
    assert [call[0] for call in cloud.endpoints.calls].count("deploy") == 3


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(6))
def test_a_delete_broken_off_at_any_call_is_finished_by_the_next(cloud, at, after):
    split = {"champion": 90, "challenger": 10}
    created = cloud.lifecycle().create(inputs(traffic_split=split))
    cloud.lifecycle().create(inputs(display_name="challenger", traffic_split=split))
    outage = Outage(at, after)
    with contextlib.suppress(Unavailable):
        cloud.lifecycle(outage).delete(created.id, created.outs)

    cloud.lifecycle().delete(created.id, created.outs)

    assert cloud.seen() == [("challenger", "1", 1, 100)]


def test_the_fault_tables_reach_past_the_last_call(cloud):
    outages = [Outage(8, False), Outage(12, False), Outage(6, False)]
    created = cloud.lifecycle(outages[0]).create(inputs())
    cloud.retrain()

    news = inputs(definition_hash="two", max_replica_count=2)
    outs = cloud.lifecycle(outages[1]).update(created.id, created.outs, news)
    cloud.lifecycle(outages[2]).delete(created.id, outs)

    assert [outage.happened for outage in outages] == [False, False, False]


def test_read_after_create_shows_no_difference(cloud):
    created = cloud.lifecycle().create(inputs())

    live = cloud.lifecycle().read(created.id, created.outs)

    assert live.outs == created.outs
    assert live.inputs == inputs()


def test_another_deployed_model_that_comes_later_is_no_difference(cloud):
    split = {"champion": 90, "challenger": 10}
    created = cloud.lifecycle().create(inputs(traffic_split=split))
    cloud.lifecycle().create(inputs(display_name="challenger", traffic_split=split))

    live = cloud.lifecycle().read(created.id, created.outs)

    assert live.outs == created.outs


def test_read_shows_traffic_and_replicas_changed_by_hand(cloud):
    split = {"champion": 90, "challenger": 10}
    created = cloud.lifecycle().create(inputs(traffic_split=split))
    cloud.lifecycle().create(inputs(display_name="challenger", traffic_split=split))
    champion, challenger = cloud.endpoints.get(ENDPOINT).deployments
    cloud.endpoints.set_traffic(ENDPOINT, {champion.id: 60, challenger.id: 40})

    live = cloud.lifecycle().read(created.id, created.outs)

    assert live.inputs["traffic_split"] == {"champion": 60, "challenger": 40}
    assert live.outs["traffic_percent"] == 60
    assert cloud.lifecycle().diff("", live.outs, inputs(traffic_split=split)).changes


@pytest.mark.parametrize("gone", ["deployment", "endpoint"])
def test_read_finds_what_is_gone_gone(cloud, gone):
    created = cloud.lifecycle().create(inputs())
    cloud.endpoints = FakeEndpoints(*([ENDPOINT] if gone == "deployment" else []))

    assert cloud.lifecycle().read(created.id, created.outs) is None


def test_a_read_that_fails_is_no_answer(cloud):
    created = cloud.lifecycle().create(inputs())

    with pytest.raises(Unavailable):
        cloud.lifecycle(Outage(0, False)).read(created.id, created.outs)


def test_a_missing_version_is_an_error(cloud):
    with pytest.raises(NotFound, match="arrival_delay@challenger"):
        cloud.lifecycle().create(inputs(version_alias="challenger"))


@pytest.mark.parametrize("name", sorted(IDENTITY | DEFINITION | METADATA))
def test_a_changed_input_costs_what_its_group_says(cloud, name):
    other: Any = {
        "disable_explanations": True,
        "min_replica_count": 2,
        "max_replica_count": 5,
        "traffic_split": {"champion": 50, "b": 50},
    }.get(name, "other")

    change = cloud.lifecycle().diff("", inputs(), inputs() | {name: other})

    assert change.changes
    assert change.replaces == ((name,) if name in IDENTITY else ())
    assert f": {name} " in change.reason


def test_numbers_as_floats_and_left_out_defaults_change_nothing(cloud):
    olds = {k: v for k, v in inputs().items() if k not in ("version_alias", "min_replica_count")}

    change = cloud.lifecycle().diff("", olds, inputs(min_replica_count=1.0))

    assert not change.changes


def test_an_unknown_input_is_a_change(cloud):
    change = cloud.lifecycle().diff("", inputs(), inputs() | {"definition_hash": UNKNOWN})

    assert change.changes
    assert change.replaces == ()
