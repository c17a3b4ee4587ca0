"""The page of what tests prove of the local cloud."""

from generate.local_cloud_support import page, rest
from generate.rest_methods import RestMethod


def test_each_thing_stands_in_its_table_with_its_tests() -> None:
    proofs = {
        "KMEANS": ["tests/localcloud/bqml/test_kmeans.py"],
        "ML.PREDICT": ["tests/a/test_x.py", "tests/a/test_y.py"],
        "EXPORT DATA": ["tests/a/test_extract.py"],
    }

    told = page(proofs, kinds=["KMEANS", "PCA"], functions=["ML.PREDICT", "ML.WEIGHTS"])

    _, kinds, functions, others = told.split("\n## ")
    assert "| `KMEANS` | [kmeans](../tests/localcloud/bqml/test_kmeans.py) |" in kinds
    assert "| `ML.PREDICT` | [x](../tests/a/test_x.py), [y](../tests/a/test_y.py) |" in functions
    assert "| `EXPORT DATA` | [extract](../tests/a/test_extract.py) |" in others


def test_what_no_test_is_marked_with_is_owned_up_to() -> None:
    told = page({"KMEANS": ["tests/test_k.py"]}, kinds=["KMEANS", "PCA"], functions=["ML.WEIGHTS"])

    assert "tested by no test with a mark, are the kinds `PCA`." in told
    assert "tested by no test with a mark, are the functions `ML.WEIGHTS`." in told


def test_each_method_stands_with_its_versions_and_tests_or_as_501() -> None:
    methods = [
        RestMethod("a.v1", "a.things.get", True),
        RestMethod("a.v1", "a.things.operations.get", True),
        RestMethod("a.v1", "a.things.run", False),
        RestMethod("a.v2", "a.things.get", True),
        RestMethod("a.v2", "a.things.run", True),
    ]
    files = [f"tests/x/test_{letter}.py" for letter in "abcdef"]

    told = rest(
        methods,
        {
            "a.v1 a.things.get": files,
            "a.v1 a.things.operations.get": files,
            "a.v2 a.things.run": [],
        },
    )

    assert "### a" in told
    assert "| `things.get` | v1, v2 | [a](../tests/x/test_a.py)" in told
    assert "[d](../tests/x/test_d.py) and 2 more **not compared: v2** |" in told
    assert "Long-running operations: 1 methods, compared one by one." in told
    assert "answers 501" not in told
    assert "| `things` | run |" in rest(methods[:3], {})
