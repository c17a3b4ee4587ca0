"""Load, extract, EXPORT DATA and LOAD DATA over the objects of Cloud Storage."""

import gzip
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import fastavro
import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet
import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from tests.localcloud.bigquery.conftest import Run, Server

ROWS = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]
SCHEMA = [bigquery.SchemaField("id", "INT64"), bigquery.SchemaField("name", "STRING")]


def _csv(row: dict[str, object]) -> bytes:
    return f"id,name\n{row['id']},{row['name']}\n".encode()


def _json(row: dict[str, object]) -> bytes:
    return json.dumps(row).encode() + b"\n"


def _parquet(row: dict[str, object]) -> bytes:
    file = io.BytesIO()
    pa.parquet.write_table(pa.Table.from_pylist([row]), file)
    return file.getvalue()


def _orc(row: dict[str, object]) -> bytes:
    file = io.BytesIO()
    pa.orc.write_table(pa.Table.from_pylist([row]), file)
    return file.getvalue()


def _avro(row: dict[str, object]) -> bytes:
    fields = [{"name": "id", "type": "long"}, {"name": "name", "type": "string"}]
    file = io.BytesIO()
    fastavro.writer(file, {"type": "record", "name": "Root", "fields": fields}, [row])
    return file.getvalue()


FILES = {
    "CSV": lambda row: gzip.compress(_csv(row)),
    "NEWLINE_DELIMITED_JSON": _json,
    "PARQUET": _parquet,
    "ORC": _orc,
    "AVRO": _avro,
}


@pytest.mark.covers("bigquery.jobs.insert", "load jobs")
@pytest.mark.parametrize("kind", FILES)
def test_a_load_job_reads_the_objects_that_a_wildcard_names(
    client: bigquery.Client, server: Server, dataset: str, run: Run, kind: str
) -> None:
    objects = {f"in/{row['id']}.part": FILES[kind](row) for row in ROWS}
    server.objects["loads"] = {**objects, "in/other.txt": b"x"}
    textual = kind in ("CSV", "NEWLINE_DELIMITED_JSON")
    config = bigquery.LoadJobConfig(
        source_format=kind,
        skip_leading_rows=1 if kind == "CSV" else 0,
        schema=SCHEMA if textual else None,
    )

    job = client.load_table_from_uri("gs://loads/in/*.part", f"{dataset}.t", job_config=config)
    job.result()

    told = job.output_rows, job.input_files, run("SELECT id, name FROM t ORDER BY id")
    assert told == (2, 2, ROWS)


@pytest.mark.covers("load jobs")
def test_a_load_into_a_table_takes_the_schema_of_the_table(
    client: bigquery.Client, server: Server, dataset: str, run: Run
) -> None:
    server.objects["loads"] = {"a.csv": b"1,007\n"}
    run("CREATE TABLE t (id INT64, name STRING)")

    client.load_table_from_uri("gs://loads/a.csv", f"{dataset}.t").result()

    assert run("SELECT * FROM t") == [{"id": 1, "name": "007"}]


@pytest.mark.covers("load jobs")
@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("gs://loads/none.csv", "Not found: URI gs://loads/none.csv"),
        ("gs://nowhere/none.csv", "Not found: URI gs://nowhere/none.csv"),
        ("/etc/passwd", "no Cloud Storage URI"),
        ("gs://loads/*/*.csv", "no Cloud Storage URI"),
        ("gs://loads/bad.csv", "too many errors"),
    ],
)
def test_a_load_of_what_is_not_there_fails_by_name(
    client: bigquery.Client, server: Server, dataset: str, uri: str, message: str
) -> None:
    server.objects["loads"] = {"bad.csv": b"x,y\n"}
    job = client.load_table_from_uri(
        uri, f"{dataset}.t", job_config=bigquery.LoadJobConfig(schema=SCHEMA)
    )

    with pytest.raises(exceptions.GoogleAPICallError) as refused:
        job.result()

    assert message in str(refused.value)


@pytest.mark.covers("load jobs")
def test_a_load_without_any_schema_is_refused(
    client: bigquery.Client, server: Server, dataset: str
) -> None:
    server.objects["loads"] = {"a.csv": b"1,2\n"}
    job = client.load_table_from_uri("gs://loads/a.csv", f"{dataset}.t")

    with pytest.raises(exceptions.BadRequest, match="No schema specified on job or table"):
        job.result()


TYPED = """
CREATE TABLE typed AS SELECT 1 AS i, 1.5 AS f, TRUE AS b, 'x,y' AS s, b'ab' AS y,
  NUMERIC '1.25' AS n, DATE '2024-02-29' AS d, TIMESTAMP '2024-02-29 10:00:00.5+00' AS t,
  DATETIME '2024-02-29 10:00:00' AS dt, CAST(NULL AS STRING) AS missing
"""


@pytest.fixture
def typed(run: Run, server: Server) -> dict[str, bytes]:
    """The table `typed`, and the bucket that files of it go to."""
    run(TYPED)
    bucket: dict[str, bytes] = {}
    server.objects["exports"] = bucket
    return bucket


def _extract(
    client: bigquery.Client, table: str, uri: str, **config: object
) -> bigquery.ExtractJob:
    job = client.extract_table(table, uri, job_config=bigquery.ExtractJobConfig(**config))
    job.result()
    return job


@pytest.mark.covers("bigquery.jobs.insert", "extract jobs")
def test_an_extract_as_csv_has_bigquerys_texts(
    client: bigquery.Client, dataset: str, typed: dict[str, bytes]
) -> None:
    job = _extract(client, f"{dataset}.typed", "gs://exports/t-*.csv")

    assert (job.destination_uri_file_counts, typed) == (
        [1],
        {
            "t-000000000000.csv": b"i,f,b,s,y,n,d,t,dt,missing\n"
            b'1,1.5,true,"x,y",YWI=,1.25,2024-02-29,2024-02-29 10:00:00.5 UTC,'
            b"2024-02-29T10:00:00,\n"
        },
    )


@pytest.mark.covers("extract jobs")
def test_an_extract_as_csv_has_its_own_delimiter_no_header_and_gzip(
    client: bigquery.Client, dataset: str, run: Run, server: Server
) -> None:
    server.objects["exports"] = {}
    run("CREATE TABLE t AS SELECT 1 AS a, 'b' AS c")

    _extract(
        client,
        f"{dataset}.t",
        "gs://exports/t.csv.gz",
        field_delimiter="\t",
        print_header=False,
        compression="GZIP",
    )

    assert gzip.decompress(server.objects["exports"]["t.csv.gz"]) == b"1\tb\n"


@pytest.mark.covers("extract jobs")
def test_an_extract_as_json_writes_integers_as_text_and_leaves_nulls_out(
    client: bigquery.Client, dataset: str, run: Run, server: Server
) -> None:
    server.objects["exports"] = {}
    run(
        "CREATE TABLE t AS SELECT 1 AS i, 0.5 AS f, [1, 2] AS list, CAST(NULL AS INT64) AS gone, "
        "[STRUCT('x' AS k, TRUE AS v)] AS pairs, TIMESTAMP '2024-02-29 10:00:00+00' AS t"
    )

    _extract(
        client,
        f"{dataset}.t",
        "gs://exports/t.json",
        destination_format="NEWLINE_DELIMITED_JSON",
    )

    assert json.loads(server.objects["exports"]["t.json"]) == {
        "i": "1",
        "f": 0.5,
        "list": ["1", "2"],
        "pairs": [{"k": "x", "v": True}],
        "t": "2024-02-29 10:00:00 UTC",
    }


@pytest.mark.covers("extract jobs")
def test_an_extract_as_parquet_keeps_the_types(
    client: bigquery.Client, dataset: str, typed: dict[str, bytes]
) -> None:
    _extract(
        client,
        f"{dataset}.typed",
        "gs://exports/t.parquet",
        destination_format="PARQUET",
        compression="SNAPPY",
    )

    [row] = pa.parquet.read_table(io.BytesIO(typed["t.parquet"])).to_pylist()
    assert (row["i"], row["n"], row["d"], row["t"], row["missing"]) == (
        1,
        Decimal("1.25"),
        date(2024, 2, 29),
        datetime(2024, 2, 29, 10, 0, 0, 500_000, UTC),
        None,
    )


@pytest.mark.covers("extract jobs")
@pytest.mark.parametrize(
    ("logical", "day", "moment"),
    [
        (False, "2024-02-29", 1_709_200_800_500_000),
        (True, date(2024, 2, 29), datetime(2024, 2, 29, 10, 0, 0, 500_000, UTC)),
    ],
)
def test_an_extract_as_avro_has_logical_types_when_asked(
    client: bigquery.Client,
    dataset: str,
    typed: dict[str, bytes],
    logical: bool,
    day: object,
    moment: object,
) -> None:
    _extract(
        client,
        f"{dataset}.typed",
        "gs://exports/t.avro",
        destination_format="AVRO",
        compression="DEFLATE",
        use_avro_logical_types=logical,
    )

    assert list(fastavro.reader(io.BytesIO(typed["t.avro"]))) == [
        {
            "i": 1,
            "f": 1.5,
            "b": True,
            "s": "x,y",
            "y": b"ab",
            "n": Decimal("1.25"),
            "d": day,
            "t": moment,
            "dt": "2024-02-29T10:00:00",
            "missing": None,
        }
    ]


@pytest.mark.covers("extract jobs")
@pytest.mark.parametrize(
    ("sql", "uri", "config", "message"),
    [
        ("SELECT [1] AS a", "gs://exports/a.csv", {}, "nested schema. Field: a"),
        ("SELECT 1 AS a", "gs://nowhere/a.csv", {}, "Not found: URI gs://nowhere/a.csv"),
        ("SELECT 1 AS a", "gs://exports/*-*.csv", {}, "at most one"),
        ("SELECT 1 AS a", "gs://exports/a.csv", {"compression": "ZSTD"}, "not supported for CSV"),
    ],
)
def test_an_extract_that_cannot_be_is_refused(
    client: bigquery.Client,
    dataset: str,
    run: Run,
    server: Server,
    sql: str,
    uri: str,
    config: dict[str, str],
    message: str,
) -> None:
    server.objects["exports"] = {}
    run(f"CREATE TABLE t AS {sql}")

    with pytest.raises(exceptions.GoogleAPICallError) as refused:
        _extract(client, f"{dataset}.t", uri, **config)

    assert message in str(refused.value)


@pytest.mark.covers("EXPORT DATA")
def test_export_data_writes_the_rows_of_its_query(
    client: bigquery.Client, run: Run, server: Server
) -> None:
    server.objects["exports"] = {}

    run(
        "EXPORT DATA OPTIONS (uri = 'gs://exports/q/*.csv', format = 'CSV', header = FALSE) AS "
        "SELECT n, n * @by AS m FROM UNNEST([1, 2]) AS n ORDER BY n",
        query_parameters=[bigquery.ScalarQueryParameter("by", "INT64", 10)],
    )

    assert server.objects["exports"] == {"q/000000000000.csv": b"1,10\n2,20\n"}


@pytest.mark.covers("EXPORT DATA")
def test_export_data_overwrites_only_when_told(
    client: bigquery.Client, run: Run, server: Server
) -> None:
    server.objects["exports"] = {"q/old.csv": b"old", "q/old.txt": b"old"}
    export = "EXPORT DATA OPTIONS (uri = 'gs://exports/q/*.csv', format = 'CSV', {}) AS SELECT 1 a"

    with pytest.raises(exceptions.BadRequest, match="is there already"):
        run(export.format("header = TRUE"))
    run(export.format("overwrite = TRUE"))

    assert server.objects["exports"] == {"q/000000000000.csv": b"a\n1\n", "q/old.txt": b"old"}


@pytest.mark.covers("EXPORT DATA")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("format = 'CSV'", "Option 'uri' is missing"),
        ("uri = 'gs://exports/*.csv'", "Option 'format' is missing"),
        ("uri = 'gs://exports/a.csv', format = 'CSV'", "must be a wildcard URI"),
        ("uri = 'gs://exports/*', format = 'ORC'", "'ORC' is not a valid value"),
        ("uri = 'gs://exports/*', format = 'CSV', header = 1", "must be BOOL"),
    ],
)
def test_export_data_with_wrong_options_is_refused(
    run: Run, server: Server, options: str, message: str
) -> None:
    server.objects["exports"] = {}

    with pytest.raises(exceptions.BadRequest, match=message.replace("(", r"\(")):
        run(f"EXPORT DATA OPTIONS ({options}) AS SELECT 1 AS a")


@pytest.mark.covers("LOAD DATA")
def test_load_data_makes_a_table_with_columns_and_layout(
    client: bigquery.Client, dataset: str, run: Run, server: Server
) -> None:
    server.objects["loads"] = {"a.csv": b"id,day\n1,2024-01-01\n", "b.csv": b"id,day\n2,\n"}

    run(
        "LOAD DATA OVERWRITE t (id INT64 NOT NULL, day DATE) PARTITION BY day CLUSTER BY id "
        "OPTIONS (description = 'loaded') "
        "FROM FILES (format = 'CSV', uris = ['gs://loads/*.csv'], skip_leading_rows = 1)"
    )

    table = client.get_table(f"{dataset}.t")
    told = table.description, table.time_partitioning.field, table.clustering_fields
    assert (told, table.num_rows, [f.field_type for f in table.schema]) == (
        ("loaded", "day", ["id"]),
        2,
        ["INTEGER", "DATE"],
    )


@pytest.mark.covers("LOAD DATA")
def test_load_data_appends_unless_it_overwrites(run: Run, server: Server) -> None:
    server.objects["loads"] = {"a.parquet": _parquet(ROWS[0]), "b.parquet": _parquet(ROWS[1])}
    load = "LOAD DATA {} t FROM FILES (format = 'PARQUET', uris = ['gs://loads/{}.parquet'])"

    counts = []
    for words in (("INTO", "a"), ("INTO", "b"), ("OVERWRITE", "b")):
        run(load.format(*words))
        counts.append(run("SELECT COUNT(*) AS n FROM t")[0]["n"])

    assert counts == [1, 2, 1]


@pytest.mark.covers("LOAD DATA")
def test_load_data_reads_partition_columns_from_paths(run: Run, server: Server) -> None:
    server.objects["loads"] = {
        "t/day=2024-01-01/a.csv": b"id\n1\n",
        "t/day=2024-01-02/a.csv": b"id\n2\n",
    }

    run(
        "LOAD DATA INTO t FROM FILES (format = 'CSV', uris = ['gs://loads/t/*'], "
        "hive_partition_uri_prefix = 'gs://loads/t', skip_leading_rows = 1) WITH PARTITION COLUMNS"
    )

    assert run("SELECT id, day FROM t ORDER BY id") == [
        {"id": 1, "day": date(2024, 1, 1)},
        {"id": 2, "day": date(2024, 1, 2)},
    ]


def test_external_tables_are_said_to_be_missing(client: bigquery.Client, dataset: str) -> None:
    external = bigquery.ExternalConfig("CSV")
    external.source_uris = ["gs://loads/a.csv"]
    table = bigquery.Table(f"{client.project}.{dataset}.outside")
    table.external_data_configuration = external
    config = bigquery.QueryJobConfig(table_definitions={"outside": external})

    with pytest.raises(exceptions.MethodNotImplemented, match="External tables"):
        client.create_table(table)
    with pytest.raises(exceptions.MethodNotImplemented, match="External tables"):
        client.query("SELECT * FROM outside", job_config=config, retry=None)
