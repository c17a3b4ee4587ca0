"""The fixture `bqvertex_local`, as tests of other projects use it."""

import re
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "local_cloud_testing.md"
pytest_plugins = ["pytester"]
pytestmark = pytest.mark.covers("pytest plugin")

ISOLATED = """
import pytest

@pytest.mark.parametrize("n", range(4))
def test_a_dataset_of_another_test_is_not_there(bqvertex_local, n):
    client = bqvertex_local.bigquery

    before = [dataset.dataset_id for dataset in client.list_datasets()]
    client.create_dataset("d")

    assert before == []
    assert next(iter(client.query("SELECT 1 AS one").result())).one == 1
"""
REFUSED = """
import pytest

def test_no_fault_at_all_is_refused(bqvertex_local):
    with pytest.raises(ValueError, match="nothing goes wrong"):
        bqvertex_local.fault()

def test_the_end_of_the_process_is_refused(bqvertex_local):
    with pytest.raises(ValueError, match="other tests of this process"):
        bqvertex_local.fault(exit="after")

def test_a_fault_is_none_of_the_next_test(bqvertex_local):
    bqvertex_local.bigquery.create_dataset("d", retry=None)

    assert [one["status"] for one in bqvertex_local.requests()] == [200]
"""
VERTEX = """
def test_the_vertex_sdk_finds_the_project(bqvertex_local):
    aiplatform = bqvertex_local.init_aiplatform()

    endpoint = aiplatform.Endpoint.create(display_name="e")

    assert [one.name for one in aiplatform.Endpoint.list()] == [endpoint.name]
    aiplatform.initializer.global_pool.shutdown(wait=True)
"""


def test_each_test_has_a_project_of_its_own_in_every_worker(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(ISOLATED)

    result = pytester.runpytest_subprocess("-n", "2", "-p", "no:cacheprovider")

    result.assert_outcomes(passed=4)


def test_the_guides_tests_pass_and_leave_no_fault(pytester: pytest.Pytester) -> None:
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    pytester.makepyfile(test_guide="\n".join(blocks), test_refused=REFUSED)

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")

    result.assert_outcomes(passed=5)


def test_the_vertex_sdk_is_pointed_at_the_local_cloud(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(VERTEX)

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")

    result.assert_outcomes(passed=1)
