"""List filters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.discovery.document import load
from localcloud.discovery.filter import compile_filter
from localcloud.errors import ApiError

SCHEMA = load("aiplatform.v1").schema
MODEL = "GoogleCloudAiplatformV1Model"
RESOURCE = {
    "displayName": "delay model",
    "labels": {"env": "prod", "team": "a b"},
    "createTime": "2026-05-01T10:00:00.000000Z",
    "versionAliases": ["default", "champion"],
    "trafficSplit": {},
}


def accepts(text: str) -> bool:
    return compile_filter(text, SCHEMA, MODEL)(RESOURCE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        'display_name="delay model"',
        "displayName = 'delay model'",
        'display_name="delay*"',
        "display_name != other",
        'labels.env=prod AND labels.team="a b"',
        "labels.env:*",
        "labels:env",
        "labels.env:prod",
        "version_aliases:champion",
        'create_time > "2026-04-30T00:00:00Z"',
        'create_time <= "2026-05-01T12:00:00+02:00"',
        "NOT labels.env=dev",
        "labels.env=dev OR labels.env=prod",
        "(labels.env=dev OR labels.env=prod) AND display_name:delay",
        "labels.env=prod labels:team",
        # OR binds tighter than AND.
        "labels.env=dev OR labels.env=prod AND labels:team",
    ],
)
def test_a_matching_filter_accepts(text: str) -> None:
    assert accepts(text)


@pytest.mark.parametrize(
    "text",
    [
        'display_name="delay"',
        "labels.env=dev",
        "labels.nope:*",
        "version_aliases:v2",
        'create_time > "2026-05-02T00:00:00Z"',
        "NOT labels.env=prod",
        "labels.env=prod AND labels.env=dev",
        "labels.env=prod AND (labels.env=dev OR labels.env=test)",
    ],
)
def test_a_filter_that_does_not_match_rejects(text: str) -> None:
    assert not accepts(text)


@pytest.mark.parametrize(
    "text",
    [
        "nope=1",
        "display_name",
        "display_name=",
        "=x",
        "(display_name=a",
        "display_name=a)",
        "AND",
        'display_name="a',
        "display_name.x=1",
    ],
)
def test_a_filter_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ApiError, match="Invalid filter"):
        accepts(text)


@given(st.text(max_size=40))
def test_any_text_is_a_filter_or_is_refused(text: str) -> None:
    try:
        answer = accepts(text)
    except ApiError:
        # Refused with its own error, never with another one.
        return

    assert isinstance(answer, bool)


@given(st.text(max_size=20))
def test_a_quoted_value_means_itself(value: str) -> None:
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    accepts_value = compile_filter(f'display_name="{quoted}"', SCHEMA, MODEL)

    assert accepts_value({"displayName": value})
