"""Options of CREATE MODEL whose values must not stand in a statement."""

from collections.abc import Collection
from functools import cache

from bqvertex.specs.model_kind import kinds


@cache
def secret_options() -> frozenset[str]:
    """Return the names of options that hold a secret."""
    return frozenset(
        option.name
        for kind in kinds().values()
        for option in kind.options.values()
        if option.secret
    )


def secret_problem(options: Collection[str]) -> str | None:
    """Say why a statement must not have some of its options; None when it may.

    BigQuery keeps the text of each query with its job, where those who may list the jobs of a
    project read it: https://docs.cloud.google.com/bigquery/docs/information-schema-jobs#schema
    The state and the preview of a stack hold the statement too.

    Args:
        options: Names of options in any case.
    """
    found = sorted(secret_options() & {name.upper() for name in options})
    if not found:
        return None
    return (
        f"option {', '.join(found)} is a secret, and BigQuery shows statements to everyone who may "
        "list the project's jobs; deploy a gated or private model to a Vertex AI endpoint of your "
        "own, and give that as endpoint"
    )
