"""A BigQuery ML model as plain data: what it should be, how to say it in SQL, what changed."""

from bqvertex.specs.model.definition import alterable_of, changed, derived, is_accepted, is_known
from bqvertex.specs.model.problem import live_problems, problems
from bqvertex.specs.model.rendering import (
    candidate_statement,
    create_statement,
    evaluate_statement,
    register_statement,
    undeclared_tables,
)
from bqvertex.specs.model.spec import (
    DEFINITION,
    ESTIMATES,
    IDENTITY,
    INPUTS,
    METADATA,
    REQUIRED,
    SILENT,
    ModelSpec,
)

__all__ = [
    "DEFINITION",
    "ESTIMATES",
    "IDENTITY",
    "INPUTS",
    "METADATA",
    "REQUIRED",
    "SILENT",
    "ModelSpec",
    "alterable_of",
    "candidate_statement",
    "changed",
    "create_statement",
    "derived",
    "evaluate_statement",
    "is_accepted",
    "is_known",
    "live_problems",
    "problems",
    "register_statement",
    "undeclared_tables",
]
