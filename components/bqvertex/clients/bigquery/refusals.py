"""What BigQuery and the way to it answer when they refuse, as errors of `bqvertex.clients.errors`.

Google's `reason` decides before the HTTP status does: a spent quota comes as 403 and as 400, a
rate limit as 403 and as 429. Reasons: https://docs.cloud.google.com/bigquery/docs/error-messages
"""

from collections.abc import Iterator
from contextlib import contextmanager

from bqvertex.clients import errors
from bqvertex.clients.bigquery.advice import advice
from bqvertex.clients.bigquery.service import JobError

BY_REASON: dict[str, type[errors.CloudError]] = {
    "accessDenied": errors.PermissionDenied,
    "backendError": errors.Unavailable,
    "badGateway": errors.Unavailable,
    "billingNotEnabled": errors.FailedPrecondition,
    "billingTierLimitExceeded": errors.FailedPrecondition,
    "blocked": errors.PermissionDenied,
    "bytesBilledLimitExceeded": errors.FailedPrecondition,
    "conditionNotMet": errors.FailedPrecondition,
    "duplicate": errors.AlreadyExists,
    "internalError": errors.Unavailable,
    "invalid": errors.InvalidRequest,
    "invalidQuery": errors.InvalidRequest,
    "invalidUser": errors.PermissionDenied,
    "jobBackendError": errors.Unavailable,
    "jobInternalError": errors.Unavailable,
    "jobRateLimitExceeded": errors.QuotaExceeded,
    "notFound": errors.NotFound,
    "notImplemented": errors.InvalidRequest,
    "quotaExceeded": errors.QuotaExceeded,
    "rateLimitExceeded": errors.QuotaExceeded,
    "resourceInUse": errors.FailedPrecondition,
    "resourcesExceeded": errors.JobFailed,
    "responseTooLarge": errors.InvalidRequest,
    "stopped": errors.JobFailed,
    "tableUnavailable": errors.Unavailable,
    "timeout": errors.DeadlineExceeded,
    "userRateLimitExceeded": errors.QuotaExceeded,
}
BY_STATUS: dict[int, type[errors.CloudError]] = {
    400: errors.InvalidRequest,
    401: errors.Unauthenticated,
    403: errors.PermissionDenied,
    404: errors.NotFound,
    409: errors.AlreadyExists,
    412: errors.FailedPrecondition,
    429: errors.QuotaExceeded,
    501: errors.InvalidRequest,
}
# The reasons for which the page above says: run the work again, as a new job.
TRANSIENT_JOB_REASONS = frozenset(
    {
        "backendError",
        "internalError",
        "jobBackendError",
        "jobInternalError",
        "jobRateLimitExceeded",
        "rateLimitExceeded",
        "tableUnavailable",
    }
)
REPEATABLE_REASONS = frozenset(
    {"rateLimitExceeded", "userRateLimitExceeded", "backendError", "internalError", "badGateway"}
)
REPEATABLE_STATUSES = frozenset({429, 500, 502, 503, 504})

# Every connection has a service account of this domain of its own.
CONNECTION_ACCOUNT_DOMAIN = "@gcp-sa-bigquery-condel.iam.gserviceaccount.com"


def job_error(reason: str, message: str) -> JobError:
    """Say of a failed job what follows from its reason."""
    lowered = message.lower()
    return JobError(
        reason=reason,
        message=message,
        transient=reason in TRANSIENT_JOB_REASONS,
        awaits_grant=CONNECTION_ACCOUNT_DOMAIN in lowered and "permission" in lowered,
    )


@contextmanager
def translated(tried: str, on: str, api_endpoint: str | None) -> Iterator[None]:
    """Turn what Google's library raises into a `CloudError`.

    Args:
        tried: What is done, such as `read model`.
        on: On what, such as `project.dataset.model`.
        api_endpoint: Where the local cloud answers; None for Google itself.

    Raises:
        CloudError: Named by Google's reason, else by the HTTP status.
    """
    import requests
    from google.api_core import exceptions as google
    from google.auth import exceptions as auth
    from google.resumable_media.common import InvalidResponse

    # What Google's clients let through of the transport under them.
    transport = (requests.exceptions.RequestException, auth.TransportError, ConnectionError)
    try:
        yield
    except InvalidResponse as error:
        answer: object = google.from_http_response(error.response)  # type: ignore[no-untyped-call]
        raise _answered(answer, tried, on) from error
    except google.RetryError as error:
        cause = error.cause
        if isinstance(cause, google.GoogleAPICallError):
            raise _answered(cause, tried, on) from error
        raise _unanswered(tried, on, api_endpoint, cause or error) from error
    except google.GoogleAPICallError as error:
        raise _answered(error, tried, on) from error
    except transport as error:
        raise _unanswered(tried, on, api_endpoint, error) from error
    except auth.GoogleAuthError as error:
        raise errors.Unauthenticated(
            f"{tried} {on}: no usable Google credentials ({_first_line(error)}); "
            "run `gcloud auth application-default login`"
        ) from error


def is_worth_repeating(error: BaseException, api_endpoint: str | None) -> bool:
    """Tell whether the same request may be answered if it is sent once more.

    A local cloud that refuses connections is not running, and waiting does not start it.
    """
    import requests
    from google.api_core import exceptions as google
    from google.auth import exceptions as auth

    if isinstance(error, google.GoogleAPICallError):
        reason = _reason(error)
        return reason in REPEATABLE_REASONS or (
            reason not in BY_REASON and error.code in REPEATABLE_STATUSES
        )
    if isinstance(error, requests.exceptions.SSLError):
        return False
    if api_endpoint is not None and is_refused(error):
        return False
    return isinstance(
        error,
        requests.exceptions.ConnectionError
        | requests.exceptions.Timeout
        | requests.exceptions.ChunkedEncodingError
        | auth.TransportError
        | ConnectionError,
    )


def is_refused(error: BaseException) -> bool:
    """Tell whether nobody listens at the address, from anywhere in the chain of causes."""
    from urllib3.exceptions import NewConnectionError

    seen: set[int] = set()
    pending: list[object] = [error]
    while pending:
        current = pending.pop()
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        if isinstance(current, NewConnectionError | ConnectionRefusedError):
            return True
        # urllib3 keeps the cause of a MaxRetryError in `reason`, requests its own in `args`.
        pending += [current.__cause__, current.__context__, getattr(current, "reason", None)]
        pending += current.args
    return False


def failed_job(error: JobError, tried: str, on: str, job_id: str) -> errors.CloudError:
    """Make the error of a job that ended badly.

    Returns:
        The class that the reason names; `JobFailed` where the work itself failed.
    """
    kind = BY_REASON.get(error.reason, errors.JobFailed)
    if error.awaits_grant:
        kind = errors.PermissionDenied
        todo = "; grant the connection's service account the role it lacks, and run it again"
    else:
        todo = advice(kind, error.reason, error.message)
    failure = kind(f"{tried} {on}: {error.message} [{error.reason}, job {job_id}]{todo}")
    failure.reason = error.reason
    return failure


def _answered(error: "object", tried: str, on: str) -> errors.CloudError:
    from google.api_core import exceptions as google

    assert isinstance(error, google.GoogleAPICallError)
    reason = _reason(error)
    status = int(error.code or 0)
    kind = BY_REASON.get(reason) or BY_STATUS.get(status)
    if kind is None:
        kind = errors.Unavailable if status >= 500 else errors.CloudError
    answer = ", ".join(filter(None, [reason, f"HTTP {status}" if status else ""]))
    said = sentence(error)
    refusal = kind(f"{tried} {on}: {said} [{answer}]{advice(kind, reason, said)}")
    refusal.reason = reason
    return refusal


def _unanswered(
    tried: str, on: str, api_endpoint: str | None, error: BaseException
) -> errors.Unavailable:
    if api_endpoint is not None:
        if is_refused(error):
            return errors.Unavailable(
                f"{tried} {on}: the local cloud at {api_endpoint} does not answer; "
                "start it with `bqvertex local start`"
            )
        return errors.Unavailable(
            f"{tried} {on}: the local cloud at {api_endpoint} broke off ({_first_line(error)}); "
            "look at `bqvertex local logs` and run it again"
        )
    return errors.Unavailable(
        f"{tried} {on}: BigQuery does not answer ({_first_line(error)}); "
        "check the network and run it again"
    )


def _reason(error: "object") -> str:
    found = [
        entry["reason"]
        for entry in getattr(error, "errors", None) or ()
        if isinstance(entry, dict) and entry.get("reason")
    ]
    return str(found[0]) if found else ""


def sentence(error: object) -> str:
    """Take Google's own words out of an error of its library."""
    # `message` begins with the method and the URL of the request; the entry has Google's own words.
    for entry in getattr(error, "errors", None) or ():
        if isinstance(entry, dict) and entry.get("message"):
            return str(entry["message"])
    return str(getattr(error, "message", None) or error)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
