"""What a change of a model's inputs does, in a table."""

from bqvertex.specs.model import IDENTITY, METADATA
from bqvertex.specs.model_kind import ModelKind

from generate.model_page.table import table


def change_table(kind: ModelKind) -> str:
    """Write what each change of a model of a kind does."""
    inputs = sorted(METADATA - {"alterable_options", "owner"})
    options = sorted(name for name, option in kind.options.items() if option.alterable)
    metadata = ", ".join(f"`{name}`" for name in (*inputs, *options))
    identity = ", ".join(f"`{name}`" for name in sorted(IDENTITY))
    rows = [
        ("comments, layout, case of keywords, order of options", "nothing"),
        (metadata, "altered in place, nothing is trained"),
        (_definition(kind), _again(kind)),
        (identity, "another model: the old one is deleted, this one is made"),
    ]
    return table(("you change", "what happens"), rows)


def _definition(kind: ModelKind) -> str:
    parts = [
        "any other option" if any(o.alterable for o in kind.options.values()) else "any option"
    ]
    for clause, words in (
        ("query", "the query"),
        ("transform", "`TRANSFORM`"),
        ("holidays", "custom holidays"),
        ("fields", "`INPUT` or `OUTPUT`"),
        ("connection", "the connection"),
    ):
        if clause in kind.clauses:
            parts.append(words)
    columns = ["a column's type that a table's new schema changes"] if kind.has_query else []
    return ", ".join([*parts, *columns, "`retrain_on`"])


def _again(kind: ModelKind) -> str:
    if kind.is_trained:
        return "trained anew in place; the old model serves until then"
    if kind.category == "imported":
        return "imported anew in place; the old model serves until then"
    return "made anew in place, nothing is trained"
