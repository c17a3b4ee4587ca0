"""What is asked for and not there."""


class Missing(Exception):
    """There is no such page or resource.

    Args:
        what: What is not there, such as `The Dataset p:d`.
        advice: What to do.
    """

    def __init__(self, what: str, advice: str) -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice


class NotOpen(Exception):
    """BigQuery is still opening, or did not open."""
