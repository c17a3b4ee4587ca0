"""A SQL file's statement: read, made to name whole paths, compared, checked.

Files hold whole statements with bare names, `FROM departures`, so that they also run in the
console with a default dataset. Which names mean tables and models the syntax tree tells.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from bqvertex.specs.identifier import quoted_path
from bqvertex.specs.literal import render
from bqvertex.specs.model_output import KnownModel, output_columns_of
from googlesql import suggestion
from googlesql.analyzer import (
    Analysis,
    OutputColumns,
    PartialAnalysis,
    Tables,
    analyze_partially,
)
from googlesql.create_model import CreateModel, read_create_model
from googlesql.edit import Edit, EditedText
from googlesql.errors import SqlError, condensed
from googlesql.lexer import TokenKind, header_comment, tokens
from googlesql.meaning import meaning
from googlesql.parser import parse_statement
from googlesql.position import Text
from googlesql.reference import Reference, read_references
from googlesql.schema import columns_from_rest
from googlesql.statement_kind import statement_kind
from googlesql.tree import Node

# Views of metadata stand below a dataset or a region, and have no table id.
_METADATA: Final = "INFORMATION_SCHEMA"


class StatementError(ValueError):
    """A statement that BigQuery would refuse.

    The message names the file, line and column, then shows the line with a caret under the place.

    Attributes:
        file: The file, as given; empty for a statement that was given as text.
        reason: Google's words, shortened where they are long.
        line: Line in the file, from 1; None when the whole statement is meant.
        column: Column, from 1; None when the whole statement is meant.
    """

    def __init__(self, error: SqlError, sql: str, file: str) -> None:
        self.file = file
        self.reason = condensed(error.reason)
        self.line = error.line
        self.column = error.column
        place = file or "statement"
        if error.line is None or error.column is None:
            super().__init__(f"{place}: {self.reason}")
        else:
            excerpt = Text(sql).excerpt(error.line, error.column)
            super().__init__(f"{place}:{error.line}:{error.column}: {self.reason}\n{excerpt}")


def read_statement(sql: str, file: str = "") -> "Statement":
    """Read a text that holds one statement.

    Args:
        sql: The text, comments and all.
        file: Where it comes from, for messages; left out for a text of no file.

    Raises:
        StatementError: The text is not one GoogleSQL statement.
    """
    try:
        return Statement(sql, file, parse_statement(sql))
    except SqlError as error:
        raise StatementError(suggestion.of_syntax(error, sql), sql, file) from None


@dataclass(frozen=True)
class Statement:
    """One statement.

    Attributes:
        sql: The text as given.
        file: Where it comes from; empty for a text of no file.
        tree: Its syntax tree.
    """

    sql: str
    file: str
    tree: Node

    @property
    def kind(self) -> str:
        """BigQuery's `statementType`: `CREATE_MODEL`, `SELECT` and so on."""
        return statement_kind(self.tree)

    @property
    def header(self) -> str:
        """The comment that the text begins with, without its marks; empty when there is none."""
        return header_comment(self.sql)

    @cached_property
    def create_model(self) -> CreateModel | None:
        """The parts of a CREATE MODEL; None for another statement."""
        if self.kind != "CREATE_MODEL":
            return None
        return read_create_model(self.tree, Text(self.sql))

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """The tables and models that it names, in the order of the text."""
        return tuple(read_references(self.tree))

    def qualified(
        self,
        project: str,
        dataset_id: str,
        *,
        target: Sequence[str] | None = None,
        replace: bool | None = None,
    ) -> str:
        """Write the statement with whole paths; everything else stays as it is, comments too.

        Args:
            project: Project for names without one.
            dataset_id: Dataset for names without one.
            target: The path of what the statement makes, in place of the one it gives.
            replace: For CREATE MODEL, True to write OR REPLACE, False neither that nor IF NOT
                EXISTS. Left out, the statement's own words stay.

        Returns:
            A statement that names `` `project`.`dataset`.`name` `` wherever a table or a model is
            meant. One that does so already comes back unchanged.
        """
        edits = []
        for reference in self.references:
            path = whole_path(reference.path, project, dataset_id)
            if reference.is_target and target is not None:
                path = tuple(target)
            if path != reference.path:
                edits.append(Edit(reference.start, reference.end, quoted_path(path)))
        if replace is not None and self.create_model is not None:
            start, end = self.create_model.ranges["path"][0], self.tree.start
            words = "CREATE OR REPLACE MODEL " if replace else "CREATE MODEL "
            edits.append(Edit(end, start, words))
        return EditedText(Text(self.sql), edits).sql

    def with_options(self, values: Mapping[str, Any]) -> str:
        """Write a CREATE MODEL statement with some options set, those it has already replaced.

        Args:
            values: Values by option names in upper case; see `bqvertex.specs.literal`.

        Raises:
            ValueError: The statement is no CREATE MODEL, or a value has no literal.
        """
        create = self.create_model
        if create is None:
            raise ValueError(
                f"{self.file or 'statement'} is {self.kind}; options need CREATE MODEL"
            )
        written = {name: f"{name} = {render(value)}" for name, value in values.items()}
        edits = [
            Edit(*create.ranges[f"option {name}"], text)
            for name, text in written.items()
            if f"option {name}" in create.ranges
        ]
        added = ", ".join(t for name, t in written.items() if f"option {name}" not in create.ranges)
        if added and create.options:
            last = max(
                end for name, (_, end) in create.ranges.items() if name.startswith("option ")
            )
            edits.append(Edit(last, last, f", {added}"))
        elif added:
            edits.append(self._new_options(create, added))
        return EditedText(Text(self.sql), edits).sql

    def definition_hash(
        self,
        project: str,
        dataset_id: str,
        *,
        without_options: Collection[str] = (),
        caseless_options: Collection[str] = (),
    ) -> str:
        """Hash what the statement means, SHA-256 in hexadecimal.

        How it is written makes no difference, see `googlesql.meaning`; nor do OR REPLACE and IF
        NOT EXISTS, and whether a name is bare or whole. Another version of the toolkit may hash
        in another way: hash both statements before comparing.

        Args:
            project: Project for names without one.
            dataset_id: Dataset for names without one.
            without_options: Options in upper case whose change is not to count.
            caseless_options: Options in upper case whose texts BigQuery reads in any case.
        """
        whole = self.qualified(project, dataset_id)
        meant = meaning(
            parse_statement(whole),
            whole,
            without_options=without_options,
            caseless_options=caseless_options,
        )
        return hashlib.sha256(meant.encode()).hexdigest()

    def check(
        self,
        schemas: Mapping[str, Sequence[Mapping[str, Any]]],
        *,
        models: Mapping[str, KnownModel] | None = None,
        output_columns: OutputColumns | None = None,
    ) -> Analysis | None:
        """Check names and types against declared tables, offline.

        Args:
            schemas: The columns of tables, as the REST API's `TableFieldSchema`, by the names that
                the statement uses for them: `departures`, `dataset.departures`.
            models: Models whose functions it may call, by the names that it uses for them. Left
                out, none is known.
            output_columns: See `googlesql.analyzer.analyze`; in place of `models`.

        Returns:
            What is known of the statement; None when it calls a function that only BigQuery
            knows, names a table or a model that is not declared, or is too much for ZetaSQL: then
            it is checked as far as all that allows, and BigQuery checks the rest when it runs.

        Raises:
            StatementError: BigQuery would refuse the statement.
            ValueError: A schema names a type that GoogleSQL does not have.
        """
        tables = {tuple(name.split(".")): columns_from_rest(s) for name, s in schemas.items()}
        return self.check_partially(tables, models=models, output_columns=output_columns).analysis

    def check_partially(
        self,
        tables: Tables,
        *,
        models: Mapping[str, KnownModel] | None = None,
        output_columns: OutputColumns | None = None,
    ) -> PartialAnalysis:
        """Check names and types as far as tables, models and functions are known, offline.

        Args:
            tables: See `googlesql.analyzer.analyze_partially`.
            models: Models whose functions it may call, by the names that it uses for them. Left
                out, none is known.
            output_columns: See `googlesql.analyzer.analyze`; in place of `models`.

        Raises:
            StatementError: BigQuery would refuse the statement, whatever is not known.
        """
        if output_columns is None:
            paths = {tuple(name.split(".")): model for name, model in (models or {}).items()}
            output_columns = output_columns_of(paths)
        try:
            return analyze_partially(
                self.sql, tables, output_columns=output_columns, tree=self.tree
            )
        except SqlError as error:
            raise StatementError(error, self.sql, self.file) from None

    def _new_options(self, create: CreateModel, added: str) -> Edit:
        """Put an OPTIONS clause where the grammar wants it: after all but the query."""
        heads = ("path", "transform", "inputs", "outputs", "connection")
        after = max(create.ranges[name][1] for name in heads if name in create.ranges)
        following = [
            token
            for token in tokens(self.sql)
            if token.start >= after and token.kind not in (TokenKind.SPACE, TokenKind.COMMENT)
        ]
        if following and following[0].text.upper() == "OPTIONS":
            # It is there and empty; the syntax tree gives it no place.
            return Edit(following[1].end, following[1].end, added)
        return Edit(after, after, f"\nOPTIONS ({added})")


def whole_path(path: tuple[str, ...], project: str, dataset_id: str) -> tuple[str, ...]:
    """Give the name of what lives in a dataset the parts that it lacks."""
    upper = [part.upper() for part in path]
    # A metadata view's own name counts as one part with INFORMATION_SCHEMA.
    parts = upper.index(_METADATA) + 1 if _METADATA in upper else len(path)
    if parts == 1:
        return (project, dataset_id, *path)
    return (project, *path) if parts == 2 else path
