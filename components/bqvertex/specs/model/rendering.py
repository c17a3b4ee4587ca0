"""The SQL of a model: trained, as a candidate, registered, evaluated."""

from collections.abc import Collection, Sequence

from bqvertex.specs import evaluation_gate
from bqvertex.specs.evaluation_gate import REGISTRY_OPTIONS
from bqvertex.specs.identifier import quoted_path
from bqvertex.specs.literal import options
from bqvertex.specs.model.spec import CANDIDATE_SUFFIX, ModelSpec
from bqvertex.specs.model_statement import (
    ModelStatement,
    read_model_statement,
)
from googlesql.edit import Edit, EditedText
from googlesql.position import Text
from googlesql.reference import ReferenceKind


def create_statement(spec: ModelSpec, *, replace: bool) -> str:
    """Write the statement that trains the model.

    Args:
        spec: The model.
        replace: False: BigQuery refuses when a model of that name is there. True: the model that
            is there serves until this one is trained.
    """
    return spec.read_statement.rendered(
        spec.project, spec.dataset_id, spec.model_id, replace=replace
    )


def candidate_statement(spec: ModelSpec, *, replace: bool) -> str:
    """Write the statement that trains the model beside the one that serves, not registered.

    Args:
        spec: The model.
        replace: Whether another candidate is there.
    """
    read = read_model_statement(
        without_options(spec.read_statement, REGISTRY_OPTIONS), spec.statement_file
    )
    model_id = f"{spec.model_id}{CANDIDATE_SUFFIX}"
    return read.rendered(spec.project, spec.dataset_id, model_id, replace=replace)


def without_options(statement: ModelStatement, names: Collection[str]) -> str:
    """Write a statement without some of its options; the text of the others stays.

    Args:
        statement: A statement with at least one other option.
        names: Options in upper case.
    """
    text = Text(statement.statement.sql)
    places = sorted(
        (*place, key.removeprefix("option "))
        for key, place in statement.parts.ranges.items()
        if key.startswith("option ")
    )
    kept = [text.slice(start, end) for start, end, name in places if name not in names]
    if len(kept) == len(places):
        return text.sql
    return EditedText(text, [Edit(places[0][0], places[-1][1], ", ".join(kept))]).sql


def register_statement(spec: ModelSpec) -> str | None:
    """Write what registers a model that was copied into its place; None where nothing asks to.

    CREATE MODEL registers on its own, and a copy does not:
    https://docs.cloud.google.com/bigquery/docs/managing-models-vertex
    """
    stated = spec.read_statement.parts.options
    if not stated.keys() & {"MODEL_REGISTRY", "VERTEX_AI_MODEL_ID"}:
        return None
    registry_id = stated.get("VERTEX_AI_MODEL_ID") or spec.model_id
    path = quoted_path((spec.project, spec.dataset_id, spec.model_id))
    return f"ALTER MODEL {path} SET OPTIONS ({options({'vertex_ai_model_id': registry_id})})"


def evaluate_statement(spec: ModelSpec, path: str) -> str | None:
    """Write the query for a model's metrics; None for a kind that has none of its own.

    Args:
        spec: What the model was made of.
        path: The model, `project.dataset.model`.
    """
    return evaluation_gate.evaluate_statement(
        spec.read_statement.kind, path, spec.project, spec.dataset_id, spec.evaluation_query
    )


def undeclared_tables(spec: ModelSpec) -> dict[str, str]:
    """Name the tables that a statement reads and whose columns nobody declared.

    Returns:
        Whole paths, `project.dataset.table`, by the names that the statement uses; views of
        metadata and names with a wildcard are left out.
    """

    def whole(path: Sequence[str]) -> str:
        above = (spec.project, spec.dataset_id)[: max(0, 3 - len(path))]
        return ".".join((*above, *path))

    declared = {whole(name.split(".")) for name, columns in spec.schemas.items() if columns}
    reads = {
        ".".join(found.path): whole(found.path)
        for found in spec.read_statement.statement.references
        if found.kind is ReferenceKind.TABLE and not found.is_target and len(found.path) <= 3
    }
    return {
        name: path
        for name, path in reads.items()
        if path not in declared and "*" not in path and "INFORMATION_SCHEMA" not in path.upper()
    }
