"""Labels: the program's, the provider's, Pulumi's, and other people's."""

import pytest

from localcloud.plugin import labels
from localcloud.plugin.configuration import Configuration

OURS = {"goog-pulumi-provisioned": "true"}


def test_a_new_resource_gets_the_default_labels_and_the_attribution() -> None:
    planned = labels.planned({"labels": {"a": "1"}}, None, Configuration(default_labels={"b": "2"}))

    whole = {"a": "1", "b": "2", **OURS}
    assert planned == {"labels": {"a": "1"}, "pulumiLabels": whole, "effectiveLabels": whole}


def test_a_label_of_the_program_wins_over_the_default() -> None:
    planned = labels.planned({"labels": {"a": "1"}}, None, Configuration(default_labels={"a": "2"}))

    assert planned["effectiveLabels"] == {"a": "1", **OURS}


def test_labels_of_others_are_kept() -> None:
    state = {
        "labels": {"a": "1"},
        "pulumiLabels": {"a": "1", **OURS},
        "effectiveLabels": {"a": "1", "others": "x", **OURS},
    }

    planned = labels.planned({"labels": {"c": "3"}}, state, Configuration())

    assert planned["effectiveLabels"] == {"c": "3", "others": "x", **OURS}


@pytest.mark.parametrize(
    ("configuration", "attributed"),
    [(Configuration(), False), (Configuration(attribution_on_update=True), True)],
)
def test_a_resource_that_pulumi_did_not_make_is_attributed_only_when_asked(
    configuration: Configuration, attributed: bool
) -> None:
    planned = labels.planned({}, {"pulumiLabels": {}, "effectiveLabels": {}}, configuration)

    assert (planned["effectiveLabels"] == OURS) is attributed


def test_what_is_found_is_told_apart_by_whose_it_was() -> None:
    state = {"labels": {"a": "1", "gone": "1"}, "pulumiLabels": {"a": "1", "gone": "1", **OURS}}

    found = labels.found({"a": "drifted", "others": "x", **OURS}, state)

    assert found == {
        "labels": {"a": "drifted"},
        "pulumiLabels": {"a": "drifted", **OURS},
        "effectiveLabels": {"a": "drifted", "others": "x", **OURS},
    }
