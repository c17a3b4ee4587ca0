"""The page of what tests prove of the local cloud."""

from generate.local_cloud_support import page


def test_each_thing_stands_in_its_table_with_its_tests() -> None:
    proofs = {
        "KMEANS": ["tests/localcloud/bqml/test_kmeans.py"],
        "ML.PREDICT": ["tests/a/test_x.py", "tests/a/test_y.py"],
        "bigquery.jobs.get": ["tests/a/test_job.py"],
        "EXPORT DATA": ["tests/a/test_extract.py"],
    }

    told = page(proofs, kinds=["KMEANS", "PCA"], functions=["ML.PREDICT", "ML.WEIGHTS"])

    _, kinds, functions, methods, others = told.split("\n## ")
    assert "| `KMEANS` | [kmeans](../tests/localcloud/bqml/test_kmeans.py) |" in kinds
    assert "| `ML.PREDICT` | [x](../tests/a/test_x.py), [y](../tests/a/test_y.py) |" in functions
    assert "| `bigquery.jobs.get` | [job](../tests/a/test_job.py) |" in methods
    assert "| `EXPORT DATA` | [extract](../tests/a/test_extract.py) |" in others


def test_what_no_test_is_marked_with_is_owned_up_to() -> None:
    told = page({"KMEANS": ["tests/test_k.py"]}, kinds=["KMEANS", "PCA"], functions=["ML.WEIGHTS"])

    assert "tested by no test with a mark, are the kinds `PCA`." in told
    assert "tested by no test with a mark, are the functions `ML.WEIGHTS`." in told
