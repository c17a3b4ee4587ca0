"""What went wrong at Google, in the user's terms.

* CloudError
  + NotFound            the resource is not there: `read` and `delete` take it as an answer
  + AlreadyExists       something of that name is there already
  + PermissionDenied    a permission is missing: the message names it and the member
    - Unauthenticated   Google does not know who asks: no credentials, or none that are valid
  + InvalidRequest      Google refused the request or the SQL: the message has the position
  + FailedPrecondition  the resource is in use, or in a state that forbids this
  + QuotaExceeded       a quota or rate limit: try again later
  + Unavailable         no answer, or an answer that says "try again"
  + DeadlineExceeded    it was not done in the time given; it may still be going on
  + Cancelled           the user broke the run off; what was going on was told to stop
  + JobFailed           the work itself failed: training, loading, deploying, monitoring
"""


class CloudError(Exception):
    """Base class. Message: what was tried, on which resource, what came back, what to do.

    Attributes:
        reason: Google's word for it, such as `invalidQuery`; empty where it said none.
    """

    reason: str = ""


class NotFound(CloudError):
    """The resource is not there."""


class AlreadyExists(CloudError):
    """Something of that name is there already."""


class PermissionDenied(CloudError):
    """A permission is missing."""


class Unauthenticated(PermissionDenied):
    """Google does not know who asks."""


class InvalidRequest(CloudError):
    """Google refused the request or the SQL."""


class FailedPrecondition(CloudError):
    """The resource is in use, or in a state that forbids this."""


class QuotaExceeded(CloudError):
    """A quota or a rate limit was hit."""


class Unavailable(CloudError):
    """Nobody answered, or the answer was to try again."""


class DeadlineExceeded(CloudError):
    """Not done in the time given."""


class Cancelled(CloudError):
    """The user broke the run off."""


class JobFailed(CloudError):
    """Training, loading, deploying or monitoring ran and failed."""
