"""Load jobs from uploads."""

import gzip
import io
import json

import pyarrow as pa
import pyarrow.parquet
import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from tests.localcloud.bigquery.conftest import PROJECT, Run

SCHEMA = [
    bigquery.SchemaField("id", "INT64", description="number"),
    bigquery.SchemaField("moment", "TIMESTAMP"),
    bigquery.SchemaField("name", "STRING"),
]
CSV = b"id,moment,name\n1,2013-01-01T10:00:00Z,a\n2,NA,NA\n"


def load(client: bigquery.Client, data: bytes, table: str, **config: object) -> bigquery.LoadJob:
    settings = {"source_format": "CSV", "skip_leading_rows": 1, "schema": SCHEMA, **config}
    job = client.load_table_from_file(
        io.BytesIO(data),
        table,
        size=len(data),
        job_config=bigquery.LoadJobConfig(**settings),
        job_id=None,
    )
    job.result()
    return job


@pytest.mark.parametrize("data", [CSV, gzip.compress(CSV)], ids=["plain", "gzip"])
def test_a_csv_with_null_markers_loads_into_declared_types(
    client: bigquery.Client, dataset: str, run: Run, data: bytes
) -> None:
    job = load(client, data, f"{dataset}.t", null_marker="NA")

    assert job.output_rows == 2
    assert run(
        "SELECT id, FORMAT_TIMESTAMP('%F %T', moment) AS moment, name FROM t ORDER BY id"
    ) == [
        {"id": 1, "moment": "2013-01-01 10:00:00", "name": "a"},
        {"id": 2, "moment": None, "name": None},
    ]
    assert client.get_table(f"{dataset}.t").schema[0].description == "number"


def test_loading_again_with_truncate_replaces_the_rows(
    client: bigquery.Client, dataset: str, run: Run
) -> None:
    load(client, CSV, f"{dataset}.t", null_marker="NA")

    load(client, CSV, f"{dataset}.t", null_marker="NA", write_disposition="WRITE_TRUNCATE")

    assert run("SELECT COUNT(*) AS n FROM t") == [{"n": 2}]


def test_a_value_of_another_type_fails_the_load(client: bigquery.Client, dataset: str) -> None:
    with pytest.raises(exceptions.BadRequest, match="too many errors"):
        load(client, CSV, f"{dataset}.t")


def test_newline_delimited_json_loads(client: bigquery.Client, dataset: str, run: Run) -> None:
    rows = [{"id": 1, "tags": ["x", "y"]}, {"id": 2, "tags": []}]
    data = "\n".join(json.dumps(row) for row in rows).encode()
    schema = [
        bigquery.SchemaField("id", "INT64"),
        bigquery.SchemaField("tags", "STRING", mode="REPEATED"),
    ]

    load(
        client,
        data,
        f"{dataset}.t",
        source_format="NEWLINE_DELIMITED_JSON",
        schema=schema,
        skip_leading_rows=0,
    )

    assert run("SELECT id, tags FROM t ORDER BY id") == rows


def test_parquet_loads(client: bigquery.Client, dataset: str, run: Run) -> None:
    file = io.BytesIO()
    pa.parquet.write_table(pa.table({"a": [1, 2], "s": ["x", None]}), file)

    load(
        client,
        file.getvalue(),
        f"{dataset}.t",
        source_format="PARQUET",
        schema=None,
        skip_leading_rows=0,
    )

    assert run("SELECT a, s FROM t ORDER BY a") == [{"a": 1, "s": "x"}, {"a": 2, "s": None}]


def test_a_large_upload_in_chunks_loads_where_the_dataset_is(
    client: bigquery.Client, dataset: str
) -> None:
    place = bigquery.Dataset(f"{PROJECT}.{dataset}_eu")
    place.location = "EU"
    client.create_dataset(place)
    data = b"id,moment,name\n" + b"1,,x\n" * 300_000

    job = load(client, data, f"{dataset}_eu.t")

    client.delete_dataset(f"{dataset}_eu", delete_contents=True)
    assert (job.output_rows, job.location) == (300_000, "EU")
