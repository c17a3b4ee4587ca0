"""The one error the local cloud's services raise, in Google's shape (google.rpc.Status).

Source: https://cloud.google.com/apis/design/errors
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

HTTP_STATUS = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "CONDITION_NOT_MET": 412,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "INTERNAL": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
"""Canonical status to HTTP status."""

CODE = {
    "CANCELLED": 1,
    "INVALID_ARGUMENT": 3,
    "DEADLINE_EXCEEDED": 4,
    "NOT_FOUND": 5,
    "ALREADY_EXISTS": 6,
    "PERMISSION_DENIED": 7,
    "RESOURCE_EXHAUSTED": 8,
    "FAILED_PRECONDITION": 9,
    "CONDITION_NOT_MET": 9,
    "ABORTED": 10,
    "OUT_OF_RANGE": 11,
    "UNIMPLEMENTED": 12,
    "INTERNAL": 13,
    "UNAVAILABLE": 14,
    "UNAUTHENTICATED": 16,
}
"""Canonical status to google.rpc.Code, the `code` of a failed operation."""

# The older JSON APIs (Cloud Storage, BigQuery) also carry a reason; clients decide by it.
LEGACY_REASON = {
    "INVALID_ARGUMENT": "invalid",
    "FAILED_PRECONDITION": "failedPrecondition",
    "PERMISSION_DENIED": "forbidden",
    "NOT_FOUND": "notFound",
    "ALREADY_EXISTS": "conflict",
    "ABORTED": "conflict",
    "CONDITION_NOT_MET": "conditionNotMet",
    "UNIMPLEMENTED": "notImplemented",
}


@dataclass(frozen=True)
class Violation:
    """What is wrong with one field of a request.

    Attributes:
        field: Path in snake case, such as `endpoint.traffic_split`; empty for the whole body.
        description: Google's sentence about it.
    """

    field: str
    description: str


class ApiError(Exception):
    """A request that a Google API refuses.

    Attributes:
        status: Canonical status, a key of `HTTP_STATUS`.
        message: What was tried, on what, and what is allowed.
        violations: The fields at fault; they become a google.rpc.BadRequest detail.
    """

    def __init__(self, status: str, message: str, violations: Sequence[Violation] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.violations = tuple(violations)

    @property
    def http_status(self) -> int:
        """The HTTP status of the reply."""
        return HTTP_STATUS[self.status]

    def body(self) -> Json:
        """The JSON reply of an API described in protocol buffers (Vertex AI, IAM, ...)."""
        error: Json = {"code": self.http_status, "message": self.message, "status": self.status}
        if self.violations:
            error["details"] = [
                {
                    "@type": "type.googleapis.com/google.rpc.BadRequest",
                    "fieldViolations": [
                        {"field": v.field, "description": v.description}
                        if v.field
                        else {"description": v.description}
                        for v in self.violations
                    ],
                }
            ]
        return {"error": error}

    def legacy_body(self) -> Json:
        """The JSON reply of the older APIs (Cloud Storage), which carry `errors[].reason`."""
        reason = LEGACY_REASON.get(self.status, "backendError")
        return {
            "error": {
                "code": self.http_status,
                "message": self.message,
                "errors": [{"message": self.message, "domain": "global", "reason": reason}],
            }
        }

    def operation_error(self) -> Json:
        """The `error` of a long-running operation that failed this way."""
        return {"code": CODE[self.status], "message": self.message}


def invalid_field(field: str, description: str) -> ApiError:
    """The 400 about one field."""
    return invalid([Violation(field, description)])


def invalid(violations: Sequence[Violation]) -> ApiError:
    """The 400 that lists every violation, one a line, as Google's front ends do."""
    return ApiError(
        "INVALID_ARGUMENT", "\n".join(v.description for v in violations), tuple(violations)
    )
