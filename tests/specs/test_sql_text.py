import pytest
from bqvertex.specs.sql_text import read_sql_text
from bqvertex.specs.statement import StatementError
from hypothesis import given, settings
from hypothesis import strategies as st

from googlesql.literal import quoted
from googlesql.parser import statements

WHOLE = {
    "SELECT a FROM t": "SELECT a FROM `p-1`.`d`.`t`",
    "SELECT a FROM e.t": "SELECT a FROM `p-1`.`e`.`t`",
    "SELECT a FROM `q.e.t`": "SELECT a FROM `q.e.t`",
    "CREATE VECTOR INDEX i ON t(x) OPTIONS (index_type = 'IVF')": (
        "CREATE VECTOR INDEX i ON `p-1`.`d`.`t`(x) OPTIONS (index_type = 'IVF')"
    ),
    "DROP VECTOR INDEX i ON t": "DROP VECTOR INDEX i ON `p-1`.`d`.`t`",
    "DROP SEARCH INDEX i ON t": "DROP SEARCH INDEX i ON `p-1`.`d`.`t`",
    "ALTER VECTOR INDEX i ON t REBUILD": "ALTER VECTOR INDEX i ON `p-1`.`d`.`t` REBUILD",
    "CREATE FUNCTION f(x INT64) AS (x + 1)": "CREATE FUNCTION `p-1`.`d`.`f`(x INT64) AS (x + 1)",
    "CREATE TABLE FUNCTION f() AS (SELECT a FROM t)": (
        "CREATE TABLE FUNCTION `p-1`.`d`.`f`() AS (SELECT a FROM `p-1`.`d`.`t`)"
    ),
    "DROP FUNCTION f": "DROP FUNCTION `p-1`.`d`.`f`",
    "DROP TABLE FUNCTION f": "DROP TABLE FUNCTION `p-1`.`d`.`f`",
    "CREATE PROCEDURE f() BEGIN DELETE FROM t WHERE TRUE; END": (
        "CREATE PROCEDURE `p-1`.`d`.`f`() BEGIN DELETE FROM `p-1`.`d`.`t` WHERE TRUE; END"
    ),
    "DROP PROCEDURE f": "DROP PROCEDURE `p-1`.`d`.`f`",
    "CALL f(1)": "CALL `p-1`.`d`.`f`(1)",
    "CALL BQ.REFRESH_MATERIALIZED_VIEW('p.d.v')": "CALL BQ.REFRESH_MATERIALIZED_VIEW('p.d.v')",
    "CREATE ROW ACCESS POLICY r ON t GRANT TO ('user:a') FILTER USING (x = 1)": (
        "CREATE ROW ACCESS POLICY r ON `p-1`.`d`.`t` GRANT TO ('user:a') FILTER USING (x = 1)"
    ),
    "DROP ROW ACCESS POLICY r ON t": "DROP ROW ACCESS POLICY r ON `p-1`.`d`.`t`",
    "DROP ALL ROW ACCESS POLICIES ON t": "DROP ALL ROW ACCESS POLICIES ON `p-1`.`d`.`t`",
    "GRANT `roles/x` ON TABLE t TO 'user:a'": "GRANT `roles/x` ON TABLE `p-1`.`d`.`t` TO 'user:a'",
    "GRANT `roles/x` ON SCHEMA s TO 'user:a'": "GRANT `roles/x` ON SCHEMA `p-1`.`s` TO 'user:a'",
    "CREATE SCHEMA s": "CREATE SCHEMA `p-1`.`s`",
    "DROP SCHEMA s": "DROP SCHEMA `p-1`.`s`",
    "CREATE SNAPSHOT TABLE s CLONE t": "CREATE SNAPSHOT TABLE `p-1`.`d`.`s` CLONE `p-1`.`d`.`t`",
    "DROP SNAPSHOT TABLE s": "DROP SNAPSHOT TABLE `p-1`.`d`.`s`",
    "CREATE EXTERNAL TABLE e OPTIONS (format = 'CSV')": (
        "CREATE EXTERNAL TABLE `p-1`.`d`.`e` OPTIONS (format = 'CSV')"
    ),
    "LOAD DATA INTO t FROM FILES (format = 'CSV')": (
        "LOAD DATA INTO `p-1`.`d`.`t` FROM FILES (format = 'CSV')"
    ),
    "SELECT 1 FROM INFORMATION_SCHEMA.TABLES": (
        "SELECT 1 FROM `p-1`.`d`.`INFORMATION_SCHEMA`.`TABLES`"
    ),
    "CREATE TEMP TABLE x AS SELECT a FROM t; INSERT INTO u SELECT a FROM x": (
        "CREATE TEMP TABLE x AS SELECT a FROM `p-1`.`d`.`t`; "
        "INSERT INTO `p-1`.`d`.`u` SELECT a FROM x"
    ),
    "SELECT a FROM _SESSION.t": "SELECT a FROM _SESSION.t",
    "DECLARE n INT64; SET n = (SELECT MAX(a) FROM t); IF n > 1 THEN TRUNCATE TABLE t; END IF": (
        "DECLARE n INT64; SET n = (SELECT MAX(a) FROM `p-1`.`d`.`t`); "
        "IF n > 1 THEN TRUNCATE TABLE `p-1`.`d`.`t`; END IF"
    ),
}


@pytest.mark.parametrize("sql", WHOLE)
def test_names_of_what_lives_in_a_dataset_get_what_they_lack(sql):
    assert read_sql_text(sql).qualified("p-1", "d") == WHOLE[sql]


@pytest.mark.parametrize("sql", WHOLE)
def test_a_bare_name_means_the_same_as_the_whole_one(sql):
    text, whole = read_sql_text(sql), read_sql_text(WHOLE[sql])

    assert whole.qualified("p-1", "d") == WHOLE[sql]
    assert text.definition_hash("p-1", "d") == whole.definition_hash("elsewhere", "other")


@pytest.mark.parametrize("sql", ["DROP VECTOR INDEX i ON {}", "DROP FUNCTION {}", "CALL {}()"])
def test_one_pair_of_quotes_around_a_whole_name_means_nothing(sql):
    texts = [read_sql_text(sql.format(name)) for name in ("`p.d.t`", "p.d.t", "`p`.`d`.`t`")]

    assert len({text.definition_hash("elsewhere", "other") for text in texts}) == 1


def test_comments_layout_and_case_of_keywords_mean_nothing():
    one = "-- why\nCREATE TABLE t AS SELECT 1 AS a; /* and */ DROP TABLE IF EXISTS u;"
    other = "create table `t`\n  as select 1 as a;\ndrop table if exists u"

    assert len({read_sql_text(sql).definition_hash("p", "d") for sql in (one, other)}) == 1


@pytest.mark.parametrize(
    "other",
    [
        "CREATE TABLE t AS SELECT 2 AS a; DROP TABLE u",
        "CREATE TABLE t AS SELECT 1 AS b; DROP TABLE u",
        "CREATE TABLE t AS SELECT 1 AS a; DROP TABLE v",
        "DROP TABLE u; CREATE TABLE t AS SELECT 1 AS a",
        "CREATE TABLE t AS SELECT 1 AS a",
        "CREATE OR REPLACE TABLE t AS SELECT 1 AS a; DROP TABLE u",
    ],
)
def test_another_meaning_has_another_hash(other):
    one = "CREATE TABLE t AS SELECT 1 AS a; DROP TABLE u"

    hashes = {read_sql_text(sql).definition_hash("p", "d") for sql in (one, other)}

    assert len(hashes) == 2


def test_a_bare_name_without_a_dataset_is_said_with_its_place():
    text = read_sql_text("SELECT 1;\nSELECT a FROM t", "sql/read.sql")

    with pytest.raises(StatementError) as refused:
        text.qualified("p")

    assert str(refused.value) == (
        "sql/read.sql:2:15: t names no dataset: write dataset.t, or give dataset_id\n"
        "SELECT a FROM t\n"
        "              ^"
    )


def test_a_syntax_error_in_a_script_is_said_with_its_place():
    with pytest.raises(StatementError, match=r"^a\.sql:2:22: .*Did you mean WHERE\?"):
        read_sql_text("SELECT 1;\nSELECT a FROM t WHRE a = 1", "a.sql")


@pytest.mark.parametrize("sql", ["", "  \n", "-- nothing\n"])
def test_a_text_without_a_statement_is_refused(sql):
    with pytest.raises(StatementError):
        read_sql_text(sql, "a.sql")


def test_a_statement_is_checked_against_the_schemas_that_are_known():
    schemas = {"t": [{"name": "ttl", "type": "INTEGER"}]}

    with pytest.raises(StatementError, match=r"a\.sql:1:8: Unrecognized name: tl"):
        read_sql_text("SELECT tl FROM t", "a.sql").check(schemas)

    read_sql_text("SELECT tl FROM u", "a.sql").check(schemas)
    read_sql_text("SELECT tl FROM t; SELECT 1", "a.sql").check(schemas)
    read_sql_text("CREATE VECTOR INDEX i ON nowhere(x) OPTIONS (index_type = 'IVF')").check({})


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@settings(deadline=None, max_examples=60)
@given(project=names, dataset=names)
def test_no_project_or_dataset_escapes_its_identifier(project, dataset):
    text = read_sql_text("DROP TABLE t; SELECT a FROM t")

    whole = text.qualified(project, dataset)

    path = ".".join(quoted(part) for part in (project, dataset, "t"))
    assert whole == f"DROP TABLE {path}; SELECT a FROM {path}"
    assert [node.kind for node in statements(whole)] == ["ASTDropStatement", "ASTQueryStatement"]
