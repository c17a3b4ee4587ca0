"""ML.* functions inside expressions: found, and replaced by plain SQL, the innermost first."""

from collections.abc import Callable
from dataclasses import dataclass

from local_bigquery.errors import BigQueryError

from googlesql import parser
from googlesql.constant import read_constant
from googlesql.position import Text
from googlesql.tree import Node, identifiers, walk
from localcloud.bigquery import preprocessing


@dataclass(frozen=True)
class Call:
    """One call.

    Attributes:
        name: The function in upper case, `ML.BUCKETIZE`.
        arguments: Its arguments.
        over: Whether OVER follows.
        text: What it was parsed from.
    """

    name: str
    arguments: tuple[Node, ...]
    over: bool
    text: Text

    @property
    def first(self) -> str:
        """The first argument as written."""
        return self.text.slice(self.arguments[0].start, self.arguments[0].end)


def replaced(sql: str, plain: Callable[[Call], str]) -> str:
    """The statement with each ML or AI function of an expression replaced.

    Args:
        sql: A statement.
        plain: Gives the SQL to put in a call's place; may raise.

    Raises:
        SqlError: The text is no statement.
    """
    while True:
        text = Text(sql)
        calls = [
            (len(above), node, above[-1])
            for node, above in walk(parser.parse_statement(sql))
            if node.kind == "ASTFunctionCall" and _name(node).startswith(("ML.", "AI."))
        ]
        if not calls:
            return sql
        _, node, parent = max(calls, key=lambda found: found[0])
        over = parent.kind == "ASTAnalyticFunctionCall"
        whole = parent if over else node
        new = plain(Call(_name(node), node.children("arguments"), over, text))
        sql = text.slice(0, whole.start) + new + text.slice(whole.end, len(text.data))


def in_query(call: Call) -> str:
    """What a call outside TRANSFORM becomes.

    Raises:
        BigQueryError: `notImplemented` for all but the functions of one row.
    """
    if call.name in preprocessing.SCALAR and not call.over and call.arguments:
        return scalar(call)
    raise BigQueryError(
        "notImplemented",
        f"{call.name} outside TRANSFORM is not implemented on the local cloud; "
        f"{', '.join(sorted(preprocessing.SCALAR))} are.",
    )


def scalar(call: Call) -> str:
    """A function of one row as plain SQL."""
    arguments = [read_constant(argument, call.text) for argument in call.arguments[1:]]
    return preprocessing.SCALAR[call.name](call.first, arguments)


def _name(call: Node) -> str:
    return ".".join(identifiers(call.child("function"))).upper()
