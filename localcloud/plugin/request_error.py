"""What can go wrong between the plugin and a server."""


class HttpError(Exception):
    """A request that a server refused.

    Attributes:
        status: The HTTP status; 0: nobody answered.
        reason: Google's `status` or `errors[0].reason`; may be empty.
    """

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason

    @property
    def not_found(self) -> bool:
        """Whether what was asked for is not there."""
        return self.status == 404

    @property
    def conflict(self) -> bool:
        """Whether somebody else changed it in between."""
        return self.status == 412 or (self.status == 409 and self.reason in ("ABORTED", "conflict"))


class OperationFailed(Exception):
    """A long-running operation that ended in an error, was cancelled, or lasted too long."""
