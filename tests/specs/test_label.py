import pytest
from bqvertex.specs.label import label_problems, own, patch
from hypothesis import given
from hypothesis import strategies as st

labels = st.dictionaries(st.sampled_from("abcd"), st.sampled_from("xyz"))


@given(labels, labels)
def test_a_patch_makes_of_the_live_labels_those_that_should_be(live, wanted):
    patched = {**live, **patch(live, wanted)}

    assert {key: text for key, text in patched.items() if text is not None} == wanted


@pytest.mark.parametrize(
    "good", [None, {}, {"team": "data"}, {"équipe": "données-1_2"}, {"empty": ""}]
)
def test_labels_that_google_takes(good):
    assert list(label_problems(good)) == []


@pytest.mark.parametrize(
    "bad",
    [
        {"": "x"},
        {"Team": "x"},
        {"1team": "x"},
        {"team": "Data"},
        {"team": "a b"},
        {"team": 1},
        {"a" * 64: "x"},
        {"team": "x" * 64},
        {"bqvertex_owner": "me"},
        ["team"],
    ],
)
def test_labels_that_google_or_we_refuse(bad):
    assert [name for name, _ in label_problems(bad)] == ["labels"]


def test_our_own_labels_are_not_the_users():
    assert own({"team": "data", "bqvertex_owner": "a", "bqvertex_definition": "b"}) == {
        "team": "data"
    }
