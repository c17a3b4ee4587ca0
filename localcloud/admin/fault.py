"""Faults on request: what goes wrong, with which requests, and how often."""

import random
import re
import threading
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Status = Literal[
    "INVALID_ARGUMENT",
    "FAILED_PRECONDITION",
    "UNAUTHENTICATED",
    "PERMISSION_DENIED",
    "NOT_FOUND",
    "ABORTED",
    "RESOURCE_EXHAUSTED",
    "CANCELLED",
    "INTERNAL",
    "UNAVAILABLE",
    "DEADLINE_EXCEEDED",
]
LONGEST_LATENCY_SECONDS = 600.0


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from error
    return text


class Fault(BaseModel):
    """One fault.

    Attributes:
        path: Regular expression that is searched in the request's path, such as
            `endpoints/[^/]+:predict$`; every path without it.
        method: The request's HTTP method; every one without it.
        latency_seconds: How much later the request is answered.
        status: Canonical status that it is refused with, such as `RESOURCE_EXHAUSTED` (429) or
            `UNAVAILABLE` (503); nothing of the request happens.
        operation_status: Canonical status that the long-running operation it begins ends with, when
            it is due; what was made before stays half made.
        exit: When the process dies as by kill -9: `before` the request, or `after` what it asks for
            is done and before it is answered.
        logistic_explanation: Whether the deployment of a LOGISTIC_REG that BigQuery registered ends
            as is reported of Google's: `Explanation preprocessing failed`; of others nothing fails.
        message: What the refusal or the operation's error says.
        retry_after_seconds: The header Retry-After of a refusal.
        skip: How many matching requests go through first.
        times: How many are hit after that; all without it.
        probability: The share of them that is hit, at random.
        seed: Of that chance: the same seed hits the same requests.
    """

    model_config = ConfigDict(extra="forbid")

    path: Annotated[str, AfterValidator(_pattern)] = ""
    method: Literal["", "GET", "POST", "PUT", "PATCH", "DELETE"] = ""
    latency_seconds: float = Field(0.0, ge=0, le=LONGEST_LATENCY_SECONDS)
    status: Status | None = None
    operation_status: Status | None = None
    exit: Literal["before", "after"] | None = None
    logistic_explanation: bool = False
    message: str = "a fault that was asked for"
    retry_after_seconds: int | None = Field(None, ge=0)
    skip: int = Field(0, ge=0)
    times: int | None = Field(None, ge=1)
    probability: float = Field(1.0, gt=0, le=1)
    seed: int = 0

    @model_validator(mode="after")
    def _does_something(self) -> "Fault":
        if not (
            self.latency_seconds
            or self.status
            or self.operation_status
            or self.exit
            or self.logistic_explanation
        ):
            raise ValueError(
                "nothing goes wrong: give latency_seconds, status, operation_status, exit or "
                "logistic_explanation"
            )
        return self

    def matches(self, method: str, path: str) -> bool:
        """Whether a request is one of those it is about."""
        return self.method in ("", method) and re.search(self.path, path) is not None


class Faults:
    """The faults that are asked for, in order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._active: list[_Active] = []

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._active)

    def add(self, fault: Fault) -> None:
        """Ask for one more."""
        with self._lock:
            self._active.append(_Active(fault))

    def clear(self) -> None:
        """Ask for none."""
        with self._lock:
            self._active.clear()

    def told(self) -> list[dict[str, Any]]:
        """Each with how many requests it matched and hit."""
        with self._lock:
            return [
                {
                    **one.fault.model_dump(exclude_defaults=True),
                    "matched": one.matched,
                    "hit": one.hit,
                }
                for one in self._active
            ]

    def of(self, method: str, path: str) -> Sequence[Fault]:
        """Those that hit a request; counts it."""
        with self._lock:
            return [one.fault for one in self._active if one.hits(method, path)]


class _Active:
    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.matched = self.hit = 0
        self._chance = random.Random(fault.seed)

    def hits(self, method: str, path: str) -> bool:
        fault = self.fault
        if not fault.matches(method, path):
            return False
        self.matched += 1
        if self.matched <= fault.skip or self.hit == fault.times:
            return False
        if self._chance.random() >= fault.probability:
            return False
        self.hit += 1
        return True
