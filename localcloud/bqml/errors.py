"""What a user did wrong."""


class BqmlError(ValueError):
    """A statement that BigQuery ML refuses; the message is for its author."""
