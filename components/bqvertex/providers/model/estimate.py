"""What BigQuery says of a training before it runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bqvertex.clients.bigquery import BigQuery
from bqvertex.clients.bigquery.service import FieldSchema
from bqvertex.clients.errors import (
    CloudError,
    FailedPrecondition,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    Unauthenticated,
    Unavailable,
)
from bqvertex.specs.model import ModelSpec, create_statement, undeclared_tables
from bqvertex.specs.training_limit import estimates, limit_problems, price
from bqvertex.specs.training_price import unknown_rate

PREVIEW_S = 5.0
"""Seconds that a preview waits for BigQuery."""
DRY_RUN_S = 60.0
"""Seconds that an update waits for it."""


@dataclass(frozen=True)
class Preview:
    """What BigQuery said.

    Attributes:
        estimates: `estimated_bytes_processed` and `estimated_price_usd`, as far as they are known.
        refusal: Why it would refuse the statement; empty where it would not, or did not say.
        schemas: Columns of the tables that are there and that nobody declared, by the names that
            the statement uses.
    """

    estimates: Mapping[str, int | float] = field(default_factory=dict)
    refusal: str = ""
    schemas: Mapping[str, list[FieldSchema]] = field(default_factory=dict)


class Estimates:
    """Asks for dry runs."""

    def __init__(self, bigquery: BigQuery) -> None:
        """Keep the service."""
        self._bigquery = bigquery
        # Nobody is waited for twice: a run of many models on a plane stays a preview.
        self._is_answered = True

    def preview(self, spec: ModelSpec) -> Preview:
        """Ask what a training would read, once and quickly; no answer is no error.

        Args:
            spec: What is declared: its statement is right, as far as that is known offline.
        """
        statement = spec.read_statement
        if statement.parts.query is None:
            return Preview(estimates(statement, spec.location, 0))
        if not self._is_answered:
            return Preview()
        known: Mapping[str, int | float] = {}
        refusal = ""
        try:
            dry_run = self._bigquery.dry_run(
                spec.project,
                spec.location,
                create_statement(spec, replace=True),
                attempts_s=PREVIEW_S,
            )
            known = estimates(statement, spec.location, dry_run.bytes_processed)
        except (Unavailable, Unauthenticated):
            self._is_answered = False
            return Preview()
        except InvalidRequest as error:
            if error.reason == "invalidQuery":
                refusal = str(error)
        except CloudError:
            # What is missing may be made before the model, and who previews may be allowed less
            # than who updates.
            pass
        return Preview(known, refusal, self._undeclared(spec))

    def hold(self, spec: ModelSpec) -> None:
        """Refuse a training that would cost more than `max_price_usd`, right before it begins.

        Raises:
            FailedPrecondition: It is above a limit, or what it costs cannot be told.
            CloudError: BigQuery could not be asked.
        """
        statement = spec.read_statement
        tried = f"train model {spec.path}"
        dry_run = self._bigquery.dry_run(
            spec.project, spec.location, create_statement(spec, replace=True), attempts_s=DRY_RUN_S
        )
        found = estimates(statement, spec.location, dry_run.bytes_processed)
        if "estimated_price_usd" not in found:
            if price(statement, spec.location, dry_run.bytes_processed) is None:
                why = unknown_rate(statement.kind.price_class, spec.location)
            else:
                why = f"BigQuery estimates no bytes for {statement.kind.subject}"
            raise FailedPrecondition(
                f"{tried}: max_price_usd cannot be held, since {why}; leave it out, and set "
                "max_bytes_billed instead"
            )
        limits = {"max_price_usd": spec.max_price_usd, "max_bytes_billed": spec.max_bytes_billed}
        for name, reason in limit_problems(limits, found):
            raise FailedPrecondition(f"{tried}: {name} {reason}; nothing was trained")

    def _undeclared(self, spec: ModelSpec) -> dict[str, list[FieldSchema]]:
        found: dict[str, list[FieldSchema]] = {}
        for name, path in undeclared_tables(spec).items():
            try:
                found[name] = [*self._bigquery.table(path).schema]
            except (NotFound, PermissionDenied):
                continue
        return found
