"""What a training costs, estimated before it runs, from bytes and dated list prices.

The rates are in `training_price.json`, each with its date and where it was read. They are list
prices on demand: in a reservation slots are paid and not bytes. A free tier is not subtracted:
Google's lists 1 TiB of queries a month, and none for CREATE MODEL
(https://cloud.google.com/bigquery/pricing, as third parties read it in 2026-09).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

TIB: Final = 1024**4
MINIMUM_BYTES: Final = 10 * 1024**2
"""Bytes billed at least. Google says so of each query, and of each table that one reads, which is
not counted here: https://docs.cloud.google.com/bigquery/docs/reservations-intro"""

CHARGES: Final = {"internal": "create_model", "external": "query"}
"""By price class, the charge for its bytes: those that BigQuery trains itself at the rate of
CREATE MODEL, those that Vertex AI trains at the rate of queries."""
NO_CHARGE: Final = "none"

# Models that AUTO_ARIMA tries by AUTO_ARIMA_MAX_ORDER, each of which reads the bytes. Fewer
# where d is not 1 and there is one series: the higher number is taken.
# https://cloud.google.com/bigquery/pricing#bqml, as third parties read it on 2026-09-05
ARIMA_CANDIDATES: Final = {1: 6, 2: 12, 3: 20, 4: 30, 5: 42}


@dataclass(frozen=True)
class Price:
    """An estimate.

    Attributes:
        usd: US dollars.
        basis: How it was reckoned: bytes, rate, date and source, in one sentence.
        is_whole: False where more is charged that nobody can tell before it runs: Vertex AI's
            training.
    """

    usd: float
    basis: str
    is_whole: bool = True


@dataclass(frozen=True)
class Rate:
    """One list price.

    Attributes:
        charge: `create_model` or `query`.
        location: Of the dataset.
        usd_per_tib: US dollars per 2**40 bytes.
        as_of: Date of the reading, such as `2026-08-05`.
        source: Where it was read.
        verified: Whether this project saw it in Google's own text.
        note: What else is to be known of it; may be empty.
    """

    charge: str
    location: str
    usd_per_tib: float
    as_of: str
    source: str
    verified: bool
    note: str


def estimate(
    price_class: str, location: str, bytes_processed: int, *, candidate_models: int = 1
) -> Price | None:
    """Estimate the list price of one training, on demand.

    Args:
        price_class: `internal`, `external` or `none`, see `ModelKind.price_class`.
        location: Of the dataset, such as `US`; case does not matter.
        bytes_processed: Bytes that the statement reads, as a dry run says.
        candidate_models: How many models are trained on those bytes, see `candidate_models`.

    Returns:
        The estimate, or None where no rate is known: `unknown_rate` says which.
    """
    if price_class == NO_CHARGE:
        return Price(0.0, "BigQuery processes and charges no bytes")
    rate = rates().get((CHARGES[price_class], location.lower()))
    if rate is None:
        return None
    billed = max(bytes_processed, MINIMUM_BYTES) * candidate_models
    basis = (
        f"{billed / TIB:.6f} TiB at {rate.usd_per_tib:g} USD per TiB in {rate.location}, "
        f"list price as of {rate.as_of}{'' if rate.verified else ', unverified'}, {rate.source}"
    )
    is_whole = price_class == "internal"
    if not is_whole:
        basis += "; Vertex AI charges the training itself, which nobody can tell beforehand"
    return Price(billed / TIB * rate.usd_per_tib, basis, is_whole)


def unknown_rate(price_class: str, location: str) -> str:
    """Say that there is no rate for a training.

    Args:
        price_class: `internal` or `external`.
        location: Of the dataset.

    Returns:
        A sentence that names the locations whose rate is known.
    """
    charge = CHARGES[price_class]
    known = ", ".join(sorted(rate.location for rate in rates().values() if rate.charge == charge))
    what = {"create_model": "CREATE MODEL", "query": "queries"}[charge]
    return (
        f"the price of {what} per TiB in {location} is not known here (known: {known}); see "
        "https://cloud.google.com/bigquery/pricing"
    )


def candidate_models(options: Mapping[str, Any]) -> int:
    """Count the models that a time series training tries, each of which reads all bytes.

    Args:
        options: Options of the statement by upper-case name; values as Python has them.

    Returns:
        1 without AUTO_ARIMA, else at most so many: fewer where the series needs no differencing.
    """
    if options.get("AUTO_ARIMA") is False:
        return 1
    order = int(options.get("AUTO_ARIMA_MAX_ORDER", 2))
    return ARIMA_CANDIDATES[min(max(order, 1), 5)]


@cache
def rates() -> Mapping[tuple[str, str], Rate]:
    """All rates, by charge and lower-case location."""
    text = files("bqvertex.specs").joinpath("training_price.json").read_text(encoding="utf-8")
    listed = (Rate(**entry) for entry in json.loads(text)["rates"])
    return {(rate.charge, rate.location.lower()): rate for rate in listed}
