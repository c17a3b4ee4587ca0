import pytest
from bqvertex.specs.monitored_data import missing_features, read_monitored_query, whole
from bqvertex.specs.statement import StatementError
from bqvertex.specs.unknown import UNKNOWN

SCHEMAS = {
    "departures": [{"name": "origin", "type": "STRING"}, {"name": "seats", "type": "INTEGER"}]
}


def test_the_columns_of_a_query_are_known_offline():
    columns = read_monitored_query(
        "SELECT origin, seats * 2 AS double FROM departures", "", SCHEMAS
    )

    assert columns == ["origin", "double"]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT orgin FROM departures", r"sql/a.sql:1:8: .*orgin.*"),
        ("SELECT origin FROM arrivals", r"sql/a.sql:1:20: table arrivals is not declared"),
        ("SELECT FROM", r"sql/a.sql:1:8: "),
        ("DROP TABLE departures", r"sql/a.sql:1:1: this is DROP_TABLE: give a SELECT statement"),
    ],
)
def test_a_wrong_query_is_refused_with_its_place(sql, said):
    with pytest.raises(StatementError, match=said):
        read_monitored_query(sql, "sql/a.sql", SCHEMAS)


def test_without_declared_tables_any_name_will_do():
    assert read_monitored_query("SELECT * FROM anything", "", {}) is None


def test_features_that_are_no_columns_are_named():
    assert missing_features({"origin": {}, "temp": {}}, ["origin", "seats"]) == (
        "gives no column temp, which `features` names; it gives origin, seats"
    )
    assert missing_features({"origin": {}}, ["origin", "seats"]) == ""


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT origin FROM departures WHERE seats > 2",
        "-- seats known\nselect origin\nfrom `flights`.departures where seats>2;",
        "SELECT origin FROM `acme-prod`.flights.departures /* all */ WHERE seats > 2",
    ],
)
def test_layout_comments_and_whole_names_are_no_difference(sql):
    written, problems = whole("target", {"query": sql}, "acme-prod", "flights")

    assert problems == ()
    assert written == {
        "query": "SELECT origin FROM `acme-prod`.`flights`.`departures` WHERE seats > 2"
    }


@pytest.mark.parametrize("table", ["a", "flights.a", "acme-prod.flights.a"])
def test_a_table_gets_its_whole_name(table):
    written, _ = whole("target", {"table": table}, "acme-prod", "flights")

    assert written == {"table": "acme-prod.flights.a"}


@pytest.mark.parametrize("data", [{"table": "a"}, {"query": "SELECT 1 FROM a"}])
def test_a_bare_name_without_a_dataset_is_refused(data):
    _, problems = whole("target", data, "acme-prod", None)

    assert problems == (
        ("target", "names a without its dataset: write project.dataset.a, or give dataset_id"),
    )


def test_what_is_not_known_yet_stays_unknown():
    assert whole("target", {"table": "a"}, "acme-prod", UNKNOWN) == (UNKNOWN, ())
    assert whole("target", UNKNOWN, "acme-prod", "flights") == (UNKNOWN, ())
