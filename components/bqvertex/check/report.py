"""Findings in the formats that people, programs, code hosts and CI read."""

import json
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import PurePath
from typing import Any, Final, TypeAlias
from urllib.parse import quote

import click

from bqvertex.check.finding import DESCRIPTIONS, CheckResult, Finding, Rule, Severity

_COLOURS: Final = {Severity.ERROR: "red", Severity.WARNING: "yellow"}
_EXCERPT_WIDTH: Final = 100
_TAB: Final = 8
_SARIF_SCHEMA: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def text(result: CheckResult) -> str:
    """Write findings for a terminal: place, reason, the line and a caret under the place."""
    return "".join(f"{_in_words(finding)}\n" for finding in result.findings)


def summary(result: CheckResult) -> str:
    """Say in one line how many findings there are, in how much."""
    size = f"{_count(len(result.files), 'file')}, {_count(result.statements, 'statement')}"
    errors, warnings = result.count(Severity.ERROR), result.count(Severity.WARNING)
    found = ", ".join(
        part for part in (_count(errors, "error"), warnings and _count(warnings, "warning")) if part
    )
    return f"{found} in {size} ({result.seconds:.1f} s)"


def as_json(result: CheckResult) -> str:
    """Write findings as one JSON object; docs/check.md says what it holds."""
    findings = [
        {
            "file": finding.file,
            "line": finding.line,
            "column": finding.column,
            "severity": finding.severity.value,
            "rule": finding.rule.value,
            "reason": finding.reason,
        }
        for finding in result.findings
    ]
    counted = {
        "files": len(result.files),
        "statements": result.statements,
        "errors": result.count(Severity.ERROR),
        "warnings": result.count(Severity.WARNING),
        "seconds": round(result.seconds, 3),
    }
    return _dumped({"version": 1, "findings": findings, "summary": counted})


def sarif(result: CheckResult) -> str:
    """Write findings as a SARIF 2.1.0 log, https://docs.oasis-open.org/sarif/sarif/v2.1.0."""
    driver = {
        "name": "bqvertex check",
        "version": version("bqvertex"),
        "rules": [
            {"id": rule.value, "shortDescription": {"text": DESCRIPTIONS[rule]}} for rule in Rule
        ],
    }
    run = {
        "tool": {"driver": driver},
        # Of characters, as the columns of findings are.
        "columnKind": "unicodeCodePoints",
        "results": [_sarif_result(finding) for finding in result.findings],
    }
    return _dumped({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]})


def github(result: CheckResult) -> str:
    """Write findings as commands that GitHub Actions turns into annotations.

    https://docs.github.com/actions/reference/workflow-commands-for-github-actions
    """
    return "".join(
        f"::{finding.severity.value} file={_property(finding.file)},line={finding.line},"
        f"col={finding.column},title={_property(f'bqvertex {finding.rule.value}')}"
        f"::{_message(finding.reason)}\n"
        for finding in result.findings
    )


Format: TypeAlias = Callable[[CheckResult], str]
FORMATS: Final[Mapping[str, Format]] = {
    "text": text,
    "json": as_json,
    "sarif": sarif,
    "github": github,
}


def _in_words(finding: Finding) -> str:
    place = click.style(f"{finding.file}:{finding.line}:{finding.column}:", bold=True)
    severity = click.style(f"{finding.severity.value}:", fg=_COLOURS[finding.severity])
    words = f"{place} {severity} {finding.reason}"
    return "\n".join((words, *_excerpt(finding)))


def _excerpt(finding: Finding) -> list[str]:
    """Return the part of the line around the place, and a caret under it."""
    line = finding.source.expandtabs(_TAB)
    if not line.strip():
        return []
    at = finding.column - 1
    start = max(0, at - _EXCERPT_WIDTH * 3 // 4) if len(line) > _EXCERPT_WIDTH else 0
    shown = line[start : start + _EXCERPT_WIDTH]
    before, after = "…" if start else "", "…" if start + _EXCERPT_WIDTH < len(line) else ""
    caret = " " * (at - start + len(before)) + click.style("^", fg=_COLOURS[finding.severity])
    return [f"  {before}{shown}{after}", f"  {caret}"]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _sarif_result(finding: Finding) -> dict[str, Any]:
    return {
        "ruleId": finding.rule.value,
        "ruleIndex": list(Rule).index(finding.rule),
        "level": finding.severity.value,
        "message": {"text": finding.reason},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(finding.file)},
                    "region": {
                        "startLine": finding.line,
                        "startColumn": _character(finding),
                    },
                }
            }
        ],
    }


def _character(finding: Finding) -> int:
    """Return the column with a tab as one character, as SARIF counts."""
    for taken in range(len(finding.source)):
        if len(finding.source[:taken].expandtabs(_TAB)) + 1 >= finding.column:
            return taken + 1
    return finding.column


def _uri(file: str) -> str:
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


def _message(words: str) -> str:
    return words.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _message(value).replace(":", "%3A").replace(",", "%2C")


def _dumped(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
