"""What a refusal of BigQuery means and what to do about it, by Google's reason.

Sources: https://docs.cloud.google.com/bigquery/docs/error-messages,
https://docs.cloud.google.com/bigquery/docs/troubleshoot-quotas and, of CREATE MODEL,
https://docs.cloud.google.com/bigquery/quotas#create_model_statements
"""

from bqvertex.clients import errors

BY_REASON: dict[str, str] = {
    "billingNotEnabled": (
        "the project has no billing account: link one, or name another project; the sandbox "
        "trains no model"
    ),
    "billingTierLimitExceeded": (
        "on demand it takes too much computing for the bytes it reads: simplify the joins of the "
        "query, or assign the project to a reservation"
    ),
    "blocked": "Google has blocked the operation for the time being: ask its support",
    "bytesBilledLimitExceeded": (
        "it would be billed more bytes than the limit allows, and nothing was billed: raise "
        "max_bytes_billed, or read less (fewer columns, a filter on the partition)"
    ),
    "jobRateLimitExceeded": (
        "too many jobs in too short a time: lower --parallel, or run it again; what is done is "
        "not done again"
    ),
    "quotaExceeded": (
        "a quota of the project is spent and waiting a moment does not help: the message names it. "
        "Wait until it is granted anew (a day, for CREATE MODEL 48 hours), or ask for more at "
        "https://console.cloud.google.com/iam-admin/quotas"
    ),
    "rateLimitExceeded": (
        "too many requests in too short a time, and it stayed so: lower --parallel, or run it "
        "again; what is done is not done again"
    ),
    "resourcesExceeded": (
        "it needs more memory or slots than one job gets: train on fewer rows or columns, without "
        "ORDER BY, or with fewer distinct values in text columns; a reservation gives more slots"
    ),
    "responseTooLarge": (
        "an answer is larger than BigQuery returns: leave out ORDER BY, or select less"
    ),
    "stopped": (
        "the job was cancelled at BigQuery, or by this toolkit's own Ctrl-C; run it again to "
        "begin anew"
    ),
    "timeout": "the job took longer than job_timeout_s: raise it, or train on less",
}
"""By Google's reason. Those that are not here are told by their kind."""

BY_KIND: dict[type[errors.CloudError], str] = {
    errors.PermissionDenied: "grant a role with the permission named here to the caller",
    errors.Unauthenticated: "sign in with `gcloud auth application-default login`",
    errors.QuotaExceeded: "wait, or ask for more quota, and run it again",
    errors.Unavailable: "run it again; what was begun is found and goes on",
    errors.FailedPrecondition: "change what stands in the way and run it again",
}

# Google's sentence is not documented: its two words are, in the page of the statement.
NEEDS_RESERVATION = ("reservation", "on-demand")
RESERVATION = (
    "this kind is trained in a reservation only: make one of the edition Enterprise or Enterprise "
    "Plus (0 slots and autoscaling are enough), assign the project to it with the job type QUERY, "
    "wait a minute or two and run it again; see https://docs.cloud.google.com/bigquery/docs/"
    "reference/standard-sql/bigqueryml-syntax-create-matrix-factorization#pricing"
)


def advice(kind: type[errors.CloudError], reason: str, message: str) -> str:
    """Say what to do.

    Args:
        kind: The error that it became.
        reason: Google's word for it; empty where there was none.
        message: Google's sentence.

    Returns:
        What follows the sentence, from its semicolon; empty where there is nothing to add.
    """
    lowered = message.lower()
    if all(word in lowered for word in NEEDS_RESERVATION):
        return f"; {RESERVATION}"
    said = BY_REASON.get(reason) or BY_KIND.get(kind)
    return f"; {said}" if said else ""
