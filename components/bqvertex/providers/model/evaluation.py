"""What ML.EVALUATE answers of a model."""

from statistics import fmean

from bqvertex.clients.bigquery import BigQuery, LiveModel
from bqvertex.providers.model.state import finite
from bqvertex.specs.model import ModelSpec, evaluate_statement


def evaluation_metrics(
    bigquery: BigQuery, spec: ModelSpec, path: str, live: LiveModel
) -> dict[str, float]:
    """Evaluate a model.

    Args:
        bigquery: The service.
        spec: What the model was made of.
        path: The model, `project.dataset.model`.
        live: The model as BigQuery has it.

    Returns:
        Finite values by metric: of the trial that answers where hyperparameters were tuned, and
        the mean over all series where a model has several. Empty for a kind that has no evaluation
        of its own.
    """
    sql = evaluate_statement(spec, path)
    if sql is None:
        return {}
    rows = bigquery.rows(spec.project, spec.location, sql)
    chosen = [row for row in rows if row.get("trial_id") in (None, live.default_trial_id)]
    values: dict[str, list[float]] = {}
    for row in chosen or rows:
        for metric, value in finite(row).items():
            values.setdefault(metric, []).append(value)
    values.pop("trial_id", None)
    return {metric: fmean(found) for metric, found in values.items()}
