"""What a training may read and cost at most, held against what BigQuery says beforehand."""

from collections.abc import Iterator, Mapping
from typing import Any

from bqvertex.specs.inputs import Problem
from bqvertex.specs.model_statement import ModelStatement
from bqvertex.specs.training_price import Price, candidate_models, estimate
from bqvertex.specs.unknown import holds_unknown


def price(statement: ModelStatement, location: str, bytes_processed: int) -> Price | None:
    """Estimate the list price of a statement's training; None where no rate is known.

    Args:
        statement: The CREATE MODEL statement.
        location: The dataset's location.
        bytes_processed: Bytes that a dry run said.
    """
    kind = statement.kind
    models = candidate_models(statement.parts.options) if kind.category == "timeseries" else 1
    return estimate(kind.price_class, location, bytes_processed, candidate_models=models)


def estimates(
    statement: ModelStatement, location: str, bytes_processed: int
) -> dict[str, int | float]:
    """Say what a training reads and costs, as far as a dry run tells.

    Args:
        statement: The CREATE MODEL statement.
        location: The dataset's location.
        bytes_processed: Bytes that the dry run said.

    Returns:
        `estimated_bytes_processed`, and `estimated_price_usd` where a rate is known. Empty where
        a dry run said 0 bytes of a kind of which it promises none: then nobody knows.
        https://docs.cloud.google.com/bigquery/docs/bqml-introduction
    """
    kind = statement.kind
    if not bytes_processed and kind.is_trained and not kind.dry_run_estimates:
        return {}
    found: dict[str, int | float] = {"estimated_bytes_processed": bytes_processed}
    if (known := price(statement, location, bytes_processed)) is not None:
        found["estimated_price_usd"] = known.usd
    return found


def limit_problems(inputs: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield which limits a training would exceed.

    Args:
        inputs: Inputs with `max_bytes_billed` and `max_price_usd`, if any.
        found: `estimated_bytes_processed` and `estimated_price_usd`, as far as they are known.
    """
    for limit, name, unit in (
        ("max_bytes_billed", "estimated_bytes_processed", "bytes"),
        ("max_price_usd", "estimated_price_usd", "USD"),
    ):
        most, expected = inputs.get(limit), found.get(name)
        if most is not None and expected is None and "estimated_bytes_processed" in found:
            yield (
                limit,
                f"cannot be held: the list price of this training in {inputs.get('location')} is "
                "not known here; leave it out, and set max_bytes_billed instead",
            )
        if most is None or expected is None or holds_unknown([most, expected]):
            continue
        if expected > most:
            yield (
                limit,
                f"allows {_written(most)} {unit}, and the training is estimated at "
                f"{_written(expected)} {unit}: read less, or raise the limit",
            )


def _written(amount: float) -> str:
    return f"{amount:,.0f}" if float(amount).is_integer() else f"{amount:.3g}"
