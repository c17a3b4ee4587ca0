"""Names of Google's resources: what is allowed, and how SQL writes them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bqvertex.specs.inputs import Problem
from bqvertex.specs.unknown import is_unknown
from googlesql.literal import quoted


@dataclass(frozen=True)
class Rule:
    """What one kind of id may look like.

    Attributes:
        noun: What it names, for messages.
        pattern: The ids that are allowed.
        words: The rule in words.
        source: Google's page that states it.
    """

    noun: str
    pattern: re.Pattern[str]
    words: str
    source: str


PROJECT: Final = Rule(
    "project id",
    # `example.com:name` is the id of a project of the days when they belonged to a domain.
    re.compile(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]"),
    "6 to 30 lower-case letters, digits and '-', beginning with a letter, not ending with '-'",
    "https://cloud.google.com/resource-manager/docs/creating-managing-projects",
)
DATASET: Final = Rule(
    "dataset id",
    re.compile(r"[A-Za-z0-9_]{1,1024}", re.ASCII),
    "1 to 1024 letters, digits and '_'",
    "https://cloud.google.com/bigquery/docs/datasets#dataset-naming",
)
MODEL: Final = Rule(
    "model id",
    re.compile(r"[A-Za-z0-9_]{1,1024}", re.ASCII),
    "1 to 1024 letters, digits and '_'",
    "https://cloud.google.com/bigquery/docs/reference/standard-sql/bigqueryml-syntax-create",
)
TABLE: Final = Rule(
    "table id",
    re.compile(r"[\w\- ]{1,1024}"),
    "1 to 1024 letters, marks, digits, '_', '-' and spaces",
    "https://cloud.google.com/bigquery/docs/tables#table_naming",
)
CONNECTION: Final = Rule(
    "connection id",
    re.compile(r"[A-Za-z0-9_-]{1,1024}", re.ASCII),
    "1 to 1024 letters, digits, '_' and '-'",
    "https://cloud.google.com/bigquery/docs/reference/bigqueryconnection/rest/v1/"
    "projects.locations.connections/create",
)


def problems(name: str, value: Any, rule: Rule) -> Iterator[Problem]:
    """Yield what is wrong with an id.

    Args:
        name: The input it was given as.
        value: The id; None and what is not known yet are left to others to check.
        rule: What it must look like.
    """
    if value is None or is_unknown(value):
        return
    if not isinstance(value, str) or not rule.pattern.fullmatch(value):
        yield name, f"{value!r} is no {rule.noun}; allowed are {rule.words} ({rule.source})"


def quoted_path(parts: Sequence[str]) -> str:
    """Write a path with each part in backquotes: `` `p`.`d`.`m` ``.

    Part by part, since a path quoted as a whole has no last part that names the table in the rest
    of the query.

    Raises:
        ValueError: A part is empty or not valid Unicode.
    """
    return ".".join(quoted(part) for part in parts)
