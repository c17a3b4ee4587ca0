"""How fast the local cloud is: short queries, trainings and predictions beside the library itself.

Run it where nothing else runs: `python3 bootstrap run -- python benchmarks/local_cloud.py`. It has
a local cloud and a state of its own in a temporary folder, and leaves nothing. What is compared is
measured in one run, one after the other, from the same Arrow data; the ratios are what stays.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import requests

SIZES = (100_000, 1_000_000)
COLUMNS = 20
REPEATS = 3
QUERIES = 200
CLIENTS = 8
LONGEST_S = 600
IDLE_S = 5
PROJECT = "local-project"
FEATURES = tuple(f"x{place}" for place in range(COLUMNS))
ITERATIONS, DEPTH, CLUSTERS = 20, 6, 8


@dataclass(frozen=True)
class Kind:
    """A kind of model beside its library.

    Attributes:
        model_type: The kind.
        label: The column it predicts; empty for none.
        options: Further options.
        fit: Trains by the library itself.
        predict: Predicts by the library itself.
    """

    model_type: str
    label: str
    options: str
    fit: Callable[[pa.Table, str], Any]
    predict: Callable[[Any, pa.Table], Any]


def matrix(table: pa.Table) -> Any:
    """The features as the libraries take them."""
    return np.column_stack([table.column(name).to_numpy() for name in FEATURES])


def linear(table: pa.Table, label: str) -> Any:
    """A linear regression of scikit-learn."""
    from sklearn.linear_model import LinearRegression

    return LinearRegression().fit(matrix(table), table.column(label).to_numpy())


def logistic(table: pa.Table, label: str) -> Any:
    """A logistic regression of scikit-learn."""
    from sklearn.linear_model import LogisticRegression

    target = table.column(label).to_numpy(zero_copy_only=False)
    return LogisticRegression(max_iter=ITERATIONS).fit(matrix(table), target)


def trees(table: pa.Table, label: str) -> Any:
    """Boosted trees of xgboost, with BigQuery's defaults."""
    import xgboost

    settings = {"max_depth": DEPTH, "eta": 0.3, "lambda": 1.0, "tree_method": "hist"}
    data = xgboost.DMatrix(matrix(table), label=table.column(label).to_numpy())
    return xgboost.train(settings, data, ITERATIONS)


def clusters(table: pa.Table, label: str) -> Any:
    """Clusters of scikit-learn, over standardised features as BigQuery's are."""
    from sklearn.cluster import KMeans
    from sklearn.preprocessing import StandardScaler

    scaled = StandardScaler().fit_transform(matrix(table))
    return KMeans(CLUSTERS, init="random", n_init=1, max_iter=ITERATIONS).fit(scaled)


def numbers(model: Any, table: pa.Table) -> Any:
    """Predictions of scikit-learn."""
    return model.predict(matrix(table))


def probabilities(model: Any, table: pa.Table) -> Any:
    """Probabilities of scikit-learn."""
    return model.predict_proba(matrix(table))


def of_trees(model: Any, table: pa.Table) -> Any:
    """Predictions of xgboost."""
    return model.inplace_predict(matrix(table))


KINDS = (
    Kind("LINEAR_REG", "amount", "", linear, numbers),
    Kind("LOGISTIC_REG", "is_large", "", logistic, probabilities),
    Kind("BOOSTED_TREE_REGRESSOR", "amount", "", trees, of_trees),
    Kind("KMEANS", "", f"num_clusters = {CLUSTERS}", clusters, numbers),
)


class Cloud:
    """A running local cloud.

    Args:
        url: Its address.
        pid: Its process.
    """

    def __init__(self, url: str, pid: int) -> None:
        self._base = f"{url}/bigquery/v2/projects/{PROJECT}"
        self._upload = f"{url}/upload/bigquery/v2/projects/{PROJECT}/jobs"
        self._session = requests.Session()
        self._process = psutil.Process(pid)

    def query(self, sql: str) -> Any:
        """Run a query and return its answer."""
        body: dict[str, Any] = {"query": sql, "useLegacySql": False, "timeoutMs": LONGEST_S * 1000}
        return self._answer(self._session.post(f"{self._base}/queries", json=body))

    def load(self, dataset_id: str, table_id: str, table: pa.Table) -> None:
        """Load a table by a job, as Parquet."""
        self._session.post(
            f"{self._base}/datasets", json={"datasetReference": {"datasetId": dataset_id}}
        )
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink)
        reference = {"projectId": PROJECT, "datasetId": dataset_id, "tableId": table_id}
        load = {"destinationTable": reference, "sourceFormat": "PARQUET"}
        started = self._session.post(
            self._upload,
            params={"uploadType": "multipart"},
            files=[
                ("job", (None, json.dumps({"configuration": {"load": load}}), "application/json")),
                ("data", (None, sink.getvalue().to_pybytes(), "application/octet-stream")),
            ],
        )
        job = self._answer(started)
        while job["status"]["state"] != "DONE":
            path = f"{self._base}/jobs/{job['jobReference']['jobId']}"
            job = self._answer(self._session.get(path))
        if failure := job["status"].get("errorResult"):
            raise RuntimeError(failure["message"])

    def idle_megabytes(self) -> int:
        """The memory that its process holds once nothing has run for a while."""
        time.sleep(IDLE_S)
        return self.megabytes()

    def megabytes(self) -> int:
        """The memory that its process holds."""
        return int(self._process.memory_info().rss >> 20)

    @staticmethod
    def _answer(response: requests.Response) -> Any:
        if response.status_code != 200:
            raise RuntimeError(response.text)
        return response.json()


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as scratch:
        state = Path(scratch) / "cloud"
        starts = []
        for place in range(REPEATS):
            empty = state.with_name(f"empty_{place}")
            starts.append(clock(partial(command, empty, "start")))
            command(empty, "stop")
        with local_cloud(state) as cloud:
            print("| step | times | median | most | |")
            print("| --- | --- | --- | --- | --- |")
            row("start, ZetaSQL compiled", starts)
            row("memory after the start", [], f"{cloud.megabytes()} MB")
            short_queries(cloud, "before any training")
            trainings = [line for rows in SIZES for line in of_size(cloud, rows)]
            short_queries(cloud, "after the trainings")
            row("memory after the trainings, idle", [], f"{cloud.idle_megabytes()} MB")
    print()
    print("| rows | model | step | SQL, s | library, s | ratio | rows a second |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    print("\n".join(trainings))


def short_queries(cloud: Cloud, when: str) -> None:
    """Measure `SELECT 1`: one after another, and by clients side by side."""
    row(f"`SELECT 1` {when}", [clock(lambda: cloud.query("SELECT 1")) for _ in range(QUERIES)])
    with ThreadPoolExecutor(CLIENTS) as pool:
        took = clock(lambda: list(pool.map(cloud.query, ["SELECT 1"] * QUERIES)))
    row(f"`SELECT 1` of {CLIENTS} clients {when}", [], f"{QUERIES / took:.0f} a second")


def of_size(cloud: Cloud, rows: int) -> Iterator[str]:
    """Measure each kind on a table, by SQL and by its library."""
    table, name = made(rows), f"rows_{rows}"
    loading = clock(lambda: cloud.load("bench", name, table))
    row(f"load of {rows:,} rows", [loading], f"{rows / loading:,.0f} rows a second")
    listed = ", ".join(FEATURES)
    for kind in KINDS:
        label = f", input_label_cols = ['{kind.label}']" if kind.label else ""
        split = ", data_split_method = 'NO_SPLIT'" if kind.label else f", {kind.options}"
        source = f"SELECT {listed}{', ' + kind.label if kind.label else ''} FROM bench.{name}"
        create = (
            f"CREATE OR REPLACE MODEL bench.model OPTIONS (model_type = '{kind.model_type}'"
            f"{label}{split}) AS {source}"
        )
        predict = f"ML.PREDICT(MODEL bench.model, (SELECT {listed} FROM bench.{name}))"
        fitted = kind.fit(table, kind.label)
        of_library = partial(kind.predict, fitted, table)
        pairs: dict[str, tuple[str, Callable[[], Any]]] = {
            "training": (create, partial(kind.fit, table, kind.label)),
            "prediction": (f"SELECT COUNT(*) FROM {predict}", of_library),
            "prediction into a table": (
                f"CREATE OR REPLACE TABLE bench.predicted AS SELECT * FROM {predict}",
                of_library,
            ),
        }
        for step, (sql, library) in pairs.items():
            cloud.query(sql)
            by_sql = median_of(partial(cloud.query, sql))
            directly = median_of(library)
            yield (
                f"| {rows:,} | `{kind.model_type}` | {step} | {by_sql:.3f} | {directly:.3f} "
                f"| {by_sql / directly:.1f} | {rows / by_sql:,.0f} |"
            )


def made(rows: int) -> pa.Table:
    """Numbers of which a weighted sum is the amount."""
    generator = np.random.default_rng(0)
    features = generator.normal(size=(rows, COLUMNS))
    amount = features @ generator.normal(size=COLUMNS) + generator.normal(size=rows)
    columns = {name: features[:, place] for place, name in enumerate(FEATURES)}
    return pa.table({**columns, "amount": amount, "is_large": amount > 0})


@contextmanager
def local_cloud(state: Path) -> Iterator[Cloud]:
    """A running local cloud."""
    command(state, "start")
    try:
        told = json.loads(command(state, "status", "--json"))
        yield Cloud(told["url"], told["pid"])
    finally:
        command(state, "stop")


def command(state: Path, name: str, *arguments: str) -> str:
    """Run a command of the local cloud and return what it printed."""
    port = ("--port", "0") if name == "start" else ()
    words = [sys.executable, "-m", "localcloud", name, *port, *arguments, "--state", str(state)]
    done = subprocess.run(words, check=True, capture_output=True, text=True, timeout=LONGEST_S)
    return done.stdout


def row(step: str, seconds: list[float], figure: str = "") -> None:
    """Print one row of the first table."""
    median = f"{statistics.median(seconds) * 1000:.0f} ms" if seconds else ""
    most = f"{max(seconds) * 1000:.0f} ms" if seconds else ""
    print(f"| {step} | {len(seconds) or ''} | {median} | {most} | {figure} |", flush=True)


def median_of(work: Callable[[], object]) -> float:
    """How long it usually takes, in seconds."""
    return statistics.median(clock(work) for _ in range(REPEATS))


def clock(work: Callable[[], object]) -> float:
    """How long it takes, in seconds."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
