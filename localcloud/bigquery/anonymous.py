"""The hidden dataset of a project: results of queries, and what sessions make for a while.

At Google it is called `_` and a hash. Clients learn its name from the destination of a query, and
then make tables and models of their own there; a table that a session makes as `_SESSION.name` is
one of its tables, which other jobs find under its full name.
https://cloud.google.com/bigquery/docs/cached-results#how_cached_results_are_stored
"""

from collections.abc import Iterator

from local_bigquery.catalog import datasets, metadata, tables
from local_bigquery.engine import sessions
from local_bigquery.engine.sessions import Session
from local_bigquery.errors import BigQueryError
from local_bigquery.models import Table

from googlesql import parser
from googlesql.edit import Edit, EditedText
from googlesql.errors import SqlError
from googlesql.position import Text
from googlesql.tree import Node, identifiers

DATASET: str = tables.RESULTS
QUALIFIER = "_session"
_READER = "ASTTablePathExpression"

_exists = datasets.exists


def install() -> None:
    """Let the hidden dataset be one; repeating it changes nothing."""
    datasets.exists = exists


def exists(project_id: str, dataset_id: str) -> bool:
    """Whether there is a dataset; every project has the hidden one."""
    return dataset_id == DATASET or bool(_exists(project_id, dataset_id))


def with_session_tables(sql: str, session: Session) -> str:
    """A script with the full names of the tables that its session made as `_SESSION.name`.

    Args:
        sql: The script as written.
        session: The session it runs in.
    """
    try:
        script = parser.parse_script(sql)
    except SqlError:
        # Running it says what is wrong with it.
        return sql
    text = Text(sql)
    nodes = list(parser.walk(script))
    own = {
        part.casefold()
        for node, _ in nodes
        if node.kind in ("ASTWithClauseEntry", "ASTAliasedQuery")
        for part in identifiers(node.child("alias"))
    }
    edits: list[Edit] = []
    for node, above in nodes:
        if node.kind != "ASTPathExpression" or not above:
            continue
        parent = above[-1]
        if parent.kind != _READER and not parent.kind.endswith("Statement"):
            continue
        path = parser.dotted_path(node)
        name = path[-1].casefold()
        qualified = len(path) == 2 and path[0].casefold() == QUALIFIER
        if qualified and parent.kind == "ASTCreateTableStatement":
            edits += _without_temporary(parent, text)
        elif not _made(session, name) or not (qualified or (len(path) == 1 and name not in own)):
            continue
        full = f"`{session.project_id}`.`{DATASET}`.`{_table_id(session, name)}`"
        if parent.kind == _READER and parent.child("alias") is None:
            full += f" AS `{path[-1]}`"
        edits.append(Edit(node.start, node.end, full))
    return EditedText(text, edits).sql if edits else sql


def abort(session_id: str) -> None:
    """End a session, with the tables that it made as `_SESSION.name`."""
    session = sessions.get(session_id)
    for table in metadata.list_(Table, session.project_id, DATASET):
        table_id = str(table.tableReference.tableId)
        if table_id.endswith(f"_of_{session_id}"):
            tables.delete(session.project_id, DATASET, table_id)
    sessions.abort(session_id)


def _made(session: Session, name: str) -> bool:
    return bool(tables.exists(session.project_id, DATASET, _table_id(session, name)))


def _table_id(session: Session, name: str) -> str:
    return f"{name}_of_{session.id}"


def _without_temporary(statement: Node, text: Text) -> Iterator[Edit]:
    head = text.slice(statement.start, statement.end)
    for word in ("TEMPORARY", "TEMP"):
        at = head.upper().find(word)
        if 0 <= at < head.upper().find("TABLE"):
            start = statement.start + at
            yield Edit(start, start + len(word), "")
            return
    raise BigQueryError("invalidQuery", "_SESSION holds temporary tables only: CREATE TEMP TABLE.")
