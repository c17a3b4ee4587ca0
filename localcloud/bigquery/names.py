"""Names of models and datasets in SQL and in paths."""

from collections.abc import Sequence
from typing import NamedTuple, Self

from local_bigquery.errors import BigQueryError

from googlesql import parser
from googlesql.errors import SqlError
from googlesql.position import Text
from googlesql.tree import identifiers

_READERS = (
    "ASTTablePathExpression",
    "ASTTableClause",
    "ASTUpdateStatement",
    "ASTDeleteStatement",
    "ASTMergeStatement",
)
_HOLDERS = ("ASTTablePathExpression", "ASTTableClause", "ASTModelClause")


class Reference(NamedTuple):
    """A table's or model's full name."""

    project: str
    dataset: str
    name: str

    @property
    def label(self) -> str:
        """The name as BigQuery's messages write it, `project:dataset.name`."""
        return f"{self.project}:{self.dataset}.{self.name}"

    @classmethod
    def resolve(cls, path: Sequence[str], project_id: str, dataset_id: str | None) -> Self:
        """The full name that a path means.

        Args:
            path: One to three parts; a project id may itself hold dots.
            project_id: The project of a path that names none.
            dataset_id: The default dataset; None when there is none.

        Raises:
            BigQueryError: The path has one part and there is no default dataset.
        """
        if len(path) == 1:
            if dataset_id is None:
                raise BigQueryError(
                    "invalid",
                    f'Model name "{path[0]}" missing dataset while no default dataset is set in '
                    "the request.",
                )
            return cls(project_id, dataset_id, path[0])
        if len(path) == 2:
            return cls(project_id, path[0], path[1])
        return cls(".".join(path[:-2]), path[-2], path[-1])


def statements_in(sql: str) -> list[str]:
    """The statements at the top of a script; none when it is no GoogleSQL."""
    text = Text(sql)
    try:
        return [text.slice(node.start, node.end) for node in parser.statements(sql)]
    except SqlError:
        return []


def tables_in(sql: str, project_id: str, dataset_id: str | None) -> set[Reference]:
    """The tables that a statement reads, as far as its text tells.

    Names of a WITH clause are left out, and so is the table that INSERT and CREATE write. Of what
    only looks like a table, such as a column of structs in FROM, a name of no table is given.
    """
    try:
        script = parser.parse_script(sql)
    except SqlError:
        return set()
    nodes = list(parser.walk(script))
    own = {
        part.casefold()
        for node, _ in nodes
        if node.kind in ("ASTWithClauseEntry", "ASTAliasedQuery")
        for part in identifiers(node.child("alias"))
    }
    found = set()
    for node, above in nodes:
        parent = above[-1] if above else None
        if node.kind != "ASTPathExpression" or parent is None or parent.kind not in _READERS:
            continue
        path = parser.dotted_path(node)
        if len(path) == 1 and (path[0].casefold() in own or dataset_id is None):
            continue
        found.add(Reference.resolve(path, project_id, dataset_id))
    return found


def datasets_in(sql: str, project_id: str, dataset_id: str | None) -> list[tuple[str, str]]:
    """The (project, dataset) pairs that the tables and models of a script name.

    A text that is no GoogleSQL gives none: running it says what is wrong with it. Paths that only
    look like a table, such as a column of structs in FROM, give pairs of no dataset.
    """
    try:
        script = parser.parse_script(sql)
    except SqlError:
        return []
    found = []
    for node, above in parser.walk(script):
        parent = above[-1] if above else None
        if node.kind != "ASTPathExpression" or parent is None:
            continue
        if parent.kind in _HOLDERS or parent.kind.endswith("Statement"):
            path = parser.dotted_path(node)
            upper = [part.upper() for part in path]
            if "INFORMATION_SCHEMA" in upper:
                path = (*path[: upper.index("INFORMATION_SCHEMA")], "")
            if len(path) > 1 or dataset_id is not None:
                reference = Reference.resolve(path, project_id, dataset_id)
                found.append((reference.project, reference.dataset))
    return found
