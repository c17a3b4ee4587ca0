"""What is wrong in a file, or could not be checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding matters.

    An `error` is what BigQuery would refuse. A `warning` is what could not be checked here.
    """

    ERROR = "error"
    WARNING = "warning"


class Rule(StrEnum):
    """What a finding is about; the text is its id in every format."""

    SYNTAX = "syntax"
    STATEMENT = "statement"
    MODEL = "model"
    CIRCLE = "circle"
    SCHEMA = "schema"
    FILE = "file"
    NOT_CHECKED = "not-checked"


DESCRIPTIONS = {
    Rule.SYNTAX: "The text is not GoogleSQL.",
    Rule.STATEMENT: "A name, a type or a function in the statement is wrong.",
    Rule.MODEL: "An option, a clause or a column of CREATE MODEL is wrong.",
    Rule.CIRCLE: "Views read one another in a circle.",
    Rule.SCHEMA: "A schema file does not list the columns of a table.",
    Rule.FILE: "A file cannot be read as text.",
    Rule.NOT_CHECKED: "What a statement names is not declared, so that part was not checked.",
}


@dataclass(frozen=True)
class Finding:
    """One finding.

    Attributes:
        file: The file, as it was found: relative where the given path was.
        line: Line, from 1; 1 when the whole file is meant.
        column: Column, from 1, in characters, a tab reaching to the next multiple of eight; 1 when
            the whole line is meant.
        severity: How much it matters.
        rule: What it is about.
        reason: What is wrong, what is allowed and what to do, in one line or more.
        source: The line of the file; empty when the file cannot be read.
    """

    file: str
    line: int
    column: int
    severity: Severity
    rule: Rule
    reason: str
    source: str


@dataclass(frozen=True)
class CheckResult:
    """What a check found.

    Attributes:
        findings: The findings, by file and place.
        files: The SQL files that were checked, in their order.
        statements: How many statements they hold.
        seconds: How long it took.
    """

    findings: Sequence[Finding]
    files: Sequence[str]
    statements: int
    seconds: float

    def count(self, severity: Severity) -> int:
        """Return how many findings are of a severity."""
        return sum(finding.severity is severity for finding in self.findings)
