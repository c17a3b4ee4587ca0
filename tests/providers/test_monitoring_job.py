import contextlib
from typing import Any

import pytest
from bqvertex.clients.errors import AlreadyExists, JobFailed, NotFound, Unavailable
from bqvertex.providers.monitoring_job import MonitoringJobLifecycle
from bqvertex.specs.monitoring_job import DEFINITION, IDENTITY, METADATA

from tests.fakes_vertex import FakeModelMonitors, FakeModelRegistry, Outage

MODEL = "projects/acme/locations/europe-west4/models/arrival_delay"
MONITOR = "projects/acme/locations/europe-west4/modelMonitors/arrival-delay"


class Cloud:
    """Model Monitoring, and a registry with one version."""

    def __init__(self) -> None:
        self.monitors = FakeModelMonitors()
        self.monitors.distances = {"origin": 0.5, "temperature": 0.25}
        self.registry = FakeModelRegistry()
        self.registry.add(MODEL)

    def lifecycle(self, outage: Outage | None = None) -> MonitoringJobLifecycle:
        if outage is None:
            return MonitoringJobLifecycle(self.monitors, self.registry)
        return MonitoringJobLifecycle(outage.wrap(self.monitors), outage.wrap(self.registry))

    def runs(self) -> int:
        return sum(call[0] == "run" for call in self.monitors.calls)


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


def inputs(**changes: Any) -> dict[str, Any]:
    news = {
        "project": "acme",
        "location": "europe-west4",
        "model_monitor_id": "arrival-delay",
        "model": MODEL,
        "dataset_id": "flights",
        "baseline": {"table": "acme.flights.january_to_june"},
        "target": {"query": "SELECT origin, temperature FROM `acme.flights.july_to_december`"},
        "features": {
            "origin": {"type": "categorical"},
            "temperature": {"type": "numerical", "threshold": 0.2},
        },
        "definition_hash": "one",
        "notification_emails": ["b@acme.example", "a@acme.example"],
    } | changes
    checked = Cloud().lifecycle().check({}, news)
    assert checked.failures == ()
    return checked.inputs


def test_create_runs_the_monitor_and_gives_its_results(cloud):
    created = cloud.lifecycle().create(inputs())

    assert created.id == MONITOR
    assert {name: created.outs[name] for name in ("state", "drift", "anomalies")} == {
        "state": "JOB_STATE_SUCCEEDED",
        "drift": {"origin": 0.5, "temperature": 0.25},
        "anomalies": ["origin", "temperature"],
    }


def test_a_threshold_decides_what_is_an_anomaly(cloud):
    features = {
        "origin": {"type": "categorical", "threshold": 0.6},
        "temperature": {"type": "numerical"},
    }

    created = cloud.lifecycle().create(inputs(features=features))

    assert created.outs["anomalies"] == []


def test_a_run_that_fails_is_an_error_and_the_next_up_runs_again(cloud):
    cloud.monitors.ends_as = "JOB_STATE_FAILED"
    with pytest.raises(JobFailed, match="no such column: origin"):
        cloud.lifecycle().create(inputs())
    cloud.monitors.ends_as = "JOB_STATE_SUCCEEDED"

    created = cloud.lifecycle().create(inputs())

    assert created.outs["state"] == "JOB_STATE_SUCCEEDED"
    assert cloud.runs() == 2


@pytest.mark.parametrize("name", sorted(DEFINITION))
def test_a_changed_definition_runs_again(cloud, name):
    olds = cloud.lifecycle().create(inputs()).outs
    cloud.registry.merge_version_aliases(MODEL, "1", ["champion"])
    other: Any = {
        "baseline": {"table": "acme.flights.other"},
        "target": {"table": "acme.flights.other"},
        "features": {"origin": {"type": "categorical"}},
        "model_version_alias": "champion",
        "default_numerical_threshold": 0.1,
        "default_categorical_threshold": 0.1,
    }.get(name, "other")

    outs = cloud.lifecycle().update(MONITOR, olds, inputs(**{name: other}))

    assert cloud.runs() == 2
    assert outs["job_name"] != olds["job_name"]


def test_other_emails_run_nothing(cloud):
    olds = cloud.lifecycle().create(inputs()).outs

    outs = cloud.lifecycle().update(MONITOR, olds, inputs(notification_emails=[]))

    assert cloud.runs() == 1
    assert outs == olds | {"notification_emails": []}
    assert cloud.monitors.monitors[MONITOR]["notification_spec"] == {}


def test_a_monitor_of_another_model_is_not_taken_over(cloud):
    other = f"{MODEL}_other"
    cloud.registry.add(other)
    cloud.lifecycle().create(inputs(model=other))

    with pytest.raises(AlreadyExists, match="another model"):
        cloud.lifecycle().create(inputs())


def test_inputs_put_right_after_a_failed_create_are_what_counts(cloud):
    cloud.monitors.ends_as = "JOB_STATE_FAILED"
    with pytest.raises(JobFailed):
        cloud.lifecycle().create(inputs(features={"orgin": {"type": "categorical"}}))
    cloud.monitors.ends_as = "JOB_STATE_SUCCEEDED"

    created = cloud.lifecycle().create(inputs())

    assert cloud.lifecycle().read(created.id, created.outs).inputs == inputs()


def test_read_after_create_shows_no_difference(cloud):
    created = cloud.lifecycle().create(inputs())

    live = cloud.lifecycle().read(created.id, created.outs)

    assert live.outs == created.outs
    assert live.inputs == inputs()


def test_read_shows_a_threshold_changed_by_hand(cloud):
    created = cloud.lifecycle().create(inputs())
    body = cloud.monitors.monitors[MONITOR]["tabular_objective"]
    body["feature_drift_spec"]["feature_alert_conditions"]["origin"] = {"threshold": 0.9}

    live = cloud.lifecycle().read(created.id, created.outs)

    assert live.inputs["features"]["origin"] == {"type": "categorical", "threshold": 0.9}
    assert cloud.lifecycle().diff("", live.outs, inputs()).changes


def test_a_run_deleted_by_hand_is_made_again(cloud):
    created = cloud.lifecycle().create(inputs())
    cloud.monitors.jobs.clear()

    live = cloud.lifecycle().read(created.id, created.outs)
    outs = cloud.lifecycle().update(MONITOR, live.outs, inputs())

    assert cloud.lifecycle().diff("", live.outs, inputs()).changes
    assert outs == created.outs


def test_read_and_delete_find_what_is_gone_gone(cloud):
    created = cloud.lifecycle().create(inputs())
    cloud.lifecycle().delete(created.id, created.outs)

    cloud.lifecycle().delete(created.id, created.outs)

    assert cloud.lifecycle().read(created.id, created.outs) is None


def test_a_missing_model_is_an_error(cloud):
    with pytest.raises(NotFound, match="other@default"):
        cloud.lifecycle().create(inputs(model="other"))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(8))
def test_a_create_broken_off_at_any_call_is_finished_by_the_next(cloud, at, after):
    outage = Outage(at, after)
    with contextlib.suppress(Unavailable):
        cloud.lifecycle(outage).create(inputs())

    created = cloud.lifecycle().create(inputs())

    assert created.outs["anomalies"] == ["origin", "temperature"]
    assert cloud.runs() == 1


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(8))
def test_an_update_broken_off_at_any_call_is_finished_by_the_next(cloud, at, after):
    olds = cloud.lifecycle().create(inputs()).outs
    news = inputs(run_on=["2013-12"])
    outage = Outage(at, after)
    with contextlib.suppress(Unavailable):
        cloud.lifecycle(outage).update(MONITOR, olds, news)

    outs = cloud.lifecycle().update(MONITOR, olds, news)

    assert outs["anomalies"] == ["origin", "temperature"]
    assert cloud.runs() == 2


@pytest.mark.parametrize("name", sorted(IDENTITY | DEFINITION | METADATA))
def test_a_changed_input_costs_what_its_group_says(cloud, name):
    change = cloud.lifecycle().diff("", inputs(), inputs() | {name: ["other"]})

    assert change.changes
    assert change.replaces == ((name,) if name in IDENTITY else ())
    assert f": {name} " in change.reason


def test_for_another_model_the_old_monitor_goes_first(cloud):
    other_model = cloud.lifecycle().diff("", inputs(), inputs(model="other"))
    other_id = cloud.lifecycle().diff("", inputs(), inputs(model_monitor_id="other"))

    assert (other_model.delete_before_replace, other_id.delete_before_replace) == (True, False)


@pytest.mark.parametrize(
    ("change", "named", "said"),
    [
        ({"model_monitor_id": "Arrival_Delay"}, "model_monitor_id", "hyphens"),
        ({"baseline": None}, "baseline", "is required"),
        ({"baseline": {"table": "t", "query": "SELECT 1"}}, "baseline", "one of"),
        ({"target": {"table": "SELECT 1 FROM t"}}, "target", "project.dataset.table"),
        ({"features": {}}, "features", "at least one"),
        ({"features": {"origin": {"type": "text"}}}, "features", "numerical or categorical"),
        ({"features": {"o": {"type": "numerical", "limit": 1}}}, "features", "'limit'"),
        (
            {"features": {"o": {"type": "numerical", "threshold": 30}}},
            "features",
            "a number from 0 to 1",
        ),
        ({"default_numerical_threshold": "high"}, "default_numerical_threshold", "0 to 1"),
    ],
)
def test_a_wrong_input_is_named_with_the_value_and_what_is_allowed(cloud, change, named, said):
    checked = cloud.lifecycle().check({}, inputs() | change)

    assert any(f.property == named and said in f.reason for f in checked.failures)
