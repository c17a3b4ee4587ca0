"""`bqvertex check`: what it finds in files, what it says of them, and how."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from bqvertex.cli import main
from click.testing import CliRunner, Result
from sarif_pydantic import Sarif

FLIGHTS = json.dumps(
    [
        {"name": "carrier", "type": "STRING"},
        {"name": "distance", "type": "INTEGER", "mode": "REQUIRED"},
        {"name": "late", "type": "BOOLEAN"},
    ]
)
MODEL = (
    "CREATE MODEL late_model OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['late'])\n"
    "AS SELECT late, distance, carrier FROM departures"
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory, and a cache of answers that nothing else uses."""
    compiled = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bqvertex"
    cache, here = tmp_path / "cache", tmp_path / "here"
    (cache / "bqvertex").mkdir(parents=True)
    (cache / "bqvertex" / "zetasql").symlink_to(compiled / "zetasql")
    here.mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.chdir(here)
    return here


def write(files: Mapping[str, str]) -> None:
    for name, text in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)


def check(*arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(main, ["check", *arguments], input=text)


def found(*arguments: str) -> list[tuple[str, int, int, str, str]]:
    """What `--format json` lists: file, line, column, severity, reason."""
    result = check("--format", "json", *arguments)
    keys = ("file", "line", "column", "severity", "reason")
    return [tuple(f[k] for k in keys) for f in json.loads(result.stdout)["findings"]]


def test_files_are_checked_against_schemas_views_and_models() -> None:
    write(
        {
            "sql/flights.schema.json": FLIGHTS,
            "sql/departures.sql": "SELECT carrier, distance, late FROM flights",
            "sql/model.sql": MODEL,
            "sql/scores.sql": "SELECT carrier, predicted_late, predicted_late_probs[0].prob\n"
            "FROM ML.PREDICT(MODEL late_model, TABLE departures)",
            "sql/top.sql": "SELECT carrier, predicted_lat FROM\n"
            "ML.PREDICT(MODEL late_model, TABLE departures)",
        }
    )

    result = check()

    assert (result.exit_code, result.stdout.splitlines()) == (
        1,
        [
            "sql/top.sql:1:17: error: Unrecognized name: predicted_lat; Did you mean "
            "predicted_late?",
            "  SELECT carrier, predicted_lat FROM",
            "                  ^",
        ],
    )
    assert result.stderr.startswith("1 error in 4 files, 4 statements (")


def test_a_wrong_column_upstream_is_found_where_it_is_and_not_below() -> None:
    write(
        {
            "flights.schema.json": FLIGHTS,
            "departures.sql": "SELECT carier, distance, late FROM flights",
            "model.sql": MODEL,
        }
    )

    assert found() == [
        ("departures.sql", 1, 8, "error", "Unrecognized name: carier; Did you mean carrier?")
    ]


def test_what_nobody_declares_is_a_warning_and_the_rest_is_checked() -> None:
    write(
        {
            "flights.schema.json": FLIGHTS,
            "a.sql": "SELECT f.distanc FROM flights AS f JOIN planes AS p ON p.carrier = f.carrier",
            "b.sql": "SELECT carrier FROM fligths",
            "c.sql": "SELECT x FROM ML.PREDICT(MODEL elsewhere, TABLE flights)",
            "d.sql": "SELECT ONLY_BIGQUERY(carrier) AS x FROM flights",
        }
    )

    assert found() == [
        ("a.sql", 1, 10, "error", "Name distanc not found inside f; Did you mean distance?"),
        ("a.sql", 1, 41, "warning", "not checked: table planes is not declared"),
        ("b.sql", 1, 21, "warning",
         "not checked: table fligths is not declared; did you mean flights?"),
        ("c.sql", 1, 32, "warning", "not checked: model elsewhere is not declared"),
        ("d.sql", 1, 8, "warning", "not checked: Function not found: ONLY_BIGQUERY"),
    ]  # fmt: skip


def test_strict_makes_what_is_not_checked_an_error() -> None:
    write({"a.sql": "SELECT x FROM t"})

    assert (check().exit_code, check("--strict").exit_code) == (0, 1)
    assert found("--strict") == [("a.sql", 1, 15, "error", "not checked: table t is not declared")]


def test_create_statements_declare_what_they_name() -> None:
    write(
        {
            "1.sql": "CREATE TABLE d.t (a INT64 NOT NULL, b ARRAY<STRING>);\n"
            "CREATE VIEW d.v (c) AS SELECT a FROM d.t;\n"
            "CREATE TEMP TABLE tmp AS SELECT c FROM d.v;\n"
            "SELECT c FROM tmp",
            "2.sql": "CREATE TABLE x AS SELECT c + 1 AS c1 FROM d.v",
            "3.sql": "SELECT c1, t.b[0] FROM x, d.t AS t",
            "4.sql": "SELECT c1, a FROM x;\nSELECT * FROM tmp",
        }
    )

    assert found() == [
        ("4.sql", 1, 12, "error", "Unrecognized name: a"),
        ("4.sql", 2, 15, "warning", "not checked: table tmp is not declared"),
    ]


def test_a_table_that_some_statement_alters_has_columns_that_are_not_known() -> None:
    write(
        {
            "1.sql": "CREATE TABLE t (a INT64)",
            "2.sql": "ALTER TABLE t ADD COLUMN b INT64",
            "3.sql": "SELECT a, b FROM t",
        }
    )

    assert found() == []


def test_a_table_may_be_made_anew_of_what_was_made_of_it() -> None:
    write(
        {
            "a.sql": "CREATE OR REPLACE TABLE a AS SELECT x FROM b",
            "b.sql": "CREATE OR REPLACE TABLE b AS SELECT x FROM a",
        }
    )

    assert [severity for _, _, _, severity, _ in found()] == []


def test_views_that_read_one_another_are_an_error_at_each() -> None:
    write({"a.sql": "SELECT x FROM b", "b.sql": "CREATE VIEW b AS SELECT x FROM a"})

    assert found() == [
        ("a.sql", 1, 15, "error",
         "views read one another in a circle: a.sql reads b.sql reads a.sql"),
        ("b.sql", 1, 32, "error",
         "views read one another in a circle: a.sql reads b.sql reads a.sql"),
    ]  # fmt: skip


def test_the_nearest_of_two_files_of_one_name_is_meant() -> None:
    write(
        {
            "one/features.sql": "SELECT 1 AS a",
            "one/use.sql": "SELECT a FROM features",
            "two/features.sql": "SELECT 2 AS b",
            "two/use.sql": "SELECT b FROM features",
            "use.sql": "SELECT anything FROM features",
        }
    )

    assert found() == [
        ("use.sql", 1, 22, "warning", "not checked: table features is declared in "
         "one/features.sql, two/features.sql, and none is nearer"),
    ]  # fmt: skip


def test_a_dataset_makes_bare_and_whole_names_one() -> None:
    write(
        {
            "flights.schema.json": FLIGHTS,
            "a.sql": "SELECT nope FROM `my-project.demo.flights`, demo.flights AS b",
        }
    )

    assert [reason for *_, reason in found()] == [
        "not checked: table my-project.demo.flights is not declared",
        "not checked: table demo.flights is not declared",
    ]
    assert found("--dataset", "my-project.demo") == [
        ("a.sql", 1, 8, "error", "Unrecognized name: nope")
    ]


def test_models_are_checked_for_options_labels_and_location() -> None:
    write(
        {
            "departures.schema.json": FLIGHTS,
            "a.sql": MODEL.replace("= ['late']", "= ['lat'], max_iteration = 5"),
            "b.sql": "CREATE MODEL r REMOTE WITH CONNECTION `p.us.c` OPTIONS (endpoint = 'gemini')",
        }
    )

    reasons = found("--location", "EU")

    assert [(file, line, column, severity) for file, line, column, severity, _ in reasons] == [
        ("a.sql", 1, 63, "error"),
        ("a.sql", 1, 91, "error"),
        ("b.sql", 1, 39, "error"),
    ]
    assert reasons[0][4].startswith("label column 'lat' is not in the query")
    assert "has no option MAX_ITERATION; did you mean MAX_ITERATIONS?" in reasons[1][4]


def test_scripts_with_variables_are_checked_for_syntax_alone() -> None:
    write({"a.sql": "DECLARE x INT64;\nSET x = (SELECT nope FROM nowhere);", "b.sql": "DECLARE x"})

    assert [(file, line) for file, line, *_ in found()] == [("b.sql", 1)]


def test_a_text_on_stdin_takes_the_place_of_its_file() -> None:
    write(
        {
            "sql/flights.schema.json": FLIGHTS,
            "sql/a.sql": "SELECT carrier FROM flights",
            "sql/other.sql": "SELECT nope FROM a",
        }
    )

    result = check("-", "--stdin-filename", "sql/a.sql", text="SELECT\ncarier FROM flights")

    assert result.exit_code == 1
    assert result.stdout.splitlines()[0] == (
        "sql/a.sql:2:1: error: Unrecognized name: carier; Did you mean carrier?"
    )
    assert "1 file" in result.stderr


def test_schemas_may_be_elsewhere() -> None:
    write({"schemas/flights.json": FLIGHTS, "sql/a.sql": "SELECT nope FROM flights"})

    assert found("--schema", "schemas/flights.json", "sql/a.sql") == [
        ("sql/a.sql", 1, 8, "error", "Unrecognized name: nope")
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[{]", "Expecting property name enclosed in double quotes"),
        ('[{"name": "a", "type": "INTEGR"}]', "INTEGR"),
    ],
)
def test_a_schema_that_lists_no_columns_is_an_error(text: str, reason: str) -> None:
    write({"t.schema.json": text, "a.sql": "SELECT x FROM t"})

    (error,) = found()

    assert error[0] == "t.schema.json"
    assert reason in error[4]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere.sql"], "does not exist"),
        (["--format", "xml"], "is not one of"),
        (["--location", "Mars"], "is no BigQuery location"),
        (["--dataset", "a b"], "is no dataset id"),
        (["--stdin-filename", "x.sql"], "needs the path -"),
    ],
)
def test_wrong_arguments_are_a_usage_error(arguments: list[str], told: str) -> None:
    result = check(*arguments)

    assert result.exit_code == 2
    assert told in " ".join(result.stderr.split())


def test_a_file_that_is_no_text_is_named() -> None:
    Path("a.sql").write_bytes(b"SELECT '\xff'")

    assert found() == [
        ("a.sql", 1, 1, "error",
         "not UTF-8 text: invalid start byte at byte 8; save it as UTF-8")
    ]  # fmt: skip


def test_a_long_line_is_shown_around_the_place() -> None:
    write(
        {
            "t.schema.json": FLIGHTS,
            "a.sql": f"SELECT {'carrier, ' * 30}nope, {'late, ' * 30}1 FROM t",
        }
    )

    _, shown, caret = check().stdout.splitlines()

    assert len(shown) < 110
    assert shown[caret.index("^") :].startswith("nope")


def test_the_second_check_asks_zetasql_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from googlesql import module

    write({"flights.schema.json": FLIGHTS, "a.sql": "SELECT carier FROM flights;\nSELECT 1"})
    first = found()
    monkeypatch.setattr(module, "call", None)

    assert found() == first
    with pytest.raises(TypeError):
        CliRunner().invoke(main, ["check", "--no-cache"], catch_exceptions=False)


def test_a_changed_schema_is_seen_by_what_reads_it() -> None:
    write(
        {
            "flights.schema.json": FLIGHTS,
            "v.sql": "SELECT * FROM flights",
            "a.sql": "SELECT carrier FROM v",
        }
    )
    assert found() == []

    Path("flights.schema.json").write_text(FLIGHTS.replace("carrier", "airline"))

    assert found() == [("a.sql", 1, 8, "error", "Unrecognized name: carrier")]


def test_a_damaged_cache_is_begun_anew_and_one_that_cannot_be_written_left_out() -> None:
    write({"flights.schema.json": FLIGHTS, "a.sql": "SELECT carier FROM flights"})
    kept = Path(os.environ["XDG_CACHE_HOME"], "bqvertex", "check", "answers.sqlite")
    expected = found()

    kept.write_bytes(b"no database at all" * 100)
    assert found() == expected
    kept.unlink()
    kept.mkdir()
    assert found() == expected


def test_sarif_is_that_of_the_standard() -> None:
    write(
        {"sql/a b.sql": "SELECT\t`é`, nope\nFROM (SELECT 1 AS x)", "sql/b.sql": "SELECT y FROM t"}
    )

    log = Sarif.model_validate_json(check("--format", "sarif").stdout)

    (run,) = log.runs
    assert (log.version, run.tool.driver.name) == ("2.1.0", "bqvertex check")
    results = run.results or []
    assert [(r.rule_id, r.level.value if r.level else "") for r in results] == [
        ("statement", "error"),
        ("not-checked", "warning"),
    ]
    place = (results[0].locations or [])[0].physical_location
    assert place is not None
    assert place.artifact_location is not None
    assert place.region is not None
    assert place.artifact_location.uri == "sql/a%20b.sql"
    # The tab is one character, though the column of the text format is 9.
    assert (place.region.start_line, place.region.start_column) == (1, 8)


def test_github_annotations_are_escaped() -> None:
    write({"a,b.sql": "SELECT `x%`"})

    assert check("--format", "github").stdout == (
        "::error file=a%2Cb.sql,line=1,col=8,title=bqvertex statement::Unrecognized name: `x%25`\n"
    )


def test_the_command_starts_without_what_a_check_needs() -> None:
    # Each of them takes a second or more; `--help` is asked for often.
    slow = ("pulumi", "google.auth", "zetasql", "bqvertex.check")
    code = f"import sys, bqvertex.cli; print([m for m in {slow} if m in sys.modules])"

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "[]"


def test_a_check_needs_neither_pulumi_nor_google() -> None:
    write({"a.sql": "SELECT 1 AS x", "b.sql": MODEL})
    code = (
        "import sys; from bqvertex.cli import main\n"
        "try: main(['check'])\n"
        "except SystemExit: pass\n"
        "print([m for m in ('pulumi', 'google.auth') if m in sys.modules], file=sys.stderr)"
    )

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stderr.splitlines()[-1] == "[]"
